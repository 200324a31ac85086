"""Invented customers of the demo (`people.toml`), made into records for the province's public API."""

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from yingbin.offers.customer import CustomerRecord
from yingbin.trust.consent import Gallery, Purpose


class InventedCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of `people.toml`: `amounts` (`Profile` names without `_fen`) in CNY yuan, days from today."""

    person: str
    story: str
    full_name: str
    gender: Literal["male", "female", "unknown"]
    age: int
    tier: Literal["vip_diamond", "vip_platinum", "vip_gold", "potential"]
    marketing_consent: bool = True
    amounts: dict[str, int] = {}
    matures_in_days: int | None = None
    demand_idle_days: int = 0
    holdings: tuple[str, ...] = ()
    risk_level: str | None = None
    risk_valid_for_days: int = 0
    short_purchases_days_ago: tuple[int, ...] = ()

    @property
    def gallery(self) -> Gallery:
        """Where his template goes."""
        return Gallery.POTENTIAL if self.tier == "potential" else Gallery.VIP

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """Consents, each by itself (C1)."""
        granted = (Purpose.VIP_SERVICE, Purpose.CENTRAL_STORAGE)
        return (*granted, Purpose.MARKETING) if self.marketing_consent else granted

    def record(self, customer_id: str, branch_id: str, rm_staff_id: str, today: date) -> CustomerRecord:
        """Return the body for `POST /v1/customers`. Raises pydantic's ValidationError when the entry makes no sense."""
        matures = self.matures_in_days
        return CustomerRecord.model_validate(
            {
                "customer_id": customer_id,
                "full_name": self.full_name,
                "gender": self.gender,
                "birth_date": date(today.year - self.age, 1, 1),
                "tier": self.tier,
                "home_branch_id": branch_id,
                "rm_staff_id": rm_staff_id,
                "profile": {
                    "as_of": today,
                    **{f"{name}_fen": yuan * 100 for name, yuan in self.amounts.items()},
                    "time_deposit_matures_on": None if matures is None else today + timedelta(days=matures),
                    "demand_idle_days": self.demand_idle_days,
                    "holdings": self.holdings,
                    "risk_assessment": self.risk_level
                    and {
                        "level": self.risk_level,
                        "valid_until": today + timedelta(days=self.risk_valid_for_days),
                    },
                },
            }
        )


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer: tuple[InventedCustomer, ...]


def invented_customers() -> tuple[InventedCustomer, ...]:
    """Read `people.toml`."""
    text = Path(__file__).with_name("people.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Book).customer
