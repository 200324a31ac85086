"""Why a product was not offered: stage, rule, and values as bands, never as amounts."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from yingbin.offers.expression import Fact

Stage = Literal[
    "eligibility", "applicability", "contact_policy", "consent", "priority", "diversity", "suitability"
]  # fmt: skip
Why = Literal[
    "not_on_sale", "not_eligible", "no_reason", "held_already", "below_minimum", "income_gap", "debt_service",
    "refused_before", "refused_often", "category_refused", "shown_often", "asked_often",
    "no_consent", "opted_out", "held_out", "ranked_lower", "same_category", "excluded", "not_suitable",
]  # fmt: skip

STAGE_OF: Final[Mapping[Why, Stage]] = {
    "not_on_sale": "eligibility",
    "not_eligible": "eligibility",
    "no_reason": "applicability",
    "held_already": "applicability",
    "below_minimum": "applicability",
    "income_gap": "applicability",
    "debt_service": "applicability",
    "refused_before": "contact_policy",
    "refused_often": "contact_policy",
    "category_refused": "contact_policy",
    "shown_often": "contact_policy",
    "asked_often": "contact_policy",
    "no_consent": "consent",
    "opted_out": "consent",
    "held_out": "priority",
    "ranked_lower": "priority",
    "same_category": "diversity",
    "excluded": "diversity",
    "not_suitable": "suitability",
}


class Withheld(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product that was not offered, and why.

    `rule`: the condition or limit that decided, as written in the catalogue. `values`: the facts it looked at, amounts
    as bands. `source`: which system said so, and on which day.
    """

    product: str
    why: Why
    rule: str = ""
    values: tuple[str, ...] = ()
    source: str = ""

    @property
    def stage(self) -> Stage:
        """Where in the funnel it fell out."""
        return STAGE_OF[self.why]


_BANDS_FEN: Final = (
    (0, "none"),
    (1_000_000, "under 10 thousand"),
    (5_000_000, "10 to 50 thousand"),
    (20_000_000, "50 to 200 thousand"),
    (50_000_000, "200 to 500 thousand"),
    (100_000_000, "0.5 to 1 million"),
    (600_000_000, "1 to 6 million"),
)
_SHARES: Final = ((0.1, "under 10%"), (0.3, "10 to 30%"), (0.5, "30 to 50%"), (0.8, "50 to 80%"))
_DAYS: Final = ((0, "today"), (7, "within a week"), (30, "within a month"), (90, "within 3 months"))


def bands(names: Iterable[str], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """Return the facts named, in order of their names, each as `name: band`."""
    return tuple(f"{name}: {band(name, facts[name])}" for name in sorted(names))


def band(name: str, value: Fact) -> str:
    """Return how much a fact is, without saying it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_fen"):
        return next((said for limit, said in _BANDS_FEN if value <= limit), "over 6 million")
    if name.endswith(("_share", "_ratio")):
        return next((said for limit, said in _SHARES if value < limit), "80% or more")
    if name.endswith("_days"):
        return next((said for limit, said in _DAYS if value <= limit), "longer than 3 months")
    return str(value)
