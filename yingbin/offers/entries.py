"""What a catalogue file may say: its tables, field by field. `catalogue.py` reads the file and checks it as a whole."""

import re
import string
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from yingbin.offers.decision.context import SIGNALS
from yingbin.offers.facts import PLACEHOLDERS
from yingbin.offers.profile import MAX_AMOUNT_FEN, Holding
from yingbin.offers.wording import forbidden


class Category(StrEnum):
    """At most one offer per category reaches a card."""

    DEPOSIT = "deposit"
    WEALTH = "wealth"
    FUND = "fund"
    BOND = "bond"
    PRECIOUS_METAL = "precious_metal"
    INSURANCE = "insurance"
    CARD = "card"
    LOAN = "loan"
    CHANNEL = "channel"
    FX = "fx"
    SERVICE = "service"


class Regime(StrEnum):
    """Which suitability duty selling it carries (金融机构产品适当性管理办法)."""

    NONE = "none"
    RISK_RATING = "risk_rating"
    """R1..R5 against C1..C5; no valid assessment, no offer."""
    INSURANCE_NEEDS = "insurance_needs"
    """A needs analysis before the contract, by the manager."""
    CREDIT_CAPACITY = "credit_capacity"
    """Documented income and a bearable debt service."""


def _sayable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of text")
    if bad := forbidden(text):
        raise ValueError(f"must not be shown on a tablet: {bad}")
    return text


def _chinese(text: str) -> str:
    if not re.search("[\u3400-\u9fff]", text):
        raise ValueError("Chinese text is missing")
    return _sayable(text)


def _english(text: str) -> str:
    if not text.strip() or re.search("[\u3400-\u9fff]", text):
        raise ValueError("English text is missing")
    return _sayable(text)


def _placeholders(text: str) -> str:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"bad placeholder: {error}") from error
    for _, name, spec, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            raise ValueError(f"unknown placeholder {{{name}}}; allowed are {', '.join(sorted(PLACEHOLDERS))}")
    _sayable(text.format(**dict.fromkeys(PLACEHOLDERS, 12)))  # a number may become money or an hour by what follows it
    return text


def _product_code(code: str) -> str:
    _sayable(code.replace("_", " "))  # the tablet gets it with the offer
    return code


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
ProductCode = Annotated[Code, AfterValidator(_product_code)]
Chinese = Annotated[str, StringConstraints(max_length=200), AfterValidator(_chinese)]
English = Annotated[str, StringConstraints(max_length=400), AfterValidator(_english)]
Expression = Annotated[str, StringConstraints(max_length=1000)]
Days = Annotated[int, Field(ge=0, le=3650, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _InForce(_Strict):
    """Something that is in force for a while: both days are included, China's clock; absent means no limit."""

    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until must not be before valid_from")
        return self


class Product(_InForce):
    """What the bank sells. `risk_level` 1..5 is R1..R5 of an investment product, 0 means not applicable.

    `value` (0..1] is the worth relative to the best product, which ranks; `margin_fen` the bank's usual margin of one
    sale in its first year, which reports count. `lever` is the business weight of the season. `holding` names what
    makes a further one pointless, `eligible` is a condition on the customer, `min_amount_fen` what the investable
    amount must reach; `term_days` the usual term, 0 for none. `excludes`: never on one card with these.
    """

    code: ProductCode
    name_zh: Chinese
    name_en: English
    category: Category
    suitability: Regime = Regime.NONE
    risk_level: int = Field(default=0, ge=0, le=5, strict=True)
    investment: bool = False
    credit: bool = False
    fx: bool = False
    value: float = Field(gt=0, le=1)
    margin_fen: int = Field(default=0, ge=0, le=MAX_AMOUNT_FEN, strict=True)
    lever: float = Field(default=1.0, ge=0.5, le=2)
    holding: Holding | None = None
    eligible: Expression = ""
    min_amount_fen: int = Field(default=0, ge=0, le=MAX_AMOUNT_FEN, strict=True)
    term_days: int = Field(default=0, ge=0, le=36_500, strict=True)
    excludes: tuple[Code, ...] = ()
    talking_point_zh: Chinese
    talking_point_en: English

    @model_validator(mode="after")
    def _suitability_regime(self) -> Self:
        if self.investment != (self.risk_level > 0):
            raise ValueError("risk_level must be 1..5 for an investment product and 0 for any other")
        if self.investment and self.credit:
            raise ValueError("a product cannot be both investment and credit")
        for flag, regime in ((self.investment, Regime.RISK_RATING), (self.credit, Regime.CREDIT_CAPACITY)):
            if flag != (self.suitability is regime):
                raise ValueError(f'suitability must be "{regime}" for such a product, and for no other')
        return self


class Source(_Strict):
    """The system a fact comes from, as named on the tablet."""

    zh: Chinese
    en: English


class RuleText(_Strict):
    """A rule as written: if `when` holds of the customer, `product` suits with likelihood `propensity` (0..1]."""

    id: Code
    product: str
    when: Expression
    propensity: float = Field(gt=0, le=1)
    source: str
    reason_zh: Annotated[Chinese, AfterValidator(_placeholders)]
    reason_en: Annotated[English, AfterValidator(_placeholders)]


class LeverText(_Strict):
    """While `signal` holds of the visit, the priority of a product, or of a category, is multiplied by `factor`."""

    signal: Literal[SIGNALS]  # type: ignore[valid-type]
    category: Category | None = None
    product: str = ""
    factor: float = Field(ge=0.5, le=2)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if bool(self.product) == bool(self.category):
            raise ValueError("name either a product or a category")
        return self


class CampaignText(_InForce):
    """A campaign of the branches named, of all when none is: `product` counts `factor` times as much."""

    id: Code
    product: str
    branches: tuple[str, ...] = ()
    valid_from: date
    valid_until: date
    factor: float = Field(ge=1, le=2)


class PolicyText(_Strict):
    """How often a customer may be asked: `feed_wire.ContactPolicy`, whose defaults hold for what is absent."""

    refusal_product_days: Days = 30
    refusal_category_days: Days = 7
    max_refusals: int = Field(default=2, ge=1, le=100, strict=True)
    reoffer_days: Days = 180
    product_shown_per_30_days: int = Field(default=4, ge=1, le=100, strict=True)
    contacts_per_30_days: int = Field(default=8, ge=0, le=100, strict=True)


class General(_Strict):
    """The list everybody gets who wants no personalised suggestions (C10), with its one reason."""

    products: tuple[str, ...] = Field(min_length=3)
    source: str
    reason_zh: Chinese
    reason_en: English


class CatalogueFile(_Strict):
    """A whole file."""

    version: str = Field(min_length=1, max_length=40)
    valid_from: date
    sources: dict[str, Source]
    general: General
    contact_policy: PolicyText = PolicyText()
    product: tuple[Product, ...] = Field(min_length=1)
    rule: tuple[RuleText, ...]
    lever: tuple[LeverText, ...] = ()
    campaign: tuple[CampaignText, ...] = ()
