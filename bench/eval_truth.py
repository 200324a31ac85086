"""Who is to be seen where: the truth file of `yingbin eval scenes`."""

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from yingbin.errors import InvalidInput

ANYBODY: Final = "*"
"""A row about whoever is enrolled."""
_COLUMNS: Final = ("file", "frame_from", "frame_to", "person_id", "present")
_LAST: Final = 2**31 - 1


class TruthUnusable(InvalidInput):
    """The truth file is missing, not CSV with the agreed columns, or a row makes no sense."""

    code = "truth_unusable"


class Present(StrEnum):
    """What a row says."""

    YES = "1"
    NO = "0"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Row:
    """`person_id` is (`Present`) in frames `first`..`last` of `file`, 0-based and inclusive; a photo is frame 0."""

    file: str
    first: int
    last: int
    person_id: str
    present: Present
    is_video: bool

    def covers(self, person_id: str, frame: int) -> bool:
        """Whether the row speaks about this person in this frame."""
        return self.person_id in (person_id, ANYBODY) and self.first <= frame <= self.last


def read_truth(path: Path) -> list[Row]:
    """Read the CSV: columns file, frame_from, frame_to (blank: a photo), person_id, present. Raises `TruthUnusable`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise TruthUnusable(f"--truth {path}: the column {missing[0]!r} is missing")
            rows = [_row(line, f"--truth {path}, line {reader.line_num}") for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TruthUnusable(f"--truth {path} cannot be read: {error}") from error
    if not rows:
        raise TruthUnusable(f"--truth {path}: there is no row")
    return rows


def _row(line: dict[str, str | None], where: str) -> Row:
    file, first, last, person, present = ((line[name] or "").strip() for name in _COLUMNS)
    if not file or not person:
        raise TruthUnusable(f"{where}: `file` and `person_id` must not be blank")
    if present not in set(Present):
        raise TruthUnusable(f"{where}: `present` is {present!r}; it must be 1, 0 or unsure")
    try:
        row = Row(file, int(first or 0), int(last or _LAST), person, Present(present), bool(first or last))
    except ValueError as error:
        raise TruthUnusable(f"{where}: frames must be whole numbers, or blank for a photo") from error
    if not 0 <= row.first <= row.last:
        raise TruthUnusable(f"{where}: frame_from {row.first} to frame_to {row.last} is no range")
    return row
