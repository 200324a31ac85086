"""What policies are worth on the synthetic bank: accepted margin a visit, one visit a customer, the same for all.

The chance of acceptance and the mean margin of a sale are known there, so their product counts and nothing is drawn:
what is left of chance is which customers there are, and that is shared by all policies. All go through the same
eligibility, contact policy, diversity and suitability; they differ in how they rank what is left.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.policy_world import Visitor, World, load_world
from yingbin.feed_wire import Candidate, CardView
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.catalogue import Catalogue, in_force_ms, load_catalogue
from yingbin.offers.decision.contact_policy import history
from yingbin.offers.learning.estimate import interval, resampled
from yingbin.offers.learning.posterior import Impression, shifted, update
from yingbin.offers.profile import Profile
from yingbin.offers.rules import assess, risk_of

Floats = NDArray[np.float64]
Step = Callable[[int, int], object]

POLICIES: Final = ("ours", "rules", "most_popular", "random", "oracle")
NOTE: Final = (
    "SYNTHETIC: an invented bank whose customers accept by a hidden model; what a policy is worth in a real branch "
    "only the holdout tells. Visitors consent to personal offers; the oracle "
    "knows the hidden model and obeys the same limits"
)
_OUT_OF_THE_QUESTION: Final = frozenset(
    {"not_eligible", "held_already", "below_minimum", "income_gap", "debt_service", "not_on_sale"}
)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visitor, what may be raised with him at all, and what the rules found: with and without what was learned."""

    view: CardView
    context: Context
    lawful: tuple[str, ...]
    rules: tuple[Candidate, ...]
    ours: tuple[Candidate, ...]


def judge_policies(folder: Path, most: int, seed: int, step: Step = lambda *_: None) -> dict[str, Any]:
    """Return the FIXED key `policies`, and what explains it. Raises what `load_world` raises."""
    world, catalogue = load_world(folder, most), load_catalogue()
    visits = _visits(world, catalogue, step)
    order = np.random.default_rng(seed).random(world.logits.shape)
    popular = np.array([world.accepted[code] for code in world.products], np.float64)
    scores = {"most_popular": np.broadcast_to(popular, order.shape), "random": order, "oracle": _worth(world)}
    earned = {name: np.zeros(len(visits)) for name in POLICIES}
    taken, offered = ({name: np.zeros(len(visits)) for name in POLICIES} for _ in range(2))
    for row, visit in enumerate(visits):
        for name in POLICIES:
            candidates = (
                visit.ours if name == "ours" else visit.rules if name == "rules"
                else _ranked(visit, catalogue, world, scores[name][row])
            )  # fmt: skip
            view = msgspec.structs.replace(visit.view, candidates=candidates)
            for rank, offer in enumerate(arbitrate(view, visit.context, world.at_ms).offers):
                at = world.products.index(offer.product)
                chance = float(_chance(world.logits[row, at] + world.rank_adds[rank]))
                offered[name][row] += 1
                taken[name][row] += chance
                earned[name][row] += chance * world.margin_fen[row, at]
    return _figures(earned, taken, offered)


def _figures(earned: dict[str, Floats], taken: dict[str, Floats], offered: dict[str, Floats]) -> dict[str, Any]:
    """Sum up; the same customers are drawn again for every policy, so differences are those of pairs."""
    n = len(earned["ours"])
    drawn = resampled([*(earned[name] for name in POLICIES), np.ones(n)])
    means = drawn[:, :-1] / drawn[:, -1:]
    policies = {}
    for at, name in enumerate(POLICIES):
        value = interval(float(earned[name].mean()), means[:, at], n)
        ahead = interval(float((earned["ours"] - earned[name]).mean()), means[:, 0] - means[:, at], n)
        policies[name] = {
            "value": round(value.value, 1),
            "value_ci": [round(value.low, 1), round(value.high, 1)],
            "ours_minus": round(ahead.value, 1),
            "ours_minus_ci": [round(ahead.low, 1), round(ahead.high, 1)],
            "offers_per_visit": round(float(offered[name].mean()), 3),
            "accepted_per_visit": round(float(taken[name].mean()), 4),
        }
    return {"visits": n, "unit": "CNY fen of accepted margin a visit", "note": NOTE, "policies": policies}


def _visits(world: World, catalogue: Catalogue, step: Step) -> list[_Visit]:
    """Take every visitor through the funnel; then again with what the log taught about each rule's product."""
    first = []
    of_customer: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for number, visitor in enumerate(world.visitors):
        step(number, len(world.visitors))
        assessed = assess(visitor.profile, catalogue, world.today)
        for one in assessed.candidates:
            if one.rule:
                product = catalogue.products[one.product]
                of_customer[visitor.customer_id][one.product] = one.score / (product.value * product.lever)
        first.append(assessed)
    before, after = _learned(world, of_customer)
    visits = []
    for visitor, assessed in zip(world.visitors, first, strict=True):
        learned = {
            code: shifted(propensity, before[code], after[code])
            for code, propensity in of_customer[visitor.customer_id].items()
            if code in after
        }
        ours = assess(visitor.profile, catalogue, world.today, learned).candidates
        out = {one.product for one in assessed.withheld if one.why in _OUT_OF_THE_QUESTION}
        plain = (msgspec.structs.replace(one, levers=()) for one in assessed.candidates)
        visits.append(
            _Visit(
                _view(visitor, catalogue),
                Context(branch_id=visitor.branch_id),
                tuple(code for code in world.products if code in catalogue.products and code not in out),
                tuple(one for one in plain if one.product in world.products),
                tuple(one for one in ours if one.product in world.products),
            )
        )
    return visits


def _learned(world: World, of_customer: dict[str, dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return, by product, the mean propensity of the rules, and what it is after the log: of those it found alone."""
    propensities: defaultdict[str, list[float]] = defaultdict(list)
    for found in of_customer.values():
        for code, propensity in found.items():
            propensities[code].append(propensity)
    seen: defaultdict[str, list[Impression]] = defaultdict(list)
    for who, code, at_ms, accepted in world.impressions:
        if code in of_customer.get(who, {}):
            seen[code].append(Impression(at_ms, accepted))
    before = {code: sum(values) / len(values) for code, values in propensities.items()}
    after = {code: update(prior, seen[code], world.at_ms).mean for code, prior in before.items()}
    return before, after


def _view(visitor: Visitor, catalogue: Catalogue) -> CardView:
    """Return the view without candidates: a synthetic customer has no name, so `build_card_view` is not for him."""
    profile: Profile = visitor.profile
    tolerance, until_ms = risk_of(profile)
    past = history(visitor.events, {code: product.category for code, product in catalogue.products.items()})
    return CardView(
        customer_id=visitor.customer_id, surname="", honorific_zh="", honorific_en="", tier=visitor.tier,
        home_branch_id=visitor.branch_id, rm_staff_id="", gallery="vip", personalised=True, risk_tolerance=tolerance,
        risk_valid_until_ms=until_ms, candidates=(), avoid=(), catalogue=catalogue.name, contacts=past.notes,
        contacted_at_ms=past.contacted_at_ms, policy=catalogue.policy,
        matures_on=profile.time_deposit_matures_on.isoformat() if profile.time_deposit_matures_on else "",
        refused_last_visit=past.refused_last_visit,
    )  # fmt: skip


def _ranked(visit: _Visit, catalogue: Catalogue, world: World, scores: Floats) -> tuple[Candidate, ...]:
    """Return all that may be raised, with the scores of a policy that needs no reason."""
    candidates = []
    for code in visit.lawful:
        product = catalogue.products[code]
        valid_from_ms, valid_until_ms = in_force_ms(product.valid_from, product.valid_until)
        candidates.append(
            Candidate(
                product=code, name_zh=product.name_zh, name_en=product.name_en,
                score=float(scores[world.products.index(code)]), risk_level=product.risk_level,
                investment=product.investment, reason_zh="", reason_en="", category=product.category,
                excludes=catalogue.excludes.get(code, ()), valid_from_ms=valid_from_ms, valid_until_ms=valid_until_ms,
            )
        )  # fmt: skip
    return tuple(candidates)


def _worth(world: World) -> Floats:
    """Return the expected margin of each product at the first place: what the oracle ranks by."""
    return np.asarray(_chance(world.logits) * world.margin_fen)


def _chance(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)))
