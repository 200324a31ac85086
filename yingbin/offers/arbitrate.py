"""The decision at alert time, in the city: at most three offers out of a card view. Pure, far below 5 ms.

Order (DESIGN 9): validity and contact policy -> priority = score x levers of the visit -> at most one per category and
none that exclude each other -> suitability as the last hard filter. An unsuitable product does not use up its category,
so a suitable one of the same kind still comes through. When fewer than three survive, fewer are shown: nothing is
invented; the province already appended the general list to the candidates. Every candidate left out says why.
"""

from dataclasses import dataclass
from typing import Final

from yingbin.feed_wire import Avoid, Candidate, CardView, Lever
from yingbin.offers.decision.contact_policy import rests, wearied
from yingbin.offers.decision.context import Context, factor, in_force, signals
from yingbin.offers.decision.reasons import Why, Withheld
from yingbin.offers.suitability import INVESTMENT, suitability_notes, suitable
from yingbin.pad_wire import Offer

__all__ = ["ASKED_OFTEN", "MAX_OFFERS", "Context", "Decision", "Withheld", "arbitrate"]

MAX_OFFERS = 3

ASKED_OFTEN: Final = Avoid(
    "contact",
    "近期已多次推荐,本次以服务为主,客户主动询问再介绍",
    "Suggestions were made often lately: serve only, and answer if asked",
)


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
    tired = wearied(view, at_ms)
    for candidate in _ranked(view, context, at_ms):
        why = _barred(view, context, candidate, at_ms, tired=tired) or _crowded_out(view, candidate, chosen)
        if why is None and not suitable(candidate, view.risk_tolerance, view.risk_valid_until_ms, at_ms):
            why = "not_suitable"
        if why is None:
            chosen.append(candidate)
        else:
            withheld.append(Withheld(candidate.product, why, _rule(why, view, candidate, chosen)))
    avoid = (ASKED_OFTEN, *_avoid_now(view, at_ms)) if tired else _avoid_now(view, at_ms)
    offers = tuple(_offer(candidate, _said_beside(view, context, candidate, at_ms)) for candidate in chosen)
    return Decision(offers, avoid, tuple(withheld))


def _ranked(view: CardView, context: Context, at_ms: int) -> tuple[Candidate, ...]:
    if not view.personalised:
        return view.candidates
    holding = signals(view, context, at_ms)
    priority = {c.product: c.score * factor(c.levers, holding, context.branch_id, at_ms) for c in view.candidates}
    return tuple(sorted(view.candidates, key=lambda c: (-priority[c.product], c.product)))


def _barred(view: CardView, context: Context, candidate: Candidate, at_ms: int, *, tired: bool) -> Why | None:
    """Return why this product is not raised now, whatever the others are."""
    if at_ms < candidate.valid_from_ms or 0 < candidate.valid_until_ms <= at_ms:
        return "not_on_sale"
    if 0 < candidate.holds_until_ms <= at_ms:
        return "no_reason"
    if at_ms < candidate.rests_until_ms:
        return "income_gap"
    if candidate.product in context.refused_products:
        return "refused_before"
    return rests(view, candidate.product, candidate.category, at_ms) or ("asked_often" if tired else None)


def _crowded_out(view: CardView, candidate: Candidate, chosen: list[Candidate]) -> Why | None:
    """Return why this product does not go with those chosen before it."""
    if len(chosen) == MAX_OFFERS:
        return "ranked_lower"
    if view.personalised and candidate.category and any(c.category == candidate.category for c in chosen):
        return "same_category"
    if any(c.product in candidate.excludes or candidate.product in c.excludes for c in chosen):
        return "excluded"
    return None


def _rule(why: Why, view: CardView, candidate: Candidate, chosen: list[Candidate]) -> str:
    """Return the limit that decided."""
    match why:
        case "same_category":
            return f"one of category {candidate.category}"
        case "excluded":
            others = (c.product for c in chosen if c.product in candidate.excludes or candidate.product in c.excludes)
            return f"not together with {next(others)}"
        case "ranked_lower":
            return f"{MAX_OFFERS} offers at most"
        case "not_suitable":
            tolerance = f"risk_c{view.risk_tolerance}" if view.risk_tolerance else "no assessment"
            return f"R{candidate.risk_level} for {tolerance}"
    return ""


def _avoid_now(view: CardView, at_ms: int) -> tuple[Avoid, ...]:
    """Make the suitability notes anew: the assessment may have expired since the province built the view."""
    others = tuple(
        Avoid(note.product, note.text_zh, note.text_en)
        for note in view.avoid
        if note.product != INVESTMENT and not 0 < note.until_ms <= at_ms
    )
    return (*suitability_notes(view.risk_tolerance, view.risk_valid_until_ms, at_ms), *others)


def _said_beside(view: CardView, context: Context, candidate: Candidate, at_ms: int) -> list[Lever]:
    """Return the levers in force that say why."""
    if not view.personalised:
        return []
    counting = in_force(candidate.levers, signals(view, context, at_ms), context.branch_id, at_ms)
    return [lever for lever in counting if lever.reason_zh]


def _offer(candidate: Candidate, beside: list[Lever]) -> Offer:
    return Offer(
        product=candidate.product,
        name_zh=candidate.name_zh,
        name_en=candidate.name_en,
        reason_zh=";".join((candidate.reason_zh, *(lever.reason_zh for lever in beside))),
        reason_en="; ".join((candidate.reason_en, *(lever.reason_en for lever in beside))),
        talking_point_zh=candidate.talking_point_zh,
        talking_point_en=candidate.talking_point_en,
        confidence=candidate.confidence,
    )
