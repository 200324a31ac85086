"""May this customer be asked again, and about this product? Time that has passed counts, never the hour (C16)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from yingbin.feed_wire import CardView, ContactNote

DAY_MS: Final = 86_400_000
_WINDOW_MS: Final = 30 * DAY_MS
_NEWEST: Final = 16
"""Of each product; more than any limit that makes sense."""
_MOST: Final = 100

SHOWN: Final = frozenset({"shown"})
REFUSED: Final = frozenset({"refused", "not_interested"})
CONTACT: Final = frozenset({"shown", "refused", "not_interested", "accepted", "sold", "greeted"})

Rests = Literal["refused_before", "refused_often", "category_refused", "shown_often"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came of raising a product, in any channel. `occasion`: the card or message it was part of."""

    kind: str
    product: str
    occasion: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """What the policy looks at: per product, the occasions of all, and whether the last one had a refusal."""

    notes: tuple[ContactNote, ...] = ()
    contacted_at_ms: tuple[int, ...] = ()
    refused_last_visit: bool = False


def history(events: Iterable[Event], category_of: dict[str, str]) -> History:
    """Sum up; `category_of` has the categories of products that are still in the catalogue."""
    every = tuple(events)
    not_his = {one.occasion for one in every if one.kind == "wrong_person"}
    told = sorted(
        (one for one in every if one.kind in CONTACT and one.occasion not in not_his),
        key=lambda one: (one.at_ms, one.occasion),
    )
    by_product: defaultdict[str, list[Event]] = defaultdict(list)
    first_of: dict[str, int] = {}
    for one in told:
        first_of.setdefault(one.occasion, one.at_ms)
        if one.product:
            by_product[one.product].append(one)
    notes = []
    for product, of_it in sorted(by_product.items()):
        refused = [one.at_ms for one in of_it if one.kind in REFUSED]
        shown = tuple(one.at_ms for one in of_it if one.kind in SHOWN)[-_NEWEST:]
        note = ContactNote(product, category_of.get(product, ""), len(refused), max(refused, default=0), shown)
        notes.append(note)
    last = max(first_of, key=lambda occasion: first_of[occasion], default="")
    refused_last = any(one.occasion == last and one.kind in REFUSED for one in told)
    return History(tuple(notes), tuple(sorted(first_of.values()))[-_MOST:], refused_last)


def rests(view: CardView, product: str, category: str, at_ms: int) -> Rests | None:
    """Return why a product is not raised now, None when it may be."""
    policy = view.policy
    note = next((note for note in view.contacts if note.product == product), None)
    if note and note.refusals >= policy.max_refusals and _within(note.last_refused_ms, at_ms, policy.reoffer_days):
        return "refused_often"
    if note and note.refusals and _within(note.last_refused_ms, at_ms, policy.refusal_product_days):
        return "refused_before"
    if category and any(
        other.refusals and other.category == category
        and _within(other.last_refused_ms, at_ms, policy.refusal_category_days)
        for other in view.contacts
    ):  # fmt: skip
        return "category_refused"
    if note and _lately(note.shown_at_ms, at_ms) >= policy.product_shown_per_30_days:
        return "shown_often"
    return None


def wearied(view: CardView, at_ms: int) -> bool:
    """Return whether all channels together have asked him so often in 30 days that this visit is for service alone."""
    return _lately(view.contacted_at_ms, at_ms) >= view.policy.contacts_per_30_days


def _within(since_ms: int, at_ms: int, days: int) -> bool:
    return at_ms < since_ms + days * DAY_MS


def _lately(at: tuple[int, ...], at_ms: int) -> int:
    return sum(at_ms - one < _WINDOW_MS for one in at)
