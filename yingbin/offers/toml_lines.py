"""Finds the line of a key in a TOML file: tomllib does not tell. Tables must be written as `[name]` and `[[name]]`."""

import re
from typing import Final

Loc = tuple[int | str, ...]

_HEADER: Final = re.compile(r"^\s*\[{1,2}\s*([\w.]+)\s*\]{1,2}")
_KEY: Final = re.compile(r"^\s*([\w]+)\s*=")


class Lines:
    """The lines of every table and key of a text."""

    def __init__(self, text: str) -> None:
        self._line_of: dict[Loc, int] = {}
        counts: dict[str, int] = {}
        table: Loc = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = tuple(header[1].split("."))
                if line.lstrip().startswith("[["):
                    counts[header[1]] = counts.get(header[1], -1) + 1
                    table = (*table, counts[header[1]])
                self._line_of.setdefault(table, number)
            elif key := _KEY.match(line):
                self._line_of.setdefault((*table, key[1]), number)

    def of(self, loc: Loc) -> int:
        """Return the line of the nearest enclosing thing of `loc` that is in the file; 1 when there is none."""
        return next((self._line_of[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in self._line_of), 1)
