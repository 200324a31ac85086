"""Invented customers for the tests of this room."""

from datetime import date
from typing import Any

from yingbin.offers.customer import CustomerRecord
from yingbin.offers.profile import Holding, Profile

TODAY = date(2026, 3, 2)
YUAN = 100
CHANNELS = [Holding.MOBILE_BANK, Holding.E_BANK, Holding.SMS]


def profile(**fields: Any) -> Profile:
    return Profile.model_validate({"as_of": "2026-03-01", "holdings": CHANNELS, **fields})


def assessed(level: int, valid_until: str = "2026-12-31") -> dict[str, str]:
    return {"level": f"risk_c{level}", "valid_until": valid_until}


def idle_rich(**fields: Any) -> Profile:
    """Half a million yuan on demand, untouched for half a year: every idle-money rule fires."""
    return profile(demand_deposit_fen=500_000 * YUAN, demand_idle_days=180, **fields)


def record(full_name: str = "李小明", **fields: Any) -> CustomerRecord:
    base = {
        "customer_id": "c-1",
        "full_name": full_name,
        "gender": "male",
        "birth_date": "1980-05-01",
        "tier": "vip_gold",
        "home_branch_id": "b-1",
        "rm_staff_id": "s-1",
        "profile": {"as_of": "2026-03-01"},
    }
    return CustomerRecord.model_validate({**base, **fields})
