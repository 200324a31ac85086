"""The portrait on its way: province -> city -> tablet as JSON, and back what a customer said of a question.

A city passes it through and keeps nothing of it.
"""

from typing import Literal

import msgspec


class Money(msgspec.Struct, frozen=True):
    """One line of the portrait: an amount in CNY fen with its label, source and date."""

    label_zh: str
    label_en: str
    amount_fen: int
    source: str
    as_of: str


class PortraitTag(msgspec.Struct, frozen=True):
    """A tag in words; `about_*` is its definition, `source_*` the systems it comes from, `as_of` its day."""

    tag: str
    name_zh: str
    name_en: str
    zh: str
    en: str
    about_zh: str
    about_en: str
    source_zh: str
    source_en: str
    as_of: str


class TagGroup(msgspec.Struct, frozen=True):
    """One of the eight groups, with those of its tags that may be shown."""

    group: str
    name_zh: str
    name_en: str
    tags: tuple[PortraitTag, ...]


class Holding(msgspec.Struct, frozen=True):
    """What he holds (`asset`) or owes (`debt`) of a product, CNY fen >= 0; `matures_on` is the next day or empty."""

    name_zh: str
    name_en: str
    kind: Literal["asset", "debt"]
    amount_fen: int
    source_zh: str
    source_en: str
    as_of: str
    matures_on: str = ""


class TimelineEvent(msgspec.Struct, frozen=True):
    """What happened on a day, without amounts."""

    day: str
    zh: str
    en: str


class Change(msgspec.Struct, frozen=True):
    """What is `new`, `changed` or `gone` since the last visit; `before_*` and `now_*` are empty where there is none."""

    kind: Literal["new", "changed", "gone"]
    name_zh: str
    name_en: str
    before_zh: str
    before_en: str
    now_zh: str
    now_en: str


class InsightEvidence(msgspec.Struct, frozen=True):
    """One family of evidence: how many independent signs, and the day of the last."""

    family_zh: str
    family_en: str
    support: int
    last_seen: str


class InsightNote(msgspec.Struct, frozen=True):
    """What may be said of a soft fact: `stated` once he has confirmed it, a question to him before (C14)."""

    fact_id: str
    text_zh: str
    text_en: str
    stated: bool
    evidence: tuple[InsightEvidence, ...]
    expires_on: str


class PortraitPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown of a customer whose identity is confirmed. `since`: the day of the visit `changes` go back to.

    Only `lines` are always there; the rest is empty where there is no portrait, consent or right to see it.
    """

    lines: tuple[Money, ...]
    groups: tuple[TagGroup, ...] = ()
    holdings: tuple[Holding, ...] = ()
    timeline: tuple[TimelineEvent, ...] = ()
    since: str = ""
    changes: tuple[Change, ...] = ()
    insights: tuple[InsightNote, ...] = ()


class InsightAnswer(msgspec.Struct, frozen=True):
    """City -> province: what a customer said of a question. Safe to repeat; the fact is named by the address."""

    answer_id: str
    customer_id: str
    staff_id: str
    confirmed: bool
    at_ms: int
