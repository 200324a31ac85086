"""Changes one entry in the text of a catalogue and leaves the rest as it was written, comments and order too."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final, Literal

import tomlkit
from tomlkit.exceptions import TOMLKitError

from yingbin.errors import InvalidInput, NotFound

KEYS: Final = {"product": "code", "rule": "id", "campaign": "id"}
"""Tables whose entries have names, and the field of the name."""
Table = Literal["product", "rule", "campaign"]
_DAYS: Final = frozenset({"valid_from", "valid_until"})
_AS_TEXT: Final = "this text cannot be changed entry by entry: change it as text"
_HEADER: Final = re.compile(r"^\s*\[")


def entries(text: str, table: Table) -> list[dict[str, Any]]:
    """Return the entries of a table as they are written. Raises `InvalidInput` for a text that is no TOML."""
    found = _parsed(text).get(table, [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def with_entry(text: str, table: Table, name: str, entry: Mapping[str, Any]) -> str:
    """Return the text with `entry` in place of the one called `name`, or, if there is none, after the last one.

    A field that `entry` does not have, or that is None, is taken out; one that is the same keeps its line. Days may
    be given as text. Raises `InvalidInput`.
    """
    wanted = {field: _value(field, value) for field, value in entry.items() if value is not None}
    now = entries(text, table)
    at = _number(now, table, name)
    changed = _changed(text, table, at, now[at], wanted) if at is not None else _added(text, table, wanted)
    return _checked(text, changed, table, [*now, wanted] if at is None else [*now[:at], wanted, *now[at + 1 :]])


def without_entry(text: str, table: Table, name: str) -> str:
    """Return the text without one entry; comments after it stay. Raises `NotFound`, `InvalidInput`."""
    now = entries(text, table)
    at = _number(now, table, name)
    if at is None:
        raise NotFound(f"there is no {table} {name} in this catalogue")
    lines = text.split("\n")
    first, end = [*_spans(lines, table), (0, 0)][at]
    while end < len(lines) and not lines[end].strip():
        end += 1
    return _checked(text, "\n".join(lines[:first] + lines[end:]), table, now[:at] + now[at + 1 :])


def _number(now: list[dict[str, Any]], table: Table, name: str) -> int | None:
    return next((number for number, one in enumerate(now) if one.get(KEYS[table]) == name), None)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the text is not valid TOML: {error}; mend it as text first") from error


def _changed(text: str, table: Table, at: int, now: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    try:
        document = tomlkit.parse(text)
        row: Any = document[table][at]
        for field in now.keys() - wanted.keys():
            del row[field]
        for field, value in wanted.items():
            if field not in now or not _same(now[field], value):
                row[field] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, RecursionError) as error:
        raise InvalidInput(_AS_TEXT) from error


def _added(text: str, table: Table, wanted: Mapping[str, Any]) -> str:
    block = f"[[{table}]]\n{tomlkit.dumps(wanted)}".rstrip("\n").split("\n")
    lines = text.split("\n")
    spans = _spans(lines, table)
    end = spans[-1][1] if spans else len(lines)
    return "\n".join([*lines[:end], "", *block, *lines[end:]])


def _checked(before: str, after: str, table: Table, wanted: list[dict[str, Any]]) -> str:
    """Return `after`, which says all that `before` did, and `wanted` in this table."""
    if _parsed(after) != {**_parsed(before), table: wanted}:
        raise InvalidInput(_AS_TEXT)
    return after


def _spans(lines: list[str], table: Table) -> list[tuple[int, int]]:
    """Return the first line and the one after the last of each entry, without what only separates it from the next."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    found = []
    for number, following in pairwise([*headers, len(lines)]):
        if re.match(rf"^\s*\[\[\s*{table}\s*\]\]", lines[number]):
            end = following
            while end > number + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
                end -= 1
            found.append((number, end))
    return found


def _same(one: Any, other: Any) -> bool:
    """Return whether both say the same: 1 and 1.0 do, 1 and true do not."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _value(field: str, value: Any) -> Any:
    if field in _DAYS and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value  # said with its line when the text is checked
    return value
