"""Hard information about a customer (BRIEF B7), as the bank's systems hold it, and what follows from it by formula.

Amounts are integers in CNY fen. This is also the body of the province's public API for customer records, so every
field is checked: nothing negative, nothing absurd, no contradiction, no unknown key.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

MAX_AMOUNT_FEN = 10**14
"""One trillion yuan: a larger amount in a personal account is an error of the source."""
MAX_IDLE_DAYS = 36_500
MATURING_WITHIN_DAYS = 30
RESERVE_MONTHS = 6
"""Instalments kept untouched before money counts as investable."""
NO_MATURITY_DAYS = 36_500
"""`Profile.maturing_days` of somebody whose next maturity is unknown or past."""
CHINA_TIME = timezone(timedelta(hours=8))
"""China has one time zone and no daylight saving."""


def china_day(at_ms: int) -> date:
    """Return the day in China of an instant, UTC milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(CHINA_TIME).date()


def china_today() -> date:
    """Return the day it is in China."""
    return datetime.now(CHINA_TIME).date()


def china_midnight_ms(day: date) -> int:
    """Return the UTC millisecond at which a day begins in China."""
    return int(datetime.combine(day, time.min, CHINA_TIME).timestamp() * 1000)


Fen = Annotated[StrictInt, Field(ge=0, le=MAX_AMOUNT_FEN)]


class Holding(StrEnum):
    """A product or service the customer already has."""

    E_BANK = "e_bank"
    MOBILE_BANK = "mobile_bank"
    SMS = "sms"
    PRECIOUS_METAL = "precious_metal"
    CREDIT_CARD = "credit_card"
    PLATINUM_CARD = "platinum_card"
    ETC_CARD = "etc_card"
    LARGE_CERTIFICATE = "large_certificate"
    FX_ACCOUNT = "fx_account"
    CONSUMER_LOAN = "consumer_loan"
    OVERSEAS_CARD = "overseas_card"
    STUDY_LOAN = "study_loan"
    THIRD_PARTY_CUSTODY = "third_party_custody"
    PRIVATE_BANKING = "private_banking"
    PENSION_ACCOUNT = "pension_account"


class RiskAssessment(BaseModel):
    """The last risk questionnaire: `level` `risk_c1` (cautious) .. `risk_c5`, good until the end of `valid_until`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["risk_c1", "risk_c2", "risk_c3", "risk_c4", "risk_c5"]
    valid_until: date

    @property
    def tolerance(self) -> int:
        """The level as a number, 1..5."""
        return int(self.level[-1])

    @property
    def valid_until_ms(self) -> int:
        """First UTC millisecond at which it no longer counts: midnight, China time, after `valid_until`."""
        return china_midnight_ms(self.valid_until + timedelta(days=1))


class Profile(BaseModel):
    """Assets, liabilities, products held, income and risk assessment on the day `as_of`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date = Field(description="day the bank's systems reported these figures")

    time_deposit_fen: Fen = Field(default=0, description="time deposits, principal")
    time_deposit_maturing_fen: Fen = Field(
        default=0, description="the part that falls due on `time_deposit_matures_on`"
    )
    time_deposit_matures_on: date | None = Field(default=None, description="next maturity of a time deposit")
    demand_deposit_fen: Fen = Field(default=0, description="demand deposits")
    demand_idle_days: Annotated[StrictInt, Field(ge=0, le=MAX_IDLE_DAYS)] = Field(
        default=0, description="days since money last left the demand deposit"
    )
    wealth_product_fen: Fen = Field(default=0, description="wealth management products, market value")
    fund_fen: Fen = Field(default=0, description="funds, market value")
    insurance_fen: Fen = Field(default=0, description="insurance, cash value")
    treasury_bond_fen: Fen = Field(default=0, description="savings treasury bonds, principal")
    property_fen: Fen = Field(default=0, description="real estate, appraised value")
    vehicle_fen: Fen = Field(default=0, description="vehicles, appraised value")

    mortgage_fen: Fen = Field(default=0, description="mortgage, outstanding principal")
    car_loan_fen: Fen = Field(default=0, description="car loan, outstanding principal")
    parking_loan_fen: Fen = Field(default=0, description="parking-space loan, outstanding principal")
    business_loan_fen: Fen = Field(default=0, description="business loan, outstanding principal")
    monthly_repayment_fen: Fen = Field(default=0, description="all instalments due in a month")

    documented_monthly_income_fen: Annotated[StrictInt, Field(gt=0, le=MAX_AMOUNT_FEN)] | None = Field(
        default=None, description="monthly income proven by documents; absent when there is no proof"
    )
    salary_day: Annotated[StrictInt, Field(ge=1, le=31)] | None = Field(
        default=None, description="day of the month on which a salary arrives here; absent when none does"
    )
    holdings: frozenset[Holding] = Field(default=frozenset(), description="products and services already held")
    risk_assessment: RiskAssessment | None = Field(default=None, description="absent when never assessed")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.time_deposit_maturing_fen > self.time_deposit_fen:
            raise ValueError("time_deposit_maturing_fen must not exceed time_deposit_fen")
        if self.time_deposit_maturing_fen and self.time_deposit_matures_on is None:
            raise ValueError("time_deposit_maturing_fen needs time_deposit_matures_on")
        if self.time_deposit_matures_on is not None and self.time_deposit_matures_on < self.as_of:
            raise ValueError("time_deposit_matures_on is the next maturity: not before as_of")
        return self

    @property
    def liquid_assets_fen(self) -> int:
        """Demand + time deposits + wealth products + funds + treasury bonds."""
        return (
            self.demand_deposit_fen
            + self.time_deposit_fen
            + self.wealth_product_fen
            + self.fund_fen
            + self.treasury_bond_fen
        )

    @property
    def financial_assets_fen(self) -> int:
        """Liquid assets + cash value of insurance."""
        return self.liquid_assets_fen + self.insurance_fen

    @property
    def liabilities_fen(self) -> int:
        """Outstanding principal of all loans."""
        return self.mortgage_fen + self.car_loan_fen + self.parking_loan_fen + self.business_loan_fen

    @property
    def demand_share(self) -> float:
        """Demand deposits / liquid assets, 0..1; 0 when there are no liquid assets."""
        return self.demand_deposit_fen / self.liquid_assets_fen if self.liquid_assets_fen else 0.0

    @property
    def purchasing_power_fen(self) -> int:
        """The investable amount: max(0, demand deposits + time deposits due within 30 days - 6 monthly instalments).

        Six months of committed outgoings is the emergency reserve of financial planning; living costs are not known
        to the bank's systems, so they are not guessed.
        """
        matures_on = self.time_deposit_matures_on
        due = matures_on is not None and matures_on <= self.as_of + timedelta(days=MATURING_WITHIN_DAYS)
        maturing_fen = self.time_deposit_maturing_fen if due else 0
        return max(0, self.demand_deposit_fen + maturing_fen - RESERVE_MONTHS * self.monthly_repayment_fen)

    @property
    def debt_service_ratio(self) -> float | None:
        """Monthly instalments / documented monthly income; None without documents.

        商业银行房地产贷款风险管理指引 (CBRC 2004) art. 36 caps it at 0.55 for all debts together.
        """
        income_fen = self.documented_monthly_income_fen
        return None if income_fen is None else self.monthly_repayment_fen / income_fen

    def maturing_days(self, day: date) -> int:
        """Days from `day` to the next maturity of a time deposit; `NO_MATURITY_DAYS` if none is known or it is past."""
        matures_on = self.time_deposit_matures_on
        if matures_on is None or matures_on < day or not self.time_deposit_maturing_fen:
            return NO_MATURITY_DAYS
        return (matures_on - day).days
