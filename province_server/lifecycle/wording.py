"""The words of what a person is handed: receipts and exports, as text to print, in Chinese and English."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from province_server.insights.export import lines as insight_lines
from province_server.lifecycle.export import ConsentHeld, Export
from province_server.lifecycle.receipts import Receipt
from province_server.lifecycle.traces import lines as trace_lines
from province_server.portraits.export import lines as portrait_lines
from yingbin.offers.profile import CHINA_TIME

Language = str

_PURPOSES: Final = {
    "vip_service": ("贵宾到店服务", "VIP service"),
    "ticketing": ("刷脸取号", "face ticketing"),
    "teller_assist": ("柜面辅助核验", "teller assistance"),
    "marketing": ("个性化推荐", "personalised suggestions"),
    "whereabouts": ("跨网点到店信息", "visits at other branches"),
    "central_storage": ("省级集中存储", "central storage"),
}
_WHAT: Final = {
    "template": ("人脸特征模板", "face templates"),
    "template_key": ("模板密钥(销毁)", "template keys (destroyed)"),
    "consent": ("同意记录", "consent records"),
    "record": ("客户资料", "customer record"),
    "outcome": ("接待记录", "records of how visits went"),
    "sale": ("购买记录", "sales"),
    "list": ("名单条目", "entries of lists"),
    "portrait": ("客户画像", "customer portraits"),
    "insight": ("数据推断结论", "conclusions drawn from data"),
    "visit": ("到店记录与卡片", "visits and cards"),
}
_HELD: Final = {
    "records": ("客户资料与同意记录", "records and consents"),
    "templates": ("加密人脸模板", "protected face templates"),
    "card": ("到店提示卡", "the card shown at a visit"),
    "visits": ("到店记录(离店后12小时内)", "visits, until 12 h after they ended"),
}
_WHERE: Final = {
    "identity_store": ("省级身份库", "identity store of the province"),
    "template_store": ("省级模板库", "template store of the province"),
    "cities": ("各城市服务器", "city servers"),
}


def purpose_text(purpose: str, language: Language) -> str:
    """Return a purpose in words."""
    return _word(_PURPOSES, purpose, language)


def time_text(at_ms: int | None, language: Language) -> str:
    """Return an instant in China's time, or that it is still to come."""
    if at_ms is None:
        return "待确认" if language == "zh" else "pending"
    return datetime.fromtimestamp(at_ms / 1000, CHINA_TIME).strftime("%Y-%m-%d %H:%M:%S UTC+8")


def receipt_text(receipt: Receipt, language: Language) -> str:
    """Return a receipt to print."""
    say: Callable[[str, str], str] = lambda zh, en: zh if language == "zh" else en  # noqa: E731
    scope = (
        say("全部资料", "everything held")
        if receipt.everything
        else say("、", ", ").join(purpose_text(one, language) for one in receipt.purposes)
    )
    lines = [
        say("个人信息删除回执", "Receipt of deletion of personal information"),
        f"{say('回执编号', 'Receipt')}: {receipt.receipt_id}",
        f"{say('客户代码', 'Customer reference')}: {receipt.customer_ref}",
        f"{say('时间', 'Time')}: {time_text(receipt.made_at_ms, language)}",
        f"{say('撤回范围', 'Withdrawn')}: {scope}",
        "",
        say("已删除:", "Deleted:"),
        *(
            f"- {_word(_WHAT, one.what, language)}: {say('全部', 'all') if one.count is None else one.count} "
            f"({_word(_WHERE, one.where, language)})"
            for one in receipt.deleted
        ),
        "",
        say("各城市生效时间:", "In effect since, by city:"),
        *_city_lines(receipt, language),
    ]
    return "\n".join(lines) + "\n"


def _city_lines(receipt: Receipt, language: Language) -> Iterable[str]:
    if not receipt.cities:
        yield "- 无(未曾下发)" if language == "zh" else "- none (nothing had been handed out)"
    for city in receipt.cities:
        yield f"- {city.name}: {time_text(city.confirmed_at_ms, language)}"
        if city.boxes_forget_by_ms is not None:
            by = time_text(city.boxes_forget_by_ms, language)
            yield f"  网点设备断网时最迟清除: {by}" if language == "zh" else f"  boxes cut off from it forget by: {by}"


def _word(words: dict[str, tuple[str, str]], key: str, language: Language) -> str:
    zh, en = words.get(key, (key, key))
    return zh if language == "zh" else en


def export_text(export: Export, language: Language) -> str:
    """Return an export to print."""
    say: Callable[[str, str], str] = lambda zh, en: zh if language == "zh" else en  # noqa: E731
    record = export.record
    none = [say("- 无", "- none")]
    lines = [
        say("个人信息查询结果", "Personal information held"),
        f"{say('时间', 'Time')}: {time_text(export.made_at_ms, language)}",
        "",
        say("客户资料:", "Customer record:"),
        *(f"- {name}: {value}" for name, value in _flat(record.model_dump(mode="json"))),
        "",
        say("同意记录:", "Consents:"),
        *(_consent_line(one, language) for one in export.consents),
        *(none if not export.consents else ()),
        "",
        say("人脸特征模板:", "Face templates:"),
        *(
            f"- {one.gallery}, {time_text(one.enrolled_at_ms, language)}, {say('模型', 'model')} {one.model_pack}"
            for one in export.enrolments
        ),
        *(none if not export.enrolments else ()),
        "",
        say("接待记录:", "How visits went:"),
        *(
            f"- {time_text(one.at_ms, language)}, {one.branch}: {one.kind} {one.product} {one.reason}".rstrip()
            for one in export.outcomes
        ),
        *(none if not export.outcomes else ()),
        "",
        say("购买记录:", "Sales:"),
        *(f"- {time_text(one.at_ms, language)}: {one.product}, {one.amount_fen / 100:.2f} CNY" for one in export.sales),
        *(none if not export.sales else ()),
        "",
        say("所在名单:", "Lists:"),
        *(
            f"- {one.name}: {one.reason} ({one.source}), {say('至', 'until')} {time_text(one.expires_at_ms, language)}"
            for one in export.lists
        ),
        *(none if not export.lists else ()),
        "",
        say("客户画像:", "Portrait:"),
        *(portrait_lines(export.portrait, language) if export.portrait else none),
        "",
        say("根据数据得出的推断:", "Conclusions drawn from data:"),
        *(insight_lines(export.insights, language) or none),
        "",
        *trace_lines(export.traces, say, lambda at_ms: time_text(at_ms, language)),
        "",
        say("处理地点:", "Processed at:"),
        *(
            f"- {place.name}: {', '.join(_word(_HELD, what, language) for what in place.what)}"
            for place in export.processed_at
        ),
    ]
    return "\n".join(lines) + "\n"


def _consent_line(one: ConsentHeld, language: Language) -> str:
    granted = time_text(one.granted_at_ms, language)
    state = "有效" if language == "zh" else "in force"
    if one.withdrawn_at_ms is not None:
        state = ("撤回于 " if language == "zh" else "withdrawn ") + time_text(one.withdrawn_at_ms, language)
    guardian = "" if not one.by_guardian else "(监护人)" if language == "zh" else " (guardian)"
    return (
        f"- {purpose_text(one.purpose, language)}{guardian}: {granted}, {one.notice_version}, {one.evidence}; {state}"
    )


def _flat(values: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value not in (None, "", []):
            yield f"{prefix}{name}", str(value)
