"""A customer as an analyst sees him (JR/T 0171; GB/T 37964 de-identification).

Left: an id that only this province can lead back (HMAC under a key of its own), age in bands, tier, city, products,
balances in buckets. Age band, tier and city are what an outsider might know of somebody; a row is shown only if at
least `K` customers share all three. Children under 14 are not shown at all. Nothing comes from a face or a template.
"""

import hashlib
import hmac
from bisect import bisect_right
from datetime import date
from typing import Final

import msgspec
from pydantic import BaseModel, Field

from yingbin.offers.customer import GUARDIAN_AGE
from yingbin.offers.profile import Holding

K: Final = 10
_AGES: Final = (18, 25, 35, 45, 55, 65, 75)
_AGE_BANDS: Final = ("14-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+")
_BOUNDS_YUAN: Final = (1, 10_000, 50_000, 200_000, 1_000_000, 5_000_000)
BUCKETS: Final = ("0", "under 10k", "10k-50k", "50k-200k", "200k-1M", "1M-5M", "over 5M")
_FEN: Final = 100

Group = tuple[str, str, str]
"""Age band, tier, city id."""


class Amounts(msgspec.Struct, frozen=True):
    """What is read of a profile; the rest stays unread."""

    demand_deposit_fen: int = 0
    time_deposit_fen: int = 0
    wealth_product_fen: int = 0
    fund_fen: int = 0
    insurance_fen: int = 0
    treasury_bond_fen: int = 0
    mortgage_fen: int = 0
    car_loan_fen: int = 0
    parking_loan_fen: int = 0
    business_loan_fen: int = 0
    holdings: tuple[Holding, ...] = ()


class Read(msgspec.Struct, frozen=True):
    """What is read of a record."""

    birth_date: date
    tier: str
    home_branch_id: str
    profile: Amounts


class AnalystRow(BaseModel):
    """One customer; amounts in buckets of yuan."""

    pseudonym: str = Field(examples=["9f2c4f0a51b7d3e86c1d0a4be2f97c35"])
    age_band: str = Field(examples=["35-44"])
    tier: str = Field(examples=["vip_gold"])
    city_id: str = Field(examples=["0197a3c2-7d5e-7c11-8f00-3f1f5f9d2b10"])
    city: str = Field(examples=["杭州"])
    holdings: list[Holding] = Field(examples=[["mobile_bank"]])
    deposits: str = Field(examples=["50k-200k"], description="demand and time deposits")
    investments: str = Field(examples=["0"], description="wealth products, funds, insurance, treasury bonds")
    loans: str = Field(examples=["200k-1M"], description="outstanding principal of all loans")


def read(record: bytes) -> Read:
    """Return what is needed of an opened record."""
    return msgspec.json.decode(record, type=Read)


def group_of(customer: Read, city_id: str, today: date) -> Group | None:
    """Return the group he is counted in, None for a child."""
    born = customer.birth_date
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return None if age < GUARDIAN_AGE else (_AGE_BANDS[bisect_right(_AGES, age)], customer.tier, city_id)


def analyst_row(customer: Read, group: Group, city: str, pseudonym: str) -> AnalystRow:
    """Return what an analyst sees."""
    has = customer.profile
    invested_fen = has.wealth_product_fen + has.fund_fen + has.insurance_fen + has.treasury_bond_fen
    loans_fen = has.mortgage_fen + has.car_loan_fen + has.parking_loan_fen + has.business_loan_fen
    age_band, tier, city_id = group
    return AnalystRow(
        pseudonym=pseudonym,
        age_band=age_band,
        tier=tier,
        city_id=city_id,
        city=city,
        holdings=sorted(has.holdings),
        deposits=bucket(has.demand_deposit_fen + has.time_deposit_fen),
        investments=bucket(invested_fen),
        loans=bucket(loans_fen),
    )


def bucket(amount_fen: int) -> str:
    """Return the bucket of an amount."""
    return BUCKETS[bisect_right(_BOUNDS_YUAN, amount_fen / _FEN)]


def pseudonym_of(key: bytes, customer_id: str) -> str:
    """Return the id that stands for a customer: 128 bits, the same in every answer, meaningless without the key."""
    return hmac.new(key, customer_id.encode(), hashlib.sha256).hexdigest()[:32]
