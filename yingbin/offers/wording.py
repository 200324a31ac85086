"""What no sentence on a tablet may contain (C15), and no amount of money before identity is confirmed.

The catalogue is checked with it when loaded, and the tests check every sentence the code adds.
"""

import re

INCOME_GAP_ZH = "收入资料不足,暂不主动推荐信贷;客户申请照常受理"
"""Exactly this text, and no other, where income is not documented (C15)."""
INCOME_GAP_EN = "Income documents are incomplete: do not raise credit; an application is handled as usual"

_ZH = {
    "amount of money": (
        r"[¥¥$€]\s*\d|[\d一二三四五六七八九十百千万亿两几]\s*(?:元|块钱|人民币|美元)|[\d一二三四五六七八九十两几]\s*[万亿]"
    ),
    "occupation": "教师|老师|医生|护士|公务员|律师|工程师|司机|程序员|军人|老板|企业主|个体户|职业|上班|打工",
    "marriage or relative": (
        "婚|配偶|夫妻|丈夫|妻子|太太|爱人|伴侣|单身|父亲|母亲|父母|儿子|女儿|子女|孩子|兄弟|姐妹|亲属|家人|家属"
    ),
    "place": (
        "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川"
        "|贵州|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|台湾|广州|深圳|杭州|南京|成都|武汉|西安|老家|籍贯"
    ),
    "hour of the day": r"\d{1,2}\s*[::]\s*\d{2}|\d{1,2}\s*点|凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|夜间|深夜",
    "health, law or religion": "病|医院|患者|怀孕|残疾|诉讼|律所|犯罪|判决|宗教|佛教|基督|伊斯兰|教会|寺",
}
_EN = {
    "amount of money": r"\b(?:CNY|RMB|USD)\b|\d[\d,.]*\s*(?:yuan|fen|dollars?|thousand|million|billion)\b",
    "occupation": r"\b(?:teacher|doctor|nurse|lawyer|engineer|driver|civil servant|entrepreneur|occupation|job)s?\b",
    "marriage or relative": (
        r"\b(?:husband|wife|wives|spouse|married|single|divorced|marriage|father|mother|parent|son|daughter|child|children"
        r"|brother|sister|relative|family|families)s?\b"
    ),
    "place": (
        r"\b(?:Beijing|Shanghai|Tianjin|Chongqing|Guangzhou|Shenzhen|Hangzhou|Nanjing|Chengdu|Wuhan|Hong Kong|Macau"
        r"|Taiwan|home ?town)\b"
    ),
    "hour of the day": r"\b\d{1,2}\s*(?:am|pm|o'clock)\b|\b(?:morning|noon|afternoon|evening|midnight|night)\b",
    "health, law or religion": (
        r"\b(?:ill|illness|disease|hospital|pregnan\w*|disabled|lawsuit|court|crim\w+|relig\w+|church|mosque|temple)\b"
    ),
}
_FORBIDDEN = {kind: re.compile(f"{_ZH[kind]}|{_EN[kind]}", re.IGNORECASE) for kind in _ZH}


def forbidden(text: str) -> str | None:
    """Return what `text` may not say, as `kind: fragment`, or None when it is allowed."""
    for kind, pattern in _FORBIDDEN.items():
        found = pattern.search(text)
        if found:
            return f"{kind}: {found.group()!r}"
    return None
