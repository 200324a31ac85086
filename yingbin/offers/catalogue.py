"""Products and rules as data that business people edit: one TOML file, checked completely when it is loaded.

The packaged `catalogue.toml` explains the format, `entries.py` its fields. Every mistake in a file is reported at once,
each with the rule or product and the line.
"""

import hashlib
import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yingbin.errors import BadConfiguration
from yingbin.feed_wire import ContactPolicy, Lever
from yingbin.offers.decision.context import CAMPAIGN
from yingbin.offers.entries import CatalogueFile, Category, General, Product, RuleText, Source
from yingbin.offers.expression import BadExpression, Condition
from yingbin.offers.facts import FACT_TYPES
from yingbin.offers.profile import CHINA_TIME
from yingbin.offers.toml_lines import Lines, Loc

__all__ = ["BadCatalogue", "Catalogue", "Category", "Product", "Rule", "load_catalogue", "parse_catalogue"]

_LISTED = frozenset({"product", "rule", "lever", "campaign"})


class BadCatalogue(BadConfiguration):
    """The catalogue file cannot be used; the message has a line of its own for each rule or product that is wrong."""

    code = "bad_catalogue"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run."""

    text: RuleText
    condition: Condition


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A checked catalogue; `products` by code, in file order. `digest`: SHA-256 of all it says, whatever its layout.

    `eligible` has the compiled conditions of the products that have one, `levers` those of each product, campaigns
    among them, `excludes` whom each product may not share a card with, named by either side.
    """

    version: str
    digest: str
    valid_from: date
    sources: Mapping[str, Source]
    general: General
    products: Mapping[str, Product]
    rules: tuple[Rule, ...]
    rules_about: Mapping[str, tuple[Rule, ...]]
    eligible: Mapping[str, Condition]
    levers: Mapping[str, tuple[Lever, ...]]
    excludes: Mapping[str, tuple[str, ...]]
    policy: ContactPolicy

    @property
    def name(self) -> str:
        """Version and the beginning of the digest: what decisions are recorded under."""
        return f"{self.version}+{self.digest[:12]}"


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read `path`, or the packaged catalogue. Raises `BadCatalogue` with everything that is wrong."""
    text, name = read_catalogue(path)
    return parse_catalogue(text, name)


def read_catalogue(path: Path | None = None) -> tuple[str, str]:
    """Return the text of `path`, or of the packaged catalogue, and its name in errors. Raises `BadCatalogue`."""
    name = str(path or "catalogue.toml")
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCatalogue(f"cannot read {name}: {error}") from error
    return text, name


def parse_catalogue(text: str, name: str) -> Catalogue:
    """Check the TOML `text` and compile its rules; `name` is the file named in errors. Raises `BadCatalogue`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCatalogue(f"{name}: not valid TOML: {error}") from error
    faults = _Faults(Lines(text), name)
    try:
        file = CatalogueFile.model_validate(raw)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            faults.add(one["loc"], _who(raw, one["loc"]), one["msg"])
        raise faults.error() from error
    rules = _rules(file, faults)
    eligible = _eligible(file, faults)
    _check_products(file, faults)
    _check_general(file, faults)
    _check_levers(file, faults)
    if faults:
        raise faults.error()
    said = json.dumps(file.model_dump(mode="json", exclude={"version"}), sort_keys=True, ensure_ascii=False)
    return Catalogue(
        version=file.version,
        digest=hashlib.sha256(said.encode()).hexdigest(),
        valid_from=file.valid_from,
        sources=file.sources,
        general=file.general,
        products={product.code: product for product in file.product},
        rules=rules,
        rules_about={
            product.code: tuple(rule for rule in rules if rule.text.product == product.code) for product in file.product
        },
        eligible=eligible,
        levers=_levers(file),
        excludes=_excludes(file.product),
        policy=ContactPolicy(**file.contact_policy.model_dump()),
    )


def in_force_ms(valid_from: date | None, valid_until: date | None) -> tuple[int, int]:
    """Return the first UTC millisecond of a validity and the first one after it, days of China; 0 for no limit."""
    first = _midnight_ms(valid_from) if valid_from else 0
    return first, _midnight_ms(valid_until + timedelta(days=1)) if valid_until else 0


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time.min, CHINA_TIME).timestamp() * 1000)


def _check_products(file: CatalogueFile, faults: "_Faults") -> None:
    codes = [product.code for product in file.product]
    for number, product in enumerate(file.product):
        who = f"product {product.code!r}"
        if product.code in codes[:number]:
            faults.add(("product", number, "code"), who, "duplicate code")
        for other in product.excludes:
            if other == product.code or other not in codes:
                fault = "excludes itself" if other == product.code else f"excludes unknown product {other!r}"
                faults.add(("product", number, "excludes"), who, fault)


def _check_general(file: CatalogueFile, faults: "_Faults") -> None:
    general, who = file.general, "general list"
    products = {product.code: product for product in file.product}
    if general.source not in file.sources:
        faults.add(("general", "source"), who, f"unknown source {general.source!r}")
    for code in general.products:
        if code not in products:
            faults.add(("general", "products"), who, f"unknown product {code!r}")
        elif products[code].investment or products[code].credit:
            reason = f"{code!r} is an investment or credit product: not for everybody"
            faults.add(("general", "products"), who, reason)


def _check_levers(file: CatalogueFile, faults: "_Faults") -> None:
    codes = {product.code for product in file.product}
    targets = [(lever.signal, lever.product, lever.category) for lever in file.lever]
    for number, lever in enumerate(file.lever):
        who = f"lever number {number + 1}"
        if lever.product and lever.product not in codes:
            faults.add(("lever", number, "product"), who, f"unknown product {lever.product!r}")
        if targets[number] in targets[:number]:
            faults.add(("lever", number, "signal"), who, "a lever of this signal and target is there already")
    ids = [campaign.id for campaign in file.campaign]
    for number, campaign in enumerate(file.campaign):
        who = f"campaign {campaign.id!r}"
        if campaign.id in ids[:number]:
            faults.add(("campaign", number, "id"), who, "duplicate id")
        if campaign.product not in codes:
            faults.add(("campaign", number, "product"), who, f"unknown product {campaign.product!r}")


def _rules(file: CatalogueFile, faults: "_Faults") -> tuple[Rule, ...]:
    codes = {product.code for product in file.product}
    rules: dict[str, Rule] = {}
    for number, text in enumerate(file.rule):
        who = f"rule {text.id!r}"
        if text.id in rules:
            faults.add(("rule", number, "id"), who, "duplicate id")
        if text.product not in codes:
            faults.add(("rule", number, "product"), who, f"unknown product {text.product!r}")
        if text.source not in file.sources:
            faults.add(("rule", number, "source"), who, f"unknown source {text.source!r}")
        if condition := _condition(text.when, ("rule", number, "when"), f"{who}: when", faults):
            rules[text.id] = Rule(text, condition)
    return tuple(rules.values())


def _eligible(file: CatalogueFile, faults: "_Faults") -> dict[str, Condition]:
    found = {}
    for number, product in enumerate(file.product):
        loc, who = ("product", number, "eligible"), f"product {product.code!r}: eligible"
        if product.eligible and (condition := _condition(product.eligible, loc, who, faults)):
            found[product.code] = condition
    return found


def _condition(text: str, loc: Loc, who: str, faults: "_Faults") -> Condition | None:
    try:
        return Condition(text, FACT_TYPES)
    except BadExpression as error:
        faults.add(loc, who, error.message)
        return None


def _levers(file: CatalogueFile) -> dict[str, tuple[Lever, ...]]:
    found: defaultdict[str, list[Lever]] = defaultdict(list)
    for product in file.product:
        for lever in file.lever:
            if product.code == lever.product or product.category is lever.category:
                found[product.code].append(Lever(lever.signal, lever.factor))
    for campaign in file.campaign:
        limits = in_force_ms(campaign.valid_from, campaign.valid_until)
        found[campaign.product].append(Lever(CAMPAIGN, campaign.factor, campaign.branches, *limits))
    return {code: tuple(levers) for code, levers in found.items()}


def _excludes(products: Sequence[Product]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for product in products:
        for other in product.excludes:
            found[product.code].add(other)
            found[other].add(product.code)
    return {code: tuple(sorted(others)) for code, others in found.items()}


def _who(raw: dict[str, Any], loc: Loc) -> str:
    if len(loc) > 1 and loc[0] in _LISTED and isinstance(loc[1], int):
        entry = raw[str(loc[0])][loc[1]]
        name = entry.get("id", entry.get("code")) if isinstance(entry, dict) else None
        field = f": {loc[2]}" if len(loc) > 2 else ""
        return f"{loc[0]} {repr(name) if name else f'number {loc[1] + 1}'}{field}"
    return ".".join(str(part) for part in loc)


class _Faults:
    """Everything that is wrong with a file, by line."""

    def __init__(self, lines: Lines, name: str) -> None:
        self._lines = lines
        self._name = name
        self._found: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, loc: Loc, who: str, message: str) -> None:
        self._found.append((self._lines.of(loc), f"{who}: {message}"))

    def error(self) -> BadCatalogue:
        return BadCatalogue("\n".join(self._sorted()))

    def _sorted(self) -> Iterator[str]:
        for line, said in sorted(self._found):
            yield f"{self._name}, line {line}: {said}"
