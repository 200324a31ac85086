"""Products and rules as data that business people edit: one TOML file, checked completely when it is loaded.

The packaged `catalogue.toml` explains the format. An error names the rule or product and the line of the file.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from yingbin.errors import BadConfiguration
from yingbin.offers.expression import BadExpression, Condition
from yingbin.offers.facts import FACT_TYPES, PLACEHOLDERS
from yingbin.offers.profile import Holding
from yingbin.offers.wording import forbidden


class BadCatalogue(BadConfiguration):
    """The catalogue file cannot be used; the message names the rule or product and its line."""

    code = "bad_catalogue"


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


def _sayable(text: str) -> str:
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
    return text


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Chinese = Annotated[str, AfterValidator(_chinese)]
English = Annotated[str, AfterValidator(_english)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Product(_Strict):
    """What the bank sells. `risk_level` 1..5 is R1..R5 of an investment product, 0 means not applicable.

    `value` (0..1] is the margin relative to the best product, `lever` the business weight of the season; `holding`
    names what makes a further one pointless.
    """

    code: Code
    name_zh: Chinese
    name_en: English
    category: Category
    risk_level: int = Field(default=0, ge=0, le=5, strict=True)
    investment: bool = False
    credit: bool = False
    value: float = Field(gt=0, le=1)
    lever: float = Field(default=1.0, ge=0.5, le=2)
    holding: Holding | None = None
    talking_point_zh: Chinese
    talking_point_en: English

    @model_validator(mode="after")
    def _suitability_regime(self) -> Self:
        if self.investment != (self.risk_level > 0):
            raise ValueError("risk_level must be 1..5 for an investment product and 0 for any other")
        if self.investment and self.credit:
            raise ValueError("a product cannot be both investment and credit")
        return self


class Source(_Strict):
    """The system a fact comes from, as named on the tablet."""

    zh: Chinese
    en: English


class RuleText(_Strict):
    """A rule as written: if `when` holds of the customer, `product` suits with likelihood `propensity` (0..1]."""

    id: Code
    product: str
    when: str
    propensity: float = Field(gt=0, le=1)
    source: str
    reason_zh: Annotated[Chinese, AfterValidator(_placeholders)]
    reason_en: Annotated[English, AfterValidator(_placeholders)]


class General(_Strict):
    """The list everybody gets who wants no personalised suggestions (C10), with its one reason."""

    products: tuple[str, ...] = Field(min_length=3)
    source: str
    reason_zh: Chinese
    reason_en: English


class _File(_Strict):
    version: str = Field(min_length=1)
    valid_from: date
    sources: dict[str, Source]
    general: General
    product: tuple[Product, ...] = Field(min_length=1)
    rule: tuple[RuleText, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run."""

    text: RuleText
    condition: Condition


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A checked catalogue; `products` by code, in file order."""

    version: str
    valid_from: date
    sources: Mapping[str, Source]
    general: General
    products: Mapping[str, Product]
    rules: tuple[Rule, ...]


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read `path`, or the packaged catalogue. Raises `BadCatalogue` on the first thing that is wrong."""
    name = str(path or "catalogue.toml")
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCatalogue(f"cannot read {name}: {error}") from error
    return parse_catalogue(text, name)


def parse_catalogue(text: str, name: str) -> Catalogue:
    """Check the TOML `text` and compile its rules; `name` is the file named in errors. Raises `BadCatalogue`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCatalogue(f"{name}: not valid TOML: {error}") from error
    lines = _Lines(text, name)
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise lines.error(first["loc"], _who(raw, first["loc"]), first["msg"]) from error
    products = _unique_products(file, lines)
    _check_general(file, products, lines)
    rules = _compiled_rules(file, products, lines)
    return Catalogue(file.version, file.valid_from, file.sources, file.general, products, rules)


def _unique_products(file: _File, lines: "_Lines") -> dict[str, Product]:
    products: dict[str, Product] = {}
    for number, product in enumerate(file.product):
        if product.code in products:
            raise lines.error(("product", number, "code"), f"product {product.code!r}", "duplicate code")
        products[product.code] = product
    return products


def _check_general(file: _File, products: Mapping[str, Product], lines: "_Lines") -> None:
    general, who = file.general, "general list"
    if general.source not in file.sources:
        raise lines.error(("general", "source"), who, f"unknown source {general.source!r}")
    for code in general.products:
        if code not in products:
            raise lines.error(("general", "products"), who, f"unknown product {code!r}")
        if products[code].investment or products[code].credit:
            reason = f"{code!r} is an investment or credit product: not for everybody"
            raise lines.error(("general", "products"), who, reason)


def _compiled_rules(file: _File, products: Mapping[str, Product], lines: "_Lines") -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for number, text in enumerate(file.rule):
        who = f"rule {text.id!r}"
        if text.id in rules:
            raise lines.error(("rule", number, "id"), who, "duplicate id")
        if text.product not in products:
            raise lines.error(("rule", number, "product"), who, f"unknown product {text.product!r}")
        if text.source not in file.sources:
            raise lines.error(("rule", number, "source"), who, f"unknown source {text.source!r}")
        try:
            rules[text.id] = Rule(text, Condition(text.when, FACT_TYPES))
        except BadExpression as error:
            raise lines.error(("rule", number, "when"), who, f"when: {error.message}") from error
    return tuple(rules.values())


def _who(raw: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    if len(loc) > 1 and loc[0] in {"product", "rule"} and isinstance(loc[1], int):
        entry = raw[str(loc[0])][loc[1]]
        name = entry.get("id", entry.get("code")) if isinstance(entry, dict) else None
        field = f": {loc[2]}" if len(loc) > 2 else ""
        return f"{loc[0]} {name or f'number {loc[1] + 1}'!r}{field}"
    return ".".join(str(part) for part in loc)


class _Lines:
    """Finds the line of a key: tomllib does not tell. Tables must be written as `[name]` and `[[name]]` headers."""

    _HEADER = re.compile(r"^\s*\[{1,2}\s*([\w.]+)\s*\]{1,2}")
    _KEY = re.compile(r"^\s*([\w]+)\s*=")

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._line_of: dict[tuple[int | str, ...], int] = {}
        counts: dict[str, int] = {}
        table: tuple[int | str, ...] = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := self._HEADER.match(line):
                table = tuple(header[1].split("."))
                if line.lstrip().startswith("[["):
                    counts[header[1]] = counts.get(header[1], -1) + 1
                    table = (*table, counts[header[1]])
                self._line_of.setdefault(table, number)
            elif key := self._KEY.match(line):
                self._line_of.setdefault((*table, key[1]), number)

    def error(self, loc: tuple[int | str, ...], who: str, message: str) -> BadCatalogue:
        """Return the error for `loc`, with the line of the nearest enclosing thing that is in the file."""
        line = next((self._line_of[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in self._line_of), 1)
        return BadCatalogue(f"{self._name}, line {line}: {who}: {message}")
