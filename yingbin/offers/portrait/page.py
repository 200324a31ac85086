# ruff: noqa: S608  (the only path in the SQL is the operator's own, quoted)
"""What may be shown of a portrait after his identity is confirmed, in words, and what changed since a visit.

Consent and expiry are looked at again here, on every reading: a tag whose purpose was withdrawn since the job ran is
gone at once (C1), one past its last day too (C18).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import duckdb

from yingbin.errors import NotFound
from yingbin.offers.portrait.definitions import Kind, Tag, Tags
from yingbin.offers.portrait.job import file_of
from yingbin.trust.consent import Purpose

_NOTEWORTHY: Final = 0.1
"""Least relative change of a number that is told."""
_NOTEWORTHY_SHARE: Final = 0.1
"""Least change of a share or a change, in parts of the whole."""


class TagRow(NamedTuple):
    """One row of the job's file, of one customer."""

    tag: str
    value: str
    as_of: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class ShownTag:
    """A tag in words, with where it comes from and its date."""

    tag: Tag
    zh: str
    en: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Change:
    """A tag that is `new`, `changed` or `gone` since an earlier portrait; `before` and `now` are (zh, en) or empty."""

    tag: Tag
    kind: Literal["new", "changed", "gone"]
    before: tuple[str, str]
    now: tuple[str, str]


class HoldingRow(NamedTuple):
    """What a customer holds or owes of a product; `matures_on` is the next maturity."""

    product: str
    kind: str
    balance_fen: int
    matures_on: date | None
    as_of: date
    expires_on: date


class EventRow(NamedTuple):
    """One line of the timeline; `detail` is a product code or a level."""

    day: date
    event: str
    detail: str
    as_of: date
    expires_on: date


class Portrait(NamedTuple):
    """All that the job wrote of a customer, whoever may see it."""

    tags: tuple[TagRow, ...] = ()
    holdings: tuple[HoldingRow, ...] = ()
    timeline: tuple[EventRow, ...] = ()


class PortraitMissing(NotFound):
    """There are no portraits in that folder."""

    code = "portrait_missing"


def read_customer(folder: Path, customer_id: str) -> Portrait:
    """Return what the job wrote of a customer; empty for one it does not know. Raises `PortraitMissing`."""

    def rows(name: str, columns: Sequence[str], order: str) -> list[tuple[Any, ...]]:
        file = file_of(folder, name)
        if not file.is_file():
            raise PortraitMissing(f"{file} does not exist; make it with `yingbin portrait build`")
        quoted = str(file).replace("'", "''")
        query = f"SELECT {', '.join(columns)} FROM read_parquet('{quoted}') WHERE customer_id = ? ORDER BY {order}"
        return reading.execute(query, [customer_id]).fetchall()

    with duckdb.connect() as reading:
        return Portrait(
            tuple(TagRow(*row) for row in rows("tags", TagRow._fields, "tag")),
            tuple(HoldingRow(*row) for row in rows("holdings", HoldingRow._fields, "balance_fen DESC, product")),
            tuple(EventRow(*row) for row in rows("timeline", EventRow._fields, "day DESC, event, detail")),
        )


def holdings(portrait: Portrait, granted: Collection[Purpose], today: date) -> tuple[HoldingRow, ...]:
    """Return the holdings that may be shown, largest first."""
    return tuple(row for row in portrait.holdings if Purpose.MARKETING in granted and row.expires_on >= today)


def timeline(
    portrait: Portrait, granted: Collection[Purpose], today: date, tags: Tags, names: Mapping[str, tuple[str, str]]
) -> tuple[tuple[date, str, str], ...]:
    """Return (day, Chinese, English) of the events that may be shown, newest first, without amounts.

    `names`: product -> its names; one that is not in it is called by its code.
    """
    events = {event.id: event for event in tags.event}
    found = []
    for row in portrait.timeline:
        if Purpose.MARKETING in granted and row.expires_on >= today and row.event in events:
            zh, en = names.get(row.detail, (row.detail, row.detail))
            found.append((row.day, f"{events[row.event].name_zh} {zh}", f"{events[row.event].name_en}: {en}"))
    return tuple(found)


def page(
    rows: Iterable[TagRow], granted: Collection[Purpose], today: date, tags: Tags
) -> Mapping[str, tuple[ShownTag, ...]]:
    """Return group id -> its tags, in the order of `tags`; groups without any are left out.

    `granted`: the consents in force now. What is for inside use alone is never in it.
    """
    shown = _showable(rows, granted, today, tags)
    groups = {
        group.id: tuple(
            ShownTag(tag, *tag.words(shown[tag.id].value), shown[tag.id].as_of)
            for tag in tags.of(group.id)
            if tag.id in shown
        )
        for group in tags.group
    }
    return {group: found for group, found in groups.items() if found}


def changes(
    before: Iterable[TagRow], now: Iterable[TagRow], granted: Collection[Purpose], today: date, tags: Tags
) -> tuple[Change, ...]:
    """Return what is noteworthy: every flag, choice, level and date; numbers from a tenth of change on.

    Days that merely count up are not. What may not be shown now is not told of the past either.
    """
    earlier = {row.tag: row.value for row in before}
    shown = _showable(now, granted, today, tags)
    found = []
    for tag in tags.tag:
        if tag.type is Kind.DAYS or not _permitted(tag, granted):
            continue
        old, new = earlier.get(tag.id), shown[tag.id].value if tag.id in shown else None
        if old is not None and new is not None and _noteworthy(tag, old, new):
            found.append(Change(tag, "changed", tag.words(old), tag.words(new)))
        elif old is None and new is not None:
            found.append(Change(tag, "new", ("", ""), tag.words(new)))
        elif old is not None and new is None:
            found.append(Change(tag, "gone", tag.words(old), ("", "")))
    return tuple(found)


def _showable(rows: Iterable[TagRow], granted: Collection[Purpose], today: date, tags: Tags) -> dict[str, TagRow]:
    known = tags.by_id
    return {
        row.tag: row
        for row in rows
        if row.tag in known and row.expires_on >= today and _permitted(known[row.tag], granted)
    }


def _permitted(tag: Tag, granted: Collection[Purpose]) -> bool:
    return tag.shown == "tablet" and tag.purposes <= frozenset(granted)


def _noteworthy(tag: Tag, old: str, new: str) -> bool:
    match tag.type:
        case Kind.SHARE | Kind.CHANGE:
            return abs(float(new) - float(old)) >= _NOTEWORTHY_SHARE
        case Kind.COUNT | Kind.FEN:
            return abs(int(new) - int(old)) >= max(1, _NOTEWORTHY * abs(int(old)))
        case _:
            return old != new
