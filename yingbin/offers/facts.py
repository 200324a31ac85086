"""The facts a rule may test and the placeholders its reason may use: the profile, flattened, on a given day."""

from datetime import date

from yingbin.offers.expression import Fact
from yingbin.offers.profile import Holding, Profile

_AMOUNTS = (
    "time_deposit_fen",
    "demand_deposit_fen",
    "wealth_product_fen",
    "fund_fen",
    "insurance_fen",
    "treasury_bond_fen",
    "property_fen",
    "vehicle_fen",
    "mortgage_fen",
    "car_loan_fen",
    "parking_loan_fen",
    "business_loan_fen",
    "liquid_assets_fen",
    "financial_assets_fen",
    "liabilities_fen",
    "purchasing_power_fen",
)

FACT_TYPES: dict[str, type[Fact]] = {
    **dict.fromkeys(_AMOUNTS, int),
    "demand_share": float,
    "demand_idle_days": int,
    "maturing_days": int,
    "income_documented": bool,
    "debt_service_ratio": float,
    "risk_valid": bool,
    "risk_level": int,
    **{f"holds_{holding}": bool for holding in Holding},
}
"""Name -> type. `debt_service_ratio` is 0 without documents (credit is then withheld whatever the rule says);
`risk_level` is 0 without a valid assessment."""

PLACEHOLDERS = frozenset({"demand_share_pct", "demand_idle_days", "maturing_days"})
"""Shares and days only: an amount of money may not be said before identity is confirmed."""


def facts(profile: Profile, today: date) -> dict[str, Fact]:
    """Return every fact of `FACT_TYPES`."""
    assessment = profile.risk_assessment
    risk_valid = assessment is not None and today <= assessment.valid_until
    return {
        **{name: int(getattr(profile, name)) for name in _AMOUNTS},
        "demand_share": profile.demand_share,
        "demand_idle_days": profile.demand_idle_days,
        "maturing_days": profile.maturing_days(today),
        "income_documented": profile.documented_monthly_income_fen is not None,
        "debt_service_ratio": profile.debt_service_ratio or 0.0,
        "risk_valid": risk_valid,
        "risk_level": assessment.tolerance if assessment and risk_valid else 0,
        **{f"holds_{holding}": holding in profile.holdings for holding in Holding},
    }


def placeholder_values(profile: Profile) -> dict[str, int]:
    """Return every value of `PLACEHOLDERS` as of the date stated in the reason: a card view may be some days old."""
    return {
        "demand_share_pct": round(profile.demand_share * 100),
        "demand_idle_days": profile.demand_idle_days,
        "maturing_days": profile.maturing_days(profile.as_of),
    }
