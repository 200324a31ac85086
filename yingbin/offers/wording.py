"""What no sentence on a tablet may contain (C15), and no amount of money before identity is confirmed.

The catalogue is checked with it when loaded, and the tests check every sentence the code adds.
"""

import re

INCOME_GAP_ZH = "收入资料不足,暂不主动推荐信贷;客户申请照常受理"
"""Exactly this text, and no other, where income is not documented (C15)."""
INCOME_GAP_EN = "Income documents are incomplete: do not raise credit; an application is handled as usual"

_MONEY = "amount of money"
_ZH = {
    _MONEY: (
        r"[¥¥$€]\s*\d|[\d一二三四五六七八九十百千万亿两几]\s*(?:元|块钱|人民币|美元)|[\d一二三四五六七八九十两几]\s*[万亿]"
    ),
    "occupation": (
        "教师|老师|教授|医生|护士|护工|公务员|律师|法官|警察|工程师|司机|快递员|外卖员|程序员|军人|会计师|保姆|月嫂|保安"
        "|农民|工人|农民工|老板|企业主|个体户|自由职业|职业|上班|下班|打工|夜班|失业|退休金"
    ),
    "marriage or relative": (
        "婚|配偶|夫妻|丈夫|妻子|太太|老公|老婆|爱人|伴侣|情侣|恋人|情人|单身|离异|丧偶|父亲|母亲|父母|爸爸|妈妈|爷爷|奶奶"
        "|外公|外婆|祖父|祖母|岳父|岳母|公婆|儿子|女儿|子女|孩子|儿媳|女婿|孙子|孙女|兄弟|姐妹|哥哥|弟弟|姐姐|妹妹"
        "|叔叔|舅舅|姑姑|亲属|亲戚|家人|家属|家庭成员|同居"
    ),
    "place": (
        "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川"
        "|贵州|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|台湾|广州|深圳|杭州|南京|成都|武汉|西安|苏州"
        "|宁波|青岛|大连|厦门|长沙|郑州|济南|合肥|福州|南昌|昆明|贵阳|太原|石家庄|沈阳|长春|哈尔滨|兰州|西宁|银川"
        "|乌鲁木齐|拉萨|呼和浩特|南宁|海口|三亚|东莞|佛山|无锡|温州|老家|籍贯|同乡|老乡|户籍|出生地"
    ),
    "hour of the day": (
        r"\d{1,2}\s*[::]\s*\d{2}|[\d一二三四五六七八九十]{1,3}\s*点(?:钟|半|前|后|整|左右|到|至|$|[^\d一-龥])"
        "|凌晨|清晨|早晨|早上|上午|中午|午间|下午|傍晚|晚上|夜间|深夜|半夜|通宵|作息"
    ),
    "health, law or religion": (
        "疾病|病情|生病|病人|病历|病史|病房|看病|治病|医院|诊所|门诊|患者|癌|糖尿|抑郁|手术|药|体检|怀孕|孕期|残疾|诉讼|官司|起诉"
        "|被告|原告|律所|法院|仲裁|犯罪|刑事|拘留|判决|失信|宗教|信仰|佛教|道教|基督|天主|伊斯兰|清真|穆斯林|教会|教堂|寺|礼拜"
    ),
    "origin": "民族|汉族|回族|维吾尔|藏族|蒙古族|壮族|肤色|种族",
}
_EN = {
    _MONEY: r"\b(?:CNY|RMB|USD)\b|\d[\d,.]*\s*(?:yuan|fen|dollars?|thousand|million|billion)\b",
    "occupation": (
        r"\b(?:teacher|professor|doctor|nurse|nanny|lawyer|judge|engineer|driver|courier|programmer|soldier|policeman"
        r"|farmer|worker|civil servant|entrepreneur|shop owner|night shift|unemployed"
        r"|profession|occupation|employer|job)s?\b"
    ),
    "marriage or relative": (
        r"\b(?:husband|wife|wives|spouse|married|unmarried|single|divorced|widow|widower|widowed|marriage|wedding|partner|lover|girlfriend"
        r"|boyfriend|father|mother|parent|grandfather|grandmother|grandparent|grandchild|son|daughter|child|children|kid"
        r"|brother|sister|sibling|uncle|aunt|cousin|in-law|relative|family|families)s?\b"
    ),
    "place": (
        r"\b(?:Beijing|Shanghai|Tianjin|Chongqing|Guangzhou|Shenzhen|Hangzhou|Nanjing|Chengdu|Wuhan|Xi'an|Suzhou|Ningbo"
        r"|Qingdao|Dalian|Xiamen|Changsha|Zhengzhou|Jinan|Hefei|Fuzhou|Kunming|Shenyang|Harbin|Urumqi|Lhasa|Sichuan"
        r"|Guangdong|Zhejiang|Jiangsu|Shandong|Henan|Hebei|Hunan|Hubei|Fujian|Yunnan|Xinjiang|Tibet"
        r"|Guangxi|Hainan|Hong Kong|Macau|Taiwan|home ?town|birthplace)\b"
    ),
    "hour of the day": (
        r"\b\d{1,2}\s*(?:am|pm|a\.m\.|p\.m\.|o'clock)|\b(?:dawn|morning|noon|afternoon|evening|midnight|night|overnight)s?\b"
    ),
    "health, law or religion": (
        r"\b(?:ill|illness|sick|disease|cancer|diabetes|depression|hospital|clinic|surgery|patient|medicine|pregnan\w*|disabled"
        r"|lawsuit|litigation|court|crim\w+|arrest\w*|convict\w*|relig\w+|buddhis\w+|christian\w*|muslim\w*|islam\w*|church"
        r"|mosque|temple|prayer)s?\b"
    ),
    "origin": r"\b(?:ethnic\w*|race|racial|nationality)\b",
}
_FORBIDDEN = {kind: re.compile(f"{_ZH[kind]}|{_EN[kind]}", re.IGNORECASE) for kind in _ZH}


def forbidden(text: str, *, confirmed: bool = False) -> str | None:
    """Return what `text` may not say, as `kind: fragment`, or None when it is allowed.

    `confirmed`: it is shown only after identity is confirmed, when amounts of money may be said.
    """
    for kind, pattern in _FORBIDDEN.items():
        found = pattern.search(text)
        if found and not (confirmed and kind == _MONEY):
            return f"{kind}: {found.group()!r}"
    return None
