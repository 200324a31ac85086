"""The portrait as a tablet shows it: what `page.py` permits, in the structs of `portrait_wire`.

The words of tags are in `tags.toml`, which the tests scan (C15). Product codes come from the bank's files, so what is
said with them is scanned here; what may not be said is left out and logged by its kind, never by its text.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final, Literal, TypeVar

import msgspec

from yingbin import portrait_wire as wire
from yingbin.log import get_logger
from yingbin.offers.bank.schema import BY_NAME, DEBTS
from yingbin.offers.portrait.definitions import Tag, Tags
from yingbin.offers.portrait.page import Change, HoldingRow, Portrait, TagRow, changes, holdings, page, timeline
from yingbin.offers.wording import forbidden
from yingbin.trust.consent import Purpose

log = get_logger()
_CODE_JOINTS: Final = re.compile("[_.]")
_Said = TypeVar("_Said", bound=msgspec.Struct)
Names = Mapping[str, tuple[str, str]]
"""Product code -> its Chinese and English name."""

_SYSTEMS: Final[Names] = {
    "core banking (ECIF)": ("客户信息系统", "customer register"),
    "core banking": ("核心系统", "core banking"),
    "wealth system": ("财富系统", "wealth system"),
    "contract system": ("签约系统", "contract system"),
    "mobile bank": ("手机银行", "mobile bank"),
    "card system": ("卡系统", "card system"),
    "this product": ("推荐记录", "record of suggestions"),
}
"""Source system of the bank's tables -> its names on the tablet."""

_KINDS: Final[Names] = {
    "demand": ("活期存款", "Demand deposit"),
    "time": ("定期存款", "Time deposit"),
    "wealth": ("理财产品", "Wealth product"),
    "fund": ("基金", "Fund"),
    "bond": ("债券", "Bond"),
    "insurance": ("保险", "Insurance"),
    "metal": ("贵金属", "Precious metal"),
    "credit_card": ("信用卡", "Credit card"),
    "loan": ("贷款", "Loan"),
    "custody": ("三方存管", "Third-party custody"),
    "fx": ("外汇账户", "Foreign currency account"),
    "car_loan": ("汽车贷款", "Car loan"),
}
"""Product, or else kind of account -> what is said of one that the catalogue does not name."""

_ACCOUNTS: Final = _SYSTEMS[BY_NAME["accounts"].source]


def permitted_tags(rows: Iterable[TagRow], granted: Collection[Purpose], today: date, tags: Tags) -> tuple[TagRow, ...]:
    """Return the rows of tags that may be shown of somebody who grants `granted` today: what is remembered as shown."""
    shown = {one.tag.id for group in page(rows, granted, today, tags).values() for one in group}
    return tuple(row for row in rows if row.tag in shown)


def tablet_page(
    lines: tuple[wire.Money, ...],
    portrait: Portrait,
    granted: Collection[Purpose],
    today: date,
    tags: Tags,
    names: Names,
    *,
    opted_out: bool = False,
    before: tuple[date, tuple[TagRow, ...]] | None = None,
) -> wire.PortraitPage:
    """Return the page of one customer. `before`: the day of his last visit, and the tags that were shown then.

    `opted_out` of automated decisions (C10): nothing derived is shown of him, what he holds and did is.
    """
    profiling = frozenset[Purpose]() if opted_out else frozenset(granted)
    groups = {group.id: group for group in tags.group}
    found = changes(before[1], portrait.tags, profiling, today, tags) if before and not opted_out else ()
    return wire.PortraitPage(
        lines=lines,
        groups=tuple(
            wire.TagGroup(
                group=group,
                name_zh=groups[group].name_zh,
                name_en=groups[group].name_en,
                tags=tuple(_tag(one.tag, one.zh, one.en, one.as_of) for one in shown),
            )
            for group, shown in page(portrait.tags, profiling, today, tags).items()
        ),
        holdings=_sayable(_holding(row, names) for row in holdings(portrait, granted, today)),
        timeline=_sayable(
            wire.TimelineEvent(day.isoformat(), zh, en)
            for day, zh, en in timeline(portrait, granted, today, tags, names)
        ),
        since=before[0].isoformat() if before and not opted_out else "",
        changes=tuple(_change(one) for one in found),
    )


def _tag(tag: Tag, zh: str, en: str, as_of: date) -> wire.PortraitTag:
    systems = dict.fromkeys(BY_NAME[table].source for table in sorted(tag.tables))
    named = [_SYSTEMS[system] for system in systems]
    return wire.PortraitTag(
        tag=tag.id,
        name_zh=tag.name_zh,
        name_en=tag.name_en,
        zh=zh,
        en=en,
        about_zh=tag.definition_zh,
        about_en=tag.definition_en,
        source_zh="、".join(name[0] for name in named),
        source_en=", ".join(name[1] for name in named),
        as_of=as_of.isoformat(),
    )


def _holding(row: HoldingRow, names: Names) -> wire.Holding:
    zh, en = names.get(row.product) or _KINDS.get(row.product) or _KINDS.get(row.kind, (row.product, row.product))
    kind: Literal["asset", "debt"] = "debt" if row.kind in DEBTS else "asset"
    return wire.Holding(
        name_zh=zh,
        name_en=en,
        kind=kind,
        amount_fen=row.balance_fen,
        source_zh=_ACCOUNTS[0],
        source_en=_ACCOUNTS[1],
        as_of=row.as_of.isoformat(),
        matures_on=row.matures_on.isoformat() if row.matures_on else "",
    )


def _change(change: Change) -> wire.Change:
    tag, before, now = change.tag, change.before, change.now
    return wire.Change(change.kind, tag.name_zh, tag.name_en, before[0], before[1], now[0], now[1])


def _sayable(said: Iterable[_Said]) -> tuple[_Said, ...]:
    return tuple(one for one in said if _may_be_said(one))


def _may_be_said(one: msgspec.Struct) -> bool:
    for field in msgspec.structs.fields(one):
        kind = forbidden(_CODE_JOINTS.sub(" ", str(getattr(one, field.name))), confirmed=True)
        if kind is not None:
            log.warning("portrait_line_left_out", field=field.name, forbidden=kind.partition(":")[0])
            return False
    return True
