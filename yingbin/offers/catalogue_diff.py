"""What changes from one catalogue to another: as data, in words a product manager can check, and what to look at."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Literal

from yingbin.offers.catalogue import Catalogue

_TABLES: Final = {"product": "code", "rule": "id", "campaign": "id"}
_ABSENT: Final = object()

NoticeKind = Literal[
    "product_removed", "margin_changed", "risk_lowered", "suitability_changed", "not_on_sale", "never_offered",
    "same_version", "nothing_changed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One thing added, removed or changed. An entry as a whole has no `field`; values are as JSON takes them.

    `table` and `name` are empty for what stands at the head of the file.
    """

    op: Literal["added", "removed", "changed"]
    table: str
    name: str
    field: str
    before: Any
    after: Any

    @property
    def as_object(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a catalogue may say, and a person should look at before it is released."""

    kind: NoticeKind
    product: str = ""
    before: str = ""
    after: str = ""

    @property
    def as_object(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def catalogue_changes(old: str, new: str) -> tuple[Change, ...]:
    """Return what differs, in the order of the file; both texts are catalogues that were checked."""
    before, after = tomllib.loads(old), tomllib.loads(new)
    found: list[Change] = []
    for table, key in _TABLES.items():
        found += _tables(table, _keyed(before, table, key), _keyed(after, table, key))
    found += _tables("lever", _levers(before), _levers(after))
    rest = [{name: value for name, value in one.items() if name not in {*_TABLES, "lever"}} for one in (before, after)]
    found += _fields("", "", *map(_flat, rest))
    return tuple(found)


def catalogue_diff(old: str, new: str) -> list[str]:
    """Return one line for each thing that is added, removed or changed; both texts are catalogues that were checked."""
    return [_line(change) for change in catalogue_changes(old, new)]


def notices(old: Catalogue, new: Catalogue, today: date) -> tuple[Notice, ...]:
    """Return what to look at before `new` takes the place of `old`."""
    return tuple(_notices(old, new, today))


def plain(value: Any) -> Any:
    """Return a TOML value as JSON takes it: days as text."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value if isinstance(value, bool | int | float | str) else str(value)


def _notices(old: Catalogue, new: Catalogue, today: date) -> Iterator[Notice]:
    if new.digest == old.digest:
        yield Notice("nothing_changed")
        return
    if new.version == old.version:
        yield Notice("same_version", after=new.version)
    for code in old.products.keys() - new.products.keys():
        yield Notice("product_removed", code)
    for code, product in new.products.items():
        if product.valid_until and product.valid_until < today:
            yield Notice("not_on_sale", code, after=product.valid_until.isoformat())
        if not new.rules_about[code] and code not in new.general.products:
            yield Notice("never_offered", code)
        if (was := old.products.get(code)) is None:
            continue
        if product.margin_fen != was.margin_fen:
            yield Notice("margin_changed", code, str(was.margin_fen), str(product.margin_fen))
        if product.risk_level < was.risk_level:
            yield Notice("risk_lowered", code, f"R{was.risk_level}", f"R{product.risk_level}")
        if product.suitability != was.suitability:
            yield Notice("suitability_changed", code, was.suitability, product.suitability)


def _tables(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change("removed", table, name, "", plain(before[name]), None)
        elif name not in before:
            yield Change("added", table, name, "", None, plain(after[name]))
        else:
            yield from _fields(table, name, before[name], after[name])


def _fields(table: str, entry: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if was != now:
            yield Change("changed", table, entry, name, *(None if one is _ABSENT else plain(one) for one in (was, now)))


def _line(change: Change) -> str:
    who = f"{change.table} {change.name}" if change.table else ""
    if change.op == "removed":
        return f"- {who}"
    if change.op == "added":
        return f"+ {who}: {_summary(change.table, change.after)}"
    said = ("(none)" if value is None else f"{value}" for value in (change.before, change.after))
    return f"~ {who}{': ' if who else ''}{change.field}: {' -> '.join(said)}"


def _levers(one: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{x['signal']} on {x.get('product') or x.get('category')}": x for x in one.get("lever", ())}


def _summary(table: str, entry: Mapping[str, Any]) -> str:
    names = {"product": ("name_zh", "category", "risk_level"), "rule": ("product", "when"), "lever": ("factor",)}
    shown = (entry.get(name) for name in names.get(table, ("product", "valid_from", "valid_until")))
    return ", ".join(str(value) for value in shown if value is not None)


def _keyed(one: Mapping[str, Any], table: str, key: str) -> dict[str, Any]:
    return {entry[key]: entry for entry in one.get(table, ())}


def _flat(one: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in one.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
