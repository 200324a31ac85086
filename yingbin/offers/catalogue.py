"""Products and rules as data that business people edit: one TOML file, checked completely when it is loaded.

The packaged `catalogue.toml` explains the format, `entries.py` its fields. Every mistake in a file is reported at once,
each with the rule or product and the line.
"""

import hashlib
import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yingbin.feed_wire import ContactPolicy, Lever
from yingbin.offers.decision.context import CAMPAIGN
from yingbin.offers.entries import CatalogueFile, Category, General, Product, RuleText, Source
from yingbin.offers.expression import BadExpression, Condition
from yingbin.offers.facts import FACT_TYPES
from yingbin.offers.faults import BadCatalogue, Faults, bad_toml
from yingbin.offers.profile import china_midnight_ms
from yingbin.offers.toml_lines import Loc

__all__ = ["BadCatalogue", "Catalogue", "Category", "Product", "Rule", "load_catalogue", "parse_catalogue"]


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


@lru_cache(maxsize=4)
def parse_catalogue(text: str, name: str) -> Catalogue:
    """Check the TOML `text` and compile its rules; `name` is the file named in errors. Raises `BadCatalogue`.

    The newest few are kept: one start, or one check, parses the same text two or three times, at .1 s each.
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also what is nested, or counts, beyond all bounds
        raise bad_toml(name, error) from error
    faults = Faults(text, raw, name)
    try:
        file = CatalogueFile.model_validate(raw)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            faults.add_invalid(one["loc"], one["msg"], one["type"])
        _conditions_as_written(raw, faults)
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
    first = china_midnight_ms(valid_from) if valid_from else 0
    return first, china_midnight_ms(valid_until + timedelta(days=1)) if valid_until else 0


def _check_products(file: CatalogueFile, faults: Faults) -> None:
    codes = [product.code for product in file.product]
    for number, product in enumerate(file.product):
        who = f"product {product.code!r}"
        if product.code in codes[:number]:
            faults.add(("product", number, "code"), who, "duplicate code", "duplicate")
        for other in product.excludes:
            if other == product.code or other not in codes:
                fault = "excludes itself" if other == product.code else f"excludes unknown product {other!r}"
                faults.add(("product", number, "excludes"), who, fault, "reference")


def _check_general(file: CatalogueFile, faults: Faults) -> None:
    general, who = file.general, "general list"
    products = {product.code: product for product in file.product}
    if general.source not in file.sources:
        faults.add(("general", "source"), who, f"unknown source {general.source!r}", "reference")
    for code in general.products:
        if code not in products:
            faults.add(("general", "products"), who, f"unknown product {code!r}", "reference")
        elif products[code].investment or products[code].credit:
            reason = f"{code!r} is an investment or credit product: not for everybody"
            faults.add(("general", "products"), who, reason, "value")


def _check_levers(file: CatalogueFile, faults: Faults) -> None:
    codes = {product.code for product in file.product}
    targets = [(lever.signal, lever.product, lever.category) for lever in file.lever]
    for number, lever in enumerate(file.lever):
        who = f"lever number {number + 1}"
        if lever.product and lever.product not in codes:
            faults.add(("lever", number, "product"), who, f"unknown product {lever.product!r}", "reference")
        if targets[number] in targets[:number]:
            told = "a lever of this signal and target is there already"
            faults.add(("lever", number, "signal"), who, told, "duplicate")
    ids = [campaign.id for campaign in file.campaign]
    for number, campaign in enumerate(file.campaign):
        who = f"campaign {campaign.id!r}"
        if campaign.id in ids[:number]:
            faults.add(("campaign", number, "id"), who, "duplicate id", "duplicate")
        if campaign.product not in codes:
            faults.add(("campaign", number, "product"), who, f"unknown product {campaign.product!r}", "reference")


def _rules(file: CatalogueFile, faults: Faults) -> tuple[Rule, ...]:
    codes = {product.code for product in file.product}
    rules: dict[str, Rule] = {}
    for number, text in enumerate(file.rule):
        who = f"rule {text.id!r}"
        if text.id in rules:
            faults.add(("rule", number, "id"), who, "duplicate id", "duplicate")
        if text.product not in codes:
            faults.add(("rule", number, "product"), who, f"unknown product {text.product!r}", "reference")
        if text.source not in file.sources:
            faults.add(("rule", number, "source"), who, f"unknown source {text.source!r}", "reference")
        if condition := _condition(text.when, ("rule", number, "when"), f"{who}: when", faults):
            rules[text.id] = Rule(text, condition)
    return tuple(rules.values())


def _eligible(file: CatalogueFile, faults: Faults) -> dict[str, Condition]:
    found = {}
    for number, product in enumerate(file.product):
        loc, who = ("product", number, "eligible"), f"product {product.code!r}: eligible"
        if product.eligible and (condition := _condition(product.eligible, loc, who, faults)):
            found[product.code] = condition
    return found


def _conditions_as_written(raw: Mapping[str, Any], faults: Faults) -> None:
    """Check the conditions of a file whose tables are wrong elsewhere, so that every mistake is told at once."""
    for table, field in (("rule", "when"), ("product", "eligible")):
        rows = raw.get(table)
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            text = row.get(field) if isinstance(row, dict) else None
            if isinstance(text, str) and (text or table == "rule"):
                loc = (table, number, field)
                _condition(text, loc, faults.who(loc), faults)


def _condition(text: str, loc: Loc, who: str, faults: Faults) -> Condition | None:
    try:
        return Condition(text, FACT_TYPES)
    except BadExpression as error:
        faults.add(loc, who, error.message, "expression", error.position)
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
