"""The hidden acceptance model: a logit for every customer and product, and what the situation adds to it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.synthetic_bank.block import Block
from bench.synthetic_bank.days import Floats
from bench.synthetic_bank.products import CODES, OFFERED, PRODUCTS, number

Logits = NDArray[np.float64]

SAVING: Final = tuple(
    number(code) for code in ("time_deposit", "large_certificate", "wealth_r1", "wealth_r2", "wealth_r3", "wealth_r4",
                              "fund_money", "fund_bond", "treasury_bond")
)  # fmt: skip
CONTEXTS: Final[dict[str, tuple[tuple[int, ...], float]]] = {
    "payday": (SAVING, 0.4),
    "maturing": (SAVING, 0.9),
    "campaign": (OFFERED, 0.5),
    "refused_before": (OFFERED, -1.8),
    "rank_2": (OFFERED, -0.4),
    "rank_3": (OFFERED, -0.8),
}
"""Context -> products it bears on, and what it adds to their logit. `payday`: 0 to 3 days after it; `maturing`: money
falls due within 14 days; `campaign`: one for this product runs; `refused_before`: this product, within 90 days."""

_OF_TRAIT: Final[dict[str, dict[str, float]]] = {
    "overseas_study": {"overseas_card": 2.4, "study_loan": 1.9, "remittance": 2.1, "fx_account": 1.6},
    "commutes": {"platinum_card": 2.2, "etc_credit_card": 0.4},
    "car_owner": {"etc_credit_card": 1.6},
    "homeowner": {"mortgage": -2.0, "consumer_loan": 0.3},
    "undocumented_income": {"consumer_loan": -0.5, "mortgage": -0.8},
    "hasty_credit": {"consumer_loan": 1.6},
    "experienced_elsewhere": {"wealth_r3": 1.4, "wealth_r4": 1.4, "fund_index": 1.5, "custody": 1.7},
    "liquidity_need": {
        "wealth_r1": 0.9, "fund_money": 1.1, "time_deposit": -0.6, "large_certificate": -1.0,
        "annuity_insurance": -1.2,
    },
    "ecommerce_shopper": {"platinum_card": 0.3, "mobile_bank": 0.4},
    "asset_churn": dict.fromkeys(CODES, -0.6),
}  # fmt: skip


def acceptance(block: Block) -> Logits:
    """Return the logit of every customer (row) and product (column), before what the situation adds."""
    rng, people, truth = block.rng(17), block.people, block.truth
    logits = np.array([product.base_logit for product in PRODUCTS]) + rng.normal(0, 0.35, (people.n, len(PRODUCTS)))
    wealth = np.log10(np.maximum(people.assets, 100_000) / 10_000_000)
    for at, product in enumerate(PRODUCTS):
        if product.risk:
            logits[:, at] += 0.5 - 0.7 * np.abs(product.risk - people.appetite) + 0.35 * wealth
        elif product.category == "deposit":
            logits[:, at] += np.where(people.appetite <= 2, 0.5, 0.0) + 0.2 * wealth
    logits[:, number("private_banking")] += 1.5 * np.maximum(wealth - 1.5, 0)
    logits[:, number("platinum_card")] += 0.5 * wealth
    for code in ("mobile_bank", "e_bank"):
        logits[:, number(code)] += np.where(people.digital, -3.0, -0.4)
    for trait, effects in _OF_TRAIT.items():
        has = truth.has(trait, people.n)
        for code, effect in effects.items():
            logits[has, number(code)] += effect
    categories = np.array([product.category for product in PRODUCTS])
    for at in OFFERED:
        for who, strength, _ in truth.traits.get(f"interest:{CODES[at]}", ()):
            logits[who, at] += 2.4 * strength
            logits[np.ix_(who, categories == categories[at])] += 0.3
    _heed_partners(block, logits)
    return np.asarray(np.round(logits, 4))


def _heed_partners(block: Block, logits: Logits) -> None:
    """Raise what suits the partner's appetite: households talk about money."""
    appetite = block.people.appetite
    for one, other in block.truth.relations.get("households", ()):
        for a, b in ((one, other), (other, one)):
            for at in OFFERED:
                if PRODUCTS[at].risk:
                    logits[a, at] += np.where(appetite[b] == PRODUCTS[at].risk, 0.6, 0.0)


def added(context: str) -> Floats:
    """Return what a context adds to the logit of each product."""
    products, delta = CONTEXTS[context]
    effect = np.zeros(len(PRODUCTS))
    effect[list(products)] = delta
    return effect
