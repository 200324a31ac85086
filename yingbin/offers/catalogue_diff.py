"""What changes from one catalogue to another, in words a product manager can check."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TABLES: Final = {"product": "code", "rule": "id", "campaign": "id"}
_ABSENT: Final = object()


def catalogue_diff(old: str, new: str) -> list[str]:
    """Return one line for each thing that is added, removed or changed; both texts are catalogues that were checked."""
    before, after = tomllib.loads(old), tomllib.loads(new)
    lines: list[str] = []
    for table, key in _TABLES.items():
        lines += _tables(table, _keyed(before, table, key), _keyed(after, table, key))
    lines += _levers(before, after)
    rest = [{name: value for name, value in one.items() if name not in {*_TABLES, "lever"}} for one in (before, after)]
    lines += _fields("", *map(_flat, rest))
    return lines


def _tables(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield f"- {table} {name}"
        elif name not in before:
            yield f"+ {table} {name}: {_summary(table, after[name])}"
        else:
            yield from _fields(f"{table} {name}: ", before[name], after[name])


def _fields(who: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if was != now:
            yield f"~ {who}{name}: {_said(was)} -> {_said(now)}"


def _levers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    def keyed(one: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{x['signal']} on {x.get('product') or x.get('category')}": x for x in one.get("lever", ())}

    yield from _tables("lever", keyed(before), keyed(after))


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


def _said(value: object) -> str:
    return "(none)" if value is _ABSENT else f"{value}"
