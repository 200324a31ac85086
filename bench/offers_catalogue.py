"""A generated catalogue for `yingbin bench offers`: as many products and rules as asked, in the real file format."""

import json
import random
from typing import Any, Final

from yingbin.offers.decision.context import SIGNALS
from yingbin.offers.entries import Category, Regime

_INVESTMENTS: Final = (Category.WEALTH, Category.FUND, Category.BOND, Category.PRECIOUS_METAL)
_CREDIT: Final = (Category.LOAN,)
_OTHERS: Final = tuple(one for one in Category if one not in {*_INVESTMENTS, *_CREDIT})
_CONDITIONS: Final = (
    "demand_share >= {share} and demand_idle_days >= {days} and purchasing_power_fen >= {fen}",
    "maturing_days <= {days} and purchasing_power_fen >= {fen}",
    "(wealth_product_fen + fund_fen) / liquid_assets_fen >= {share} and risk_valid",
    "income_documented and debt_service_ratio < {share} and liabilities_fen < {fen}",
    "not holds_{holding} and financial_assets_fen >= {fen}",
    "car_loan_fen > 0 and not holds_etc_card or holds_{holding} and insurance_fen == 0",
)
_HOLDINGS: Final = ("mobile_bank", "e_bank", "sms", "fx_account", "credit_card", "platinum_card")
_FEN: Final = (100_000, 1_000_000, 5_000_000, 20_000_000, 50_000_000)
_HEAD: Final = """version = "bench"
valid_from = 2026-01-01

[sources]
ledger = { zh = "存款系统", en = "deposit ledger" }

[general]
products = ["p0", "p1", "p2", "p3"]
source = "ledger"
reason_zh = "通用推荐清单"
reason_en = "General list"
"""


def generated_catalogue(products: int, rules: int, seed: int) -> str:
    """Return the TOML of a catalogue; the same for the same numbers."""
    rng = random.Random(seed)  # noqa: S311 - a catalogue
    tables = [_HEAD]
    tables += [_table("product", _product(number, products, rng)) for number in range(products)]
    tables += [_table("rule", _rule(number, products, rng)) for number in range(rules)]
    pairs = [(signal, category) for signal in SIGNALS for category in Category]
    for signal, category in rng.sample(pairs, 40):
        lever = {"signal": signal, "category": category, "factor": rng.choice((0.7, 0.8, 1.1, 1.2, 1.3))}
        tables.append(_table("lever", lever))
    return "\n".join(tables)


def _product(number: int, products: int, rng: random.Random) -> dict[str, Any]:
    general = number < 4
    category = rng.choice(_OTHERS if general else tuple(Category))
    entry: dict[str, Any] = {
        "code": f"p{number}",
        "name_zh": f"产品{number}号",
        "name_en": f"Product {number}",
        "category": category,
        "value": round(rng.uniform(0.1, 1), 2),
        "talking_point_zh": "以产品说明为准。",
        "talking_point_en": "As in its terms.",
    }
    if category in _INVESTMENTS:
        level = rng.randint(1, 5)
        entry |= {"suitability": Regime.RISK_RATING, "risk_level": level, "investment": True, "min_amount_fen": 10_000}
    elif category in _CREDIT:
        entry |= {"suitability": Regime.CREDIT_CAPACITY, "credit": True}
    if not general and rng.random() < 0.2:
        entry["excludes"] = [f"p{rng.choice([other for other in range(products) if other != number])}"]
    if not general and rng.random() < 0.3:
        entry["eligible"] = f"financial_assets_fen >= {rng.choice(_FEN)}"
    return entry


def _rule(number: int, products: int, rng: random.Random) -> dict[str, Any]:
    when = rng.choice(_CONDITIONS).format(
        share=rng.choice((0.2, 0.3, 0.5)),
        days=rng.choice((30, 60, 90)),
        fen=rng.choice(_FEN),
        holding=rng.choice(_HOLDINGS),
    )
    return {
        "id": f"r{number}",
        "product": f"p{number % products}",
        "when": when,
        "propensity": round(rng.uniform(0.05, 0.7), 2),
        "source": "ledger",
        "reason_zh": "活期占比{demand_share_pct}%",
        "reason_en": "{demand_share_pct}% in demand deposits",
    }


def _table(name: str, entry: dict[str, Any]) -> str:
    """Return a table; what JSON makes of text, numbers, true and lists is TOML too."""
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items())
    return "\n".join((f"[[{name}]]", *lines, ""))
