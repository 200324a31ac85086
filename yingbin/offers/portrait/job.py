# ruff: noqa: S608  (the SQL is made of packaged files and names in tags.toml, never of data)
"""Computes the portraits of all customers who consent, from a folder of the bank's tables, into three Parquet files.

`tags.parquet` has a row a tag: customer_id, tag, value, as_of, expires_on; a tag that does not apply has none.
`holdings.parquet`: customer_id, product, kind, balance_fen, matures_on, as_of, expires_on. `timeline.parquet`:
customer_id, day, event, detail (product or level), as_of, expires_on. One pass over balances, one over transactions,
whatever the number of tags; DuckDB spills above its memory limit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from yingbin.offers.bank.reader import BankDataInvalid, BankSettings, open_bank
from yingbin.offers.portrait.definitions import BadTags, Kind, Tag, Tags, last_month_end, packaged_tags
from yingbin.offers.profile import CHINA_TIME

_YEAR_DAYS: Final = 365
_EXPIRES_DAYS: Final = {"holdings": 3, "timeline": 7}
_NUMBERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "UINTEGER", "UBIGINT"})
_TYPES: Final = {
    Kind.FLAG: frozenset({"BOOLEAN"}),
    Kind.SHARE: frozenset({"DOUBLE"}),
    Kind.CHANGE: frozenset({"DOUBLE"}),
    Kind.FEN: _NUMBERS | {"DOUBLE"},
    Kind.CHOICE: frozenset({"VARCHAR"}),
    Kind.DATE: frozenset({"DATE"}),
}
"""Type of a tag -> DuckDB types its column may have; the others are whole numbers."""

Step = Callable[[str, int, int], None]
"""Told of progress: what is done now, number of the step (from 0), number of steps."""


@dataclass(frozen=True, slots=True)
class PortraitRun:
    """What a run made."""

    as_of: date
    customers: int
    tags: int
    seconds: float


def build_portrait(
    data: Path, out: Path, settings: BankSettings | None = None, on_step: Step = lambda *_: None
) -> PortraitRun:
    """Compute the tables of the folder `data` as of its snapshot; replace those in the folder `out` when all is done.

    Raises what `open_bank` raises, and `BankDataInvalid` when the snapshot is not one row. Values are not checked here:
    see `yingbin.offers.bank.checks`.
    """
    began = time.monotonic()
    tags = packaged_tags()
    statements = sql("common")
    shared = [f"common {number + 1}" for number in range(len(statements))]
    steps = [*shared, *(group.id for group in tags.group), "tags", *_EXPIRES_DAYS]
    numbered = iter(enumerate(steps))

    def step() -> None:
        number, what = next(numbered)
        on_step(what, number, len(steps))

    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=out) as aside:
        settings = settings or BankSettings()
        if settings.temp_dir is None:
            settings = settings.model_copy(update={"temp_dir": Path(aside)})
        with open_bank(data, settings) as bank:
            as_of = set_day(bank)
            for statement in statements:
                step()
                bank.execute(statement)
            for group in tags.group:
                step()
                compute_group(bank, group.id, tags)
            step()
            _terms(bank, tags, as_of)
            written = _write(bank, _rows(tags), file_of(Path(aside), "tags"))
            for name, expires_days in _EXPIRES_DAYS.items():
                step()
                _write(bank, _dated(name, as_of, expires_days), file_of(Path(aside), name))
            (customers,) = bank.execute("SELECT count(*) FROM subjects").fetchone() or (0,)
        for name in ("tags", *_EXPIRES_DAYS):
            file_of(Path(aside), name).replace(file_of(out, name))
    return PortraitRun(as_of, int(customers), written, time.monotonic() - began)


def file_of(folder: Path, name: str) -> Path:
    """Return the file of `tags`, `holdings` or `timeline` in a folder of portraits."""
    return folder / f"{name}.parquet"


def sql(name: str) -> list[str]:
    """Return the statements of a packaged SQL file, with their comments."""
    text = (resources.files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return [statement.query for statement in duckdb.extract_statements(text)]


def set_day(bank: duckdb.DuckDBPyConnection) -> date:
    """Set the variables of `sql/common.sql` from the snapshot; return its day."""
    found = bank.execute("SELECT as_of FROM snapshot LIMIT 2").fetchall()
    if len(found) != 1 or found[0][0] is None:
        raise BankDataInvalid("snapshot", "as_of", -1, "there must be exactly one row, with the day these files state")
    as_of: date = found[0][0]
    until = datetime.combine(as_of + timedelta(days=1), clock.min, CHINA_TIME)
    for name, value in {
        "as_of": as_of,
        "month_end": last_month_end(as_of),
        "from_ms": int((until - timedelta(days=_YEAR_DAYS)).timestamp()) * 1000,
        "until_ms": int(until.timestamp()) * 1000,
    }.items():
        typed = f"DATE '{value}'" if isinstance(value, date) else f"{value}::BIGINT"
        bank.execute(f"SET VARIABLE {name} = {typed}")
    return as_of


def compute_group(bank: duckdb.DuckDBPyConnection, group: str, tags: Tags) -> None:
    """Make table `tags_<group>`: a row a customer, a text column a tag. Raises `BadTags` when SQL and data differ."""
    (query,) = sql(group)
    of_group = tags.of(group)
    bank.execute(f"CREATE TEMP VIEW raw_{group} AS {query}")
    described = bank.execute(f"DESCRIBE raw_{group}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    if list(types) != ["customer_id", *(tag.id for tag in of_group)]:
        raise BadTags(f"sql/{group}.sql has columns {list(types)}; tags.toml defines {[tag.id for tag in of_group]}")
    for tag in of_group:
        if types[tag.id] not in _TYPES.get(tag.type, _NUMBERS):
            raise BadTags(f"sql/{group}.sql: {tag.id} is {types[tag.id]}, which is no {tag.type}")
    columns = ", ".join(f"{_text(tag)} AS {tag.id}" for tag in of_group)
    bank.execute(f"CREATE TEMP TABLE tags_{group} AS SELECT customer_id, {columns} FROM raw_{group}")


def _text(tag: Tag) -> str:
    """Return the SQL of a tag's value as text; NULL where it does not apply."""
    match tag.type:
        case Kind.FLAG:
            return f"CASE WHEN {tag.id} THEN 'true' END"
        case Kind.SHARE | Kind.CHANGE:
            return f"CASE WHEN isfinite({tag.id}) THEN CAST(round({tag.id}, 4) AS VARCHAR) END"
        case Kind.FEN:
            return f"CAST(CAST({tag.id} AS BIGINT) AS VARCHAR)"
        case _:
            return f"CAST({tag.id} AS VARCHAR)"


def _terms(bank: duckdb.DuckDBPyConnection, tags: Tags, as_of: date) -> None:
    """Make table `terms`: of every tag its date, its end and the consents it needs."""
    bank.execute("CREATE TEMP TABLE terms (tag VARCHAR, as_of DATE, expires_on DATE, purposes VARCHAR[])")
    for tag in tags.tag:
        stated_on = tag.stated_on(as_of)
        bank.execute(
            "INSERT INTO terms VALUES (?, ?, ?, ?)",
            [tag.id, stated_on, tag.expires_on(stated_on), sorted(purpose.value for purpose in tag.purposes)],
        )


def _rows(tags: Tags) -> str:
    """Return the query of all rows; of a customer only what he consents to (C1)."""
    unpivoted = " UNION ALL ".join(
        f"SELECT customer_id, tag, value FROM tags_{group.id} "
        f"UNPIVOT (value FOR tag IN ({', '.join(tag.id for tag in tags.of(group.id))}))"
        for group in tags.group
    )
    return (
        f"SELECT t.customer_id, t.tag, t.value, k.as_of, k.expires_on FROM ({unpivoted}) t "
        "JOIN terms k USING (tag) JOIN subjects s USING (customer_id) WHERE list_has_all(s.purposes, k.purposes)"
    )


def _dated(name: str, as_of: date, expires_days: int) -> str:
    """Return the query of a table that is as of the day stated, with its date and its end."""
    (query,) = sql(name)
    expires_on = as_of + timedelta(days=expires_days)
    return f"SELECT *, DATE '{as_of}' AS as_of, DATE '{expires_on}' AS expires_on FROM ({query.rstrip(';')})"


def _write(bank: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    """Write a query's rows as Parquet; return how many."""
    quoted = str(file).replace("'", "''")
    (rows,) = bank.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet)").fetchone() or (0,)
    return int(rows)
