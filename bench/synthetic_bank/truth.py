"""What is true of the synthetic customers and no table says: traits, relations, look-alikes that must stay silent."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.synthetic_bank.days import Bools, Floats, Ints

TRAITS: Final = (
    "overseas_study", "commutes", "experienced_elsewhere", "hasty_credit", "risk_appetite", "liquidity_need",
    "undocumented_income", "ecommerce_shopper", "asset_churn", "true_monthly_income", "homeowner", "car_owner",
    "fx_holder", "securities_trader",
)  # fmt: skip
"""Every trait but `interest:<product>`, of which there is one a product."""

LOOK_ALIKES: Final[dict[str, str]] = {
    "rent": "household",
    "nanny": "household",
    "debt_repayment": "household",
    "parent_support": "household",
    "roommate": "household",
    "emigrant_relative": "overseas_study",
    "expat_fx": "overseas_study",
    "adult_course": "overseas_study",
    "overseas_tourist": "overseas_study",
    "domestic_student": "overseas_study",
    "cross_border_shopper": "overseas_study",
    "fx_saver": "overseas_study",
    "shared_card": "commutes",
    "migrant_worker": "commutes",
    "business_trips": "commutes",
    "long_project": "commutes",
    "online_orders": "commutes",
    "studies_away": "commutes",
    "salary_split": "undocumented_income",
    "documented_business": "undocumented_income",
    "supported_spouse": "undocumented_income",
    "reimbursed_expenses": "undocumented_income",
    "night_nurse": "hasty_credit",
    "prefilled_form": "hasty_credit",
    "interrupted_form": "hasty_credit",
    "abandoned_form": "experienced_elsewhere",
    "clerk_filled": "experienced_elsewhere",
    "repeat_form": "experienced_elsewhere",
    "phone_left_open": "interest",
    "one_long_session": "interest",
    "gift_purchase": "risk_appetite",
    "campaign_purchase": "risk_appetite",
    "rate_waiter": "liquidity_need",
    "one_short_term": "liquidity_need",
    "buys_for_company": "ecommerce_shopper",
    "festival_shopper": "ecommerce_shopper",
    "house_purchase": "asset_churn",
    "parked_money": "asset_churn",
    "product_switch": "asset_churn",
    "low_digital_elderly": "asset_churn",
    "friends": "colleagues",
    "same_employer_strangers": "colleagues",
    "same_region_strangers": "same_home_town",
    "chat_group": "same_home_town",
}
"""Kind -> what must not be concluded from it."""

RELATIONS: Final = ("households", "same_home_town", "colleagues")


@dataclass(slots=True)
class Truth:
    """Collects the hidden truth of a block. Customers are numbers within the block."""

    traits: dict[str, list[tuple[Ints, Floats, Ints]]] = field(default_factory=dict)
    look_alikes: dict[str, list[tuple[Ints, Ints]]] = field(default_factory=dict)
    relations: dict[str, list[tuple[Ints, Ints]]] = field(default_factory=dict)

    def trait(self, name: str, who: Ints, value: Floats | Ints | float = 1.0, detail: Ints | None = None) -> None:
        """Note a trait; `detail` is another customer, e.g. the student of `overseas_study`."""
        values = np.broadcast_to(np.asarray(value, float), len(who))
        self.traits.setdefault(name, []).append((who, values, _or_nobody(detail, who)))

    def look_alike(self, kind: str, who: Ints, other: Ints | None = None) -> None:
        """Note a look-alike of `LOOK_ALIKES`."""
        if kind not in LOOK_ALIKES:
            raise KeyError(kind)
        self.look_alikes.setdefault(kind, []).append((who, _or_nobody(other, who)))

    def relation(self, name: str, one: Ints, other: Ints) -> None:
        """Note pairs of `RELATIONS`, the smaller number first."""
        self.relations.setdefault(name, []).append((np.minimum(one, other), np.maximum(one, other)))

    def has(self, name: str, n: int) -> Bools:
        """Return who of `n` customers has a trait or is a look-alike of that kind."""
        mask = np.zeros(n, bool)
        for who, *_ in (*self.traits.get(name, ()), *self.look_alikes.get(name, ())):
            mask[who] = True
        return mask


def _or_nobody(who: Ints | None, like: Ints) -> Ints:
    return np.full(len(like), -1, np.int64) if who is None else who


class Cast:
    """Deals out roles of one kind of story, so that nobody plays two in it."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self._rng = rng
        self._n = n
        self._free = np.ones(n, bool)

    def take(self, fit: Bools, share: float, least: int = 3) -> Ints:
        """Return about `share` of all customers, `least` at least, among those who fit and have no role yet."""
        able = np.flatnonzero(fit & self._free)
        count = min(max(round(share * self._n), least), len(able))
        chosen = np.sort(self._rng.choice(able, count, replace=False))
        self._free[chosen] = False
        return chosen

    def reserve(self, who: Ints) -> None:
        """Keep people out of further roles."""
        self._free[who] = False

    def free(self, who: Ints) -> Bools:
        """Return who of them has no role yet."""
        return np.asarray(self._free[who])
