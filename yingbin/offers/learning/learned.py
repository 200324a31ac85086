"""From the log to the propensities of one customer: each product moves as a whole, bounded (`posterior`).

A move says from what propensity, on average over who was shown the product, to what the log took it. One customer's
propensity moves as far in log-odds, so the order of customers within a product stays the rules' own.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from yingbin.offers.catalogue import Catalogue
from yingbin.offers.learning.posterior import Forgetting, Impression, Posterior, moved, shifted, update
from yingbin.offers.profile import Profile
from yingbin.offers.rules import assess

LEAST_WEIGHT: Final = 50.0
"""Impressions below which a product stays as the rules say."""
MEANINGFUL: Final = 0.2
"""Log-odds: a propensity of .2 becomes .23. Smaller changes are not worth sending every view again."""


class Move(NamedTuple):
    """What the log did to a product: the rules' propensity and the posterior around `after`."""

    before: float
    after: float
    low: float
    high: float
    weight: float


def propensities(profile: Profile, catalogue: Catalogue, today: date) -> dict[str, float]:
    """Return what the rules alone expect of each product they found."""
    found = {}
    for one in assess(profile, catalogue, today).candidates:
        if one.rule:
            product = catalogue.products[one.product]
            found[one.product] = one.score / (product.value * product.lever)
    return found


def learn(
    expected: Mapping[str, float],
    impressions: Mapping[str, Iterable[Impression]],
    now_ms: int,
    forgetting: Forgetting = Forgetting(),  # noqa: B008 - immutable
) -> dict[str, Move]:
    """Return the products of which the log says enough.

    `expected`: the rules' mean propensity of whoever was shown the product.
    """
    moves = {}
    for product, seen in impressions.items():
        if product in expected:
            found: Posterior = update(expected[product], seen, now_ms, forgetting)
            if found.weight >= LEAST_WEIGHT:
                moves[product] = Move(expected[product], *found)
    return moves


def differs(old: Mapping[str, Move], new: Mapping[str, Move]) -> bool:
    """Return whether any product moved so far from what is in force that views are to be made again."""
    shift = {name: [moved(one.before, one.after) if (one := moves.get(name)) else 0.0 for moves in (old, new)]
             for name in old.keys() | new.keys()}  # fmt: skip
    return any(abs(now - was) >= MEANINGFUL for was, now in shift.values())


def of_customer(profile: Profile, catalogue: Catalogue, today: date, moves: Mapping[str, Move]) -> dict[str, float]:
    """Return the propensities that `build_card_view` takes as `learned`; none without moves."""
    if not moves:
        return {}
    return {
        product: shifted(propensity, move.before, move.after)
        for product, propensity in propensities(profile, catalogue, today).items()
        if (move := moves.get(product))
    }
