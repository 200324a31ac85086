"""What is wrong with a source, counted by field: missing, wrong, out of range, contradictory, duplicate."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from pydantic import BaseModel, Field

from province_server.batch.fields import AMOUNTS, COLUMNS, Fault
from yingbin.offers.customer import Gender

_EXAMPLES: Final = 5
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_ID_LENGTH: Final = 18
_CLOSED: Final = frozenset({"1", "true", "yes", "是", "closed", "已销户"})


class FieldQuality(BaseModel):
    """One field: how many rows lack it, how many have a fault by code, and the first such rows."""

    field: str = Field(examples=["birth_date"])
    missing: int = Field(examples=[12])
    faults: dict[str, int] = Field(examples=[{"wrong_type": 3}])
    first_rows: list[int] = Field(examples=[[17, 203]])


class Quality(BaseModel):
    """The report on data quality: all rows, how many are refused, what became of the others, and each field."""

    rows: int = Field(default=0, examples=[100_000])
    refused: int = Field(default=0, examples=[120])
    max_refused_share: float = Field(default=0.05, examples=[0.05])
    outcomes: dict[str, int] = Field(default={}, examples=[{"created": 90_000, "updated": 9_000, "unchanged": 880}])
    fields: list[FieldQuality] = []


class Tally:
    """Counts row by row."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = tuple(columns)
        self._missing: Counter[str] = Counter()
        self._faults: dict[str, Counter[str]] = {}
        self._first: dict[str, list[int]] = {}
        self.rows = 0
        self.refused = 0

    def count(self, number: int, row: Mapping[str, str], faults: Iterable[Fault]) -> None:
        """Take in a row and what is wrong with it."""
        self.rows += 1
        self._missing.update(column for column in self._columns if not row.get(column))
        found = list(faults)
        self.refused += bool(found)
        for fault in found:
            self._faults.setdefault(fault.field, Counter())[fault.code] += 1
            first = self._first.setdefault(fault.field, [])
            if len(first) < _EXAMPLES:
                first.append(number)

    def report(self, max_refused_share: float, outcomes: Mapping[str, int]) -> Quality:
        """Return the report."""
        names = [*self._columns, *(name for name in self._faults if name not in self._columns)]
        lines = [
            FieldQuality(
                field=name,
                missing=self._missing[name],
                faults=dict(self._faults.get(name, {})),
                first_rows=self._first.get(name, []),
            )
            for name in names
        ]
        return Quality(
            rows=self.rows,
            refused=self.refused,
            max_refused_share=max_refused_share,
            outcomes=dict(outcomes),
            fields=lines,
        )


def contradictions(row: Mapping[str, str]) -> list[Fault]:
    """Return what a row says that cannot all be true, beyond what the record itself checks."""
    faults = _of_id_number(row) if row.get("id_number") else []
    if row.get("account_closed", "").lower() in _CLOSED and any(
        row.get(name, "0") not in {"", "0"} for name in AMOUNTS
    ):
        faults.append(Fault("account_closed", "closed_with_balance"))
    return faults


def _of_id_number(row: Mapping[str, str]) -> list[Fault]:
    """Compare with the resident identity number: GB 11643-1999, check digit by ISO 7064 MOD 11-2."""
    number = row["id_number"].upper()
    digits = number[: _ID_LENGTH - 1]
    if len(number) != _ID_LENGTH or not (digits.isascii() and digits.isdigit()):
        return [Fault("id_number", "wrong_type")]
    weighed = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True))
    if _CHECK[weighed % 11] != number[-1]:
        return [Fault("id_number", "id_checksum")]
    faults = []
    if row.get("birth_date") and row["birth_date"].replace("-", "") != digits[6:14] and _is_date(row["birth_date"]):
        faults.append(Fault("birth_date", "id_birth_date"))
    gender = Gender.MALE if int(digits[16]) % 2 else Gender.FEMALE
    if row.get("gender") in {Gender.MALE, Gender.FEMALE} and row["gender"] != gender:
        faults.append(Fault("gender", "id_gender"))
    return faults


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def fields_of(columns: Iterable[str]) -> list[str]:
    """Return columns in the order of the record."""
    named = list(columns)
    return [*(name for name in COLUMNS if name in named), *(name for name in named if name not in COLUMNS)]
