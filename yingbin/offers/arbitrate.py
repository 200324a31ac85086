"""The decision at alert time, in the city: at most three offers out of a card view. Pure, far below 5 ms.

Order (DESIGN 9): contact policy (refused products) -> priority = score x context lever -> at most one per category ->
suitability as the last hard filter. An unsuitable product does not use up its category, so a suitable one of the
same kind still comes through. When fewer than three survive, fewer are shown: nothing is invented; the province
already appended the general list to the candidates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from yingbin.feed_wire import Avoid, Candidate, CardView
from yingbin.offers.catalogue import Category
from yingbin.offers.suitability import INVESTMENT, suitability_notes, suitable
from yingbin.pad_wire import Offer
from yingbin.wire import CameraRole

MAX_OFFERS = 3

_LEVERS: Mapping[CameraRole, Mapping[str, float]] = MappingProxyType(
    {
        # About to queue: what saves the next queue is easy to accept now.
        CameraRole.TICKET_MACHINE: {Category.CHANNEL: 1.2},
        # Serving himself: talk is short, channels fit, long-term planning does not.
        CameraRole.SELF_SERVICE: {Category.CHANNEL: 1.3, Category.INSURANCE: 0.8},
    }
)
"""Small on purpose: where somebody stands nudges the order, his situation decides it."""


@dataclass(frozen=True, slots=True)
class Context:
    """The visit. `refused_products`: what this customer declined recently, by product code."""

    camera_role: CameraRole = CameraRole.ENTRANCE
    refused_products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Withheld:
    """A candidate that was not offered, and why."""

    product: str
    why: Literal["refused_before", "same_category", "not_suitable", "ranked_lower"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Offers best first, what to avoid as of now, and every candidate that was left out."""

    offers: tuple[Offer, ...]
    avoid: tuple[Avoid, ...]
    withheld: tuple[Withheld, ...]


def arbitrate(view: CardView, context: Context, at_ms: int) -> Decision:
    """Decide at `at_ms` (UTC milliseconds).

    Without personalisation (C10) the general list keeps its fixed order: neither score nor context counts. A refusal
    is the customer's own wish and is respected either way.
    """
    chosen: list[Candidate] = []
    withheld: list[Withheld] = []
    for candidate in _ranked(view, context):
        if candidate.product in context.refused_products:
            withheld.append(Withheld(candidate.product, "refused_before"))
        elif len(chosen) == MAX_OFFERS:
            withheld.append(Withheld(candidate.product, "ranked_lower"))
        elif view.personalised and candidate.category and candidate.category in {c.category for c in chosen}:
            withheld.append(Withheld(candidate.product, "same_category"))
        elif not suitable(candidate, view.risk_tolerance, view.risk_valid_until_ms, at_ms):
            withheld.append(Withheld(candidate.product, "not_suitable"))
        else:
            chosen.append(candidate)
    return Decision(tuple(map(_offer, chosen)), _avoid_now(view, at_ms), tuple(withheld))


def _ranked(view: CardView, context: Context) -> tuple[Candidate, ...]:
    if not view.personalised:
        return view.candidates
    levers = _LEVERS.get(context.camera_role, {})
    return tuple(sorted(view.candidates, key=lambda c: (-c.score * levers.get(c.category, 1.0), c.product)))


def _avoid_now(view: CardView, at_ms: int) -> tuple[Avoid, ...]:
    """Make the suitability notes anew: the assessment may have expired since the province built the view."""
    others = tuple(note for note in view.avoid if note.product != INVESTMENT)
    return (*suitability_notes(view.risk_tolerance, view.risk_valid_until_ms, at_ms), *others)


def _offer(candidate: Candidate) -> Offer:
    return Offer(
        product=candidate.product,
        name_zh=candidate.name_zh,
        name_en=candidate.name_en,
        reason_zh=candidate.reason_zh,
        reason_en=candidate.reason_en,
        talking_point_zh=candidate.talking_point_zh,
        talking_point_en=candidate.talking_point_en,
    )
