# ruff: noqa: S608  (names of our own columns; the operator's paths are quoted)
"""Writes whom a night of portraits proposes as candidates: one row a customer, CSV or Parquet by the file's name.

Columns: customer_id, reason, source (day of the portrait, rule, version of the rules), expires_at_ms (UTC).
`tags.parquet` holds only who consents to `marketing`, so nobody else can be in the file (C1); a tag past its last day
counts for nothing.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from yingbin.errors import BadConfiguration, InvalidInput
from yingbin.offers.portrait.job import file_of
from yingbin.offers.portrait.page import PortraitMissing
from yingbin.offers.portrait.selection import Selection
from yingbin.offers.profile import CHINA_TIME

COLUMNS: Final = {"customer_id": "VARCHAR", "reason": "VARCHAR", "source": "VARCHAR", "expires_at_ms": "BIGINT"}
_AT_ONCE: Final = 2_000
_MEMORY_MB: Final = 1_024


class PortraitUnreadable(InvalidInput):
    """`tags.parquet` is damaged, or not what `yingbin portrait build` writes."""

    code = "portrait_unreadable"


@dataclass(slots=True)
class Chosen:
    """What a run found. `as_of`: day of the portrait, None when it is empty; `by_rule`: candidates each rule has given.

    `looked_at`: customers of the tiers that the rules are for.
    """

    as_of: date | None
    looked_at: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)


def write_candidates(
    portraits: Path,
    out: Path,
    selection: Selection,
    today: date,
    on_customers: Callable[[int, int], None] = lambda *_: None,
) -> Chosen:
    """Write the candidates of the folder `portraits` as of `today` to `out`; `on_customers` is told done and all.

    Raises `PortraitMissing`, `PortraitUnreadable`, or `BadConfiguration` for a file name that is neither or cannot be.
    """
    if out.suffix not in {".csv", ".parquet"}:
        raise BadConfiguration(f"{out} must end in .csv or .parquet")
    tags = file_of(portraits, "tags")
    if not tags.is_file():
        raise PortraitMissing(f"{tags} does not exist; make it with `yingbin portrait build`")
    try:
        with TemporaryDirectory(prefix=".making-", dir=out.parent) as aside:
            made, limits = Path(aside) / "made.csv", {"memory_limit": f"{_MEMORY_MB}MB", "temp_directory": aside}
            with duckdb.connect(config=dict(limits)) as reading, made.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                chosen = _choose(reading, tags, selection, today, writer.writerow, on_customers)
                file.flush()
                if out.suffix == ".parquet":
                    made = _as_parquet(reading, made)
            made.replace(out)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise PortraitUnreadable(f"{tags} cannot be read: {said}; build the portraits anew") from error
    except OSError as error:
        raise BadConfiguration(f"{out} cannot be written: {error.strerror}") from error
    return chosen


def _choose(
    reading: duckdb.DuckDBPyConnection,
    tags: Path,
    selection: Selection,
    today: date,
    write: Callable[[tuple[str, str, str, int]], Any],
    on_customers: Callable[[int, int], None],
) -> Chosen:
    source = f"read_parquet({_quoted(tags)})"
    ((as_of,),) = reading.execute(f"SELECT max(as_of) FROM {source}").fetchall()
    chosen = Chosen(as_of)
    wanted = [sorted({"tier", *selection.tags}), today, sorted(selection.tiers)]
    reading.execute(
        "CREATE TEMP TABLE looked_at AS SELECT customer_id, list(tag) AS tags, list(value) AS values "
        f"FROM {source} WHERE list_contains(?, tag) AND expires_on >= ? GROUP BY customer_id "
        "HAVING bool_or(tag = 'tier' AND list_contains(?, value))",
        wanted,
    )
    ((total,),) = reading.execute("SELECT count(*) FROM looked_at").fetchall()
    for customer_id, names, values in _fetched(reading, "SELECT * FROM looked_at ORDER BY customer_id"):
        chosen.looked_at += 1
        if chosen.looked_at % _AT_ONCE == 0 or chosen.looked_at == total:
            on_customers(chosen.looked_at, total)
        try:
            rule = selection.rule_for(dict(zip(names, values, strict=True)))
        except ValueError as error:
            raise PortraitUnreadable(f"{tags} has a value that is no number; build the portraits anew") from error
        if rule is None or (last_day := as_of + timedelta(days=rule.expires_days)) < today:
            continue
        chosen.by_rule[rule.name] += 1
        ends = datetime.combine(last_day + timedelta(days=1), clock.min, CHINA_TIME)
        said = f"portrait {as_of} / {rule.name} {selection.name}"
        write((customer_id, rule.reason, said, int(ends.timestamp()) * 1000))
    return chosen


def _fetched(reading: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[str, list[str], list[str]]]:
    reading.execute(query)
    while rows := reading.fetchmany(_AT_ONCE):
        yield from rows


def _as_parquet(reading: duckdb.DuckDBPyConnection, made: Path) -> Path:
    file = made.with_suffix(".parquet")
    reading.execute(
        f"COPY (FROM read_csv({_quoted(made)}, header = true, columns = {COLUMNS})) TO {_quoted(file)} (FORMAT parquet)"
    )
    return file


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
