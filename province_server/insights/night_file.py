"""A night's conclusions, as `yingbin offers insights run` writes them: checked whole, read customer by customer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

import duckdb
import msgspec

from province_server.batch.spool import SealedSpool
from province_server.batch.tables import parquet
from province_server.insights.facts import Content
from yingbin.errors import InvalidInput
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.life_cycle import State
from yingbin.storage.province import ID_LENGTH

_TYPES: Final = {
    "as_of": "DATE",
    "insight": "VARCHAR",
    "customer_id": "VARCHAR",
    "other_id": "VARCHAR",
    "subject": "VARCHAR",
    "state": "VARCHAR",
    "applies": "BOOLEAN",
    "strength": "DOUBLE",
    "last_seen": "DATE",
    "expires_on": "DATE",
    "evidence": "STRUCT(signal VARCHAR, family VARCHAR, strength DOUBLE, support BIGINT, last_seen DATE)[]",
}
_ROWS_AT_ONCE: Final = 1000
_FOUND: Final = (State.HYPOTHESIS, State.CORROBORATED, State.EXPIRED)
"""What a night may say; it confirms nothing."""


class BadNight(InvalidInput):
    """The file is not what the nightly inference writes; nothing of it was loaded."""

    code = "bad_night"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A row. Its state and last day are not taken from here: they follow from evidence and consents."""

    number: int
    customer_id: str
    content: Content
    contradicted: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a whole file is: its day, and how many rows."""

    as_of: date
    rows: int


class NightFile:
    """A complete upload. Memory: the compressed file and a thousand rows."""

    def __init__(self, spool: SealedSpool) -> None:
        self._spool = spool

    def check(self, today: date) -> Summary:
        """Read all of it. Raises `BadNight`, or `UnreadableTable` for a damaged file."""
        self._spool.seek(0)
        if self._spool.read(4) != b"PAR1":
            raise BadNight("this is not a Parquet file: send what `yingbin offers insights run` wrote")
        with parquet(self._spool, "DESCRIBE SELECT * FROM read_parquet(?)") as cursor:
            types = {str(name): str(kind).replace('"', "") for name, kind, *_ in cursor.fetchall()}
        for name, kind in _TYPES.items():
            if types.get(name) != kind:
                raise BadNight(f"column `{name}` must be there and of type {kind}: it is {types.get(name, 'absent')}")
        as_of: date | None = None
        before: tuple[str, ...] = ()
        rows = 0
        for number, row in self._raw():
            one = _conclusion(number, row)
            day, key = row[0], (one.customer_id, one.content.insight, one.content.other_id, one.content.subject)
            if not isinstance(day, date) or day > today or as_of not in (None, day):
                raise _bad(number, "as_of must be one day for all rows, and not one that is still to come")
            if key <= before:
                raise _bad(number, "rows must be in order of customer, insight, other customer and subject, none twice")
            as_of, before, rows = day, key, number
        if as_of is None:
            raise BadNight("the file has no rows: a night over real tables finds at least hypotheses")
        return Summary(as_of, rows)

    def customers(self, after: int) -> Iterator[list[Conclusion]]:
        """Yield the rows of one customer at a time, those after row `after`, of a file that was checked."""
        later = (_conclusion(number, row) for number, row in self._raw() if number > after)
        for _, rows in groupby(later, key=lambda one: one.customer_id):
            yield list(rows)

    def _raw(self) -> Iterator[tuple[int, Sequence[Any]]]:
        columns = ", ".join(_TYPES)
        number = 0
        with parquet(self._spool, f"SELECT {columns} FROM read_parquet(?)") as cursor:  # noqa: S608
            while batch := _next(cursor):
                for row in batch:
                    number += 1
                    yield number, row


def _next(cursor: duckdb.DuckDBPyConnection) -> list[Any]:
    return cursor.fetchmany(_ROWS_AT_ONCE)


def _conclusion(number: int, row: Sequence[Any]) -> Conclusion:
    """Check a row. Raises `BadNight`; no value of a customer is quoted."""
    _, name, customer_id, other_id, subject, state, applies, strength, last_seen, _, evidence = row
    insight = load_library().get(name)
    if insight is None:
        raise _bad(number, "its insight is not in the library here: infer again with this version")
    ids = (customer_id, *((other_id,) if insight.relation else ()), *((subject,) if insight.subject else ()))
    if any(not isinstance(one, str) or not 0 < len(one) <= ID_LENGTH for one in ids):
        raise _bad(number, f"an id of {name} is missing, or longer than {ID_LENGTH} characters")
    if (not insight.relation and other_id) or (not insight.subject and subject) or customer_id == other_id:
        raise _bad(number, f"{name} has an id too many, or is about a customer and himself")
    if state not in _FOUND or (state == State.EXPIRED) != (not evidence):
        raise _bad(number, "its state is none that a night finds, or does not go with its evidence")
    try:
        content = msgspec.convert(
            {
                "insight": name,
                "other_id": other_id or "",
                "subject": subject or "",
                "applies": applies,
                "strength": strength,
                "last_seen": last_seen,
                "evidence": evidence,
            },
            Content,
        )
    except msgspec.ValidationError as error:
        raise _bad(number, str(error).partition(" - ")[0]) from error
    if any(item.signal not in {signal.name for signal in insight.signal} for item in content.evidence):
        raise _bad(number, f"a signal of its evidence is none of {name}")
    if content.last_seen > row[0] or any(item.last_seen > row[0] for item in content.evidence):
        raise _bad(number, "evidence of a day after `as_of`")
    return Conclusion(number, customer_id, content, contradicted=state == State.EXPIRED)


def _bad(number: int, problem: str) -> BadNight:
    return BadNight(f"row {number:,}: {problem}; nothing was loaded")
