"""`yingbin province import`: send a table of customers, or the result of an SQL query, to a running province."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from province_server.batch.cli import DryRun, Part, Report, Resume, StaffId, file_blocks, work_off
from province_server.client import DEFAULT_URL, Url, call, signed_in
from yingbin.errors import BadConfiguration

if TYPE_CHECKING:
    from rich.table import Table

_ROWS_AT_ONCE: Final = 1000


def import_customers(
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
    *,
    table: Annotated[Path | None, typer.Option("--table", help="CSV (UTF-8 or GB 18030) or Parquet")] = None,
    sql: Annotated[str | None, typer.Option("--sql", help="SQLAlchemy URL of the bank's database, instead")] = None,
    query: Annotated[str | None, typer.Option("--query", help="what to ask there; its columns are the table's")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="TOML: their columns, units and values")] = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    report: Report = None,
) -> None:
    """Bring customers' records up to date, by customer id, once all of the table was checked.

    Exits with 1 when a row was refused or the job did not finish.
    """
    from rich.console import Console

    from province_server.imports.api import PATH

    if (table is None) == (sql is None) or (sql is None) != (query is None):
        raise BadConfiguration("say either --table FILE, or --sql URL with --query SELECT")
    content = file_blocks(table) if table else _rows_of(sql or "", query or "")
    parts = [Part("mapping", file_blocks(mapping))] if mapping else []
    with signed_in(url, staff_id) as http:
        job = work_off(http, PATH, [*parts, Part("table", content)], {"dry_run": dry_run, "resume": resume}, report)
        quality = call(http, "GET", f"{PATH}/{job['job_id']}/quality")
    console = Console()
    console.print(_table(quality))
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(quality["outcomes"].items()))
    console.print(f"{job['state']}: {counts or 'nothing'}{' (dry run)' if dry_run else ''} {job['problem']}".strip())
    if job["state"] != "done" or quality["refused"]:
        raise typer.Exit(1)


def _rows_of(url: str, query: str) -> Iterator[bytes]:
    """Yield the result of a query as CSV, some rows at a time. Raises `BadConfiguration`."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_engine(url).connect().execution_options(stream_results=True) as connection:
            result = connection.execute(text(query))
            yield _csv([tuple(result.keys())])
            for some in result.partitions(_ROWS_AT_ONCE):
                yield _csv([tuple("" if cell is None else str(cell) for cell in row) for row in some])
    except (SQLAlchemyError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        raise BadConfiguration(f"--sql: the database cannot be asked: {type(cause).__name__}") from error


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _table(quality: dict[str, object]) -> "Table":
    from rich.table import Table

    from province_server.imports.quality import Quality

    read = Quality.model_validate(quality)
    table = Table("field", "missing", "faults", "first rows", title=f"{read.rows:,} rows, {read.refused:,} refused")
    for one in read.fields:
        faults = ", ".join(f"{count:,} {code}" for code, count in one.faults.items())
        table.add_row(one.field, f"{one.missing:,}" if one.missing else "", faults, ", ".join(map(str, one.first_rows)))
    return table
