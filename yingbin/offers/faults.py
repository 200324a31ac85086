"""What is wrong with a catalogue: each fault with its line, its entry and field, and its place in a condition."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from yingbin.errors import BadConfiguration
from yingbin.offers.toml_lines import Lines, Loc

FaultKind = Literal[
    "syntax", "missing", "unknown_field", "type", "value", "wording", "suitability", "expression", "reference",
    "duplicate",
]  # fmt: skip
LISTED: Final = {"product": "code", "rule": "id", "lever": "", "campaign": "id"}
"""Tables that are lists, and the field that names an entry; a lever has none."""
_BY_TYPE: Final[dict[str, FaultKind]] = {"missing": "missing", "extra_forbidden": "unknown_field"}
_BLAMED: Final = re.compile(r"([a-z]+_[a-z_]+|suitability)\b")


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake. `table`, `name`, `field`: the entry it is in, as far as there is one; `line` counts from 1.

    `position`: character of the condition at which it stops making sense, from 0; None for anything else.
    """

    line: int
    who: str
    message: str
    kind: FaultKind
    table: str = ""
    name: str = ""
    field: str = ""
    position: int | None = None

    @property
    def as_object(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


class BadCatalogue(BadConfiguration):
    """The catalogue file cannot be used; the message has a line of its own for each rule or product that is wrong."""

    code = "bad_catalogue"

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class Faults:
    """Everything that is wrong with a file, by line. `raw`: what its TOML says."""

    def __init__(self, text: str, raw: dict[str, Any], name: str) -> None:
        self._lines = Lines(text)
        self._raw = raw
        self._name = name
        self._found: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, loc: Loc, who: str, message: str, kind: FaultKind, position: int | None = None) -> None:
        """Note a mistake at `loc`, a path into the file."""
        table, name, field = self._entry(loc)
        if not field and (blamed := _BLAMED.match(message)):
            field = blamed[1]
        self._found.append(Fault(self._lines.of(loc), who, message, kind, table, name, field, position))

    def add_invalid(self, loc: Loc, message: str, pydantic_type: str) -> None:
        """Note what the declared tables refuse."""
        message = message.removeprefix("Value error, ")
        kind = _BY_TYPE.get(pydantic_type, "type" if pydantic_type.endswith(("_type", "_parsing")) else "value")
        if "must not be shown on a tablet" in message:
            kind = "wording"
        elif "risk_level must" in message or "suitability must" in message:
            kind = "suitability"
        self.add(loc, self.who(loc), message, kind)

    def error(self) -> BadCatalogue:
        """Return the error that names them all, in the order of the lines."""
        ordered = tuple(sorted(self._found, key=lambda fault: (fault.line, fault.who, fault.message)))
        said = (f"{self._name}, line {fault.line}: {fault.who}: {fault.message}" for fault in ordered)
        return BadCatalogue("\n".join(said), ordered)

    def _entry(self, loc: Loc) -> tuple[str, str, str]:
        table = str(loc[0]) if loc else ""
        if table in LISTED and len(loc) > 1 and isinstance(loc[1], int):
            return table, self._name_of(table, loc[1]), str(loc[2]) if len(loc) > 2 else ""
        return table, "", str(loc[1]) if len(loc) > 1 else ""

    def _name_of(self, table: str, number: int) -> str:
        entry = self._raw[table][number]
        return str(entry.get(LISTED[table] or "id", "")) if isinstance(entry, dict) else ""

    def who(self, loc: Loc) -> str:
        """Return what stands at `loc`, in words."""
        if len(loc) > 1 and loc[0] in LISTED and isinstance(loc[1], int):
            name = self._name_of(str(loc[0]), loc[1])
            field = f": {loc[2]}" if len(loc) > 2 else ""
            return f"{loc[0]} {repr(name) if name else f'number {loc[1] + 1}'}{field}"
        return ".".join(str(part) for part in loc)


def bad_toml(name: str, error: Exception) -> BadCatalogue:
    """Return the error for a text that is no TOML at all."""
    told = str(error) if isinstance(error, ValueError) else "values are nested too deeply"
    at = re.search(r"line (\d+)", told)
    return BadCatalogue(f"{name}: not valid TOML: {told}", (Fault(int(at[1]) if at else 1, "", told, "syntax"),))
