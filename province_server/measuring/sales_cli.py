# ruff: noqa: S608  (the SQL is made of names written here; the path is a parameter)
"""`yingbin province sales`: send the core system's purchases to a running province."""

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from province_server.batch.cli import StaffId
from province_server.client import DEFAULT_URL, Url, call, signed_in
from yingbin.errors import BadConfiguration

if TYPE_CHECKING:
    import duckdb

_AT_ONCE: Final = 1000
_NEEDED: Final = ("customer_id", "at_ms", "product_code", "amount_fen")
_MORE: Final = ("sale_id", "margin_fen")


class BadSales(BadConfiguration):
    """The table cannot be used; the message says which column or row."""

    code = "bad_sales"


def send_sales(
    table: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet, as `purchases`")],
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
) -> None:
    """Send purchases (columns of `purchases`; also sale_id and margin_fen, if there are any). Safe to repeat.

    Without sale_id a purchase is recognised by what it says, so two that are alike in all of it count once.
    """
    from rich.console import Console
    from rich.progress import track

    from province_server.measuring.sales import MAX_SALES

    total, rows = read_sales(table)
    sums = dict.fromkeys(("stored", "known", "no_customer", "matched", "shown"), 0)
    with signed_in(url, staff_id) as http:
        for _ in track(range(0, total, MAX_SALES), "sending", console=Console(stderr=True)):
            told = call(http, "POST", "/v1/sales", json={"sales": list(islice(rows, MAX_SALES))})
            sums = {name: count + told[name] for name, count in sums.items()}
    Console().print(
        f"{sums['stored']:,} stored ({sums['matched']:,} after a visit, {sums['shown']:,} of them shown on its card), "
        f"{sums['known']:,} known already, {sums['no_customer']:,} of nobody known here",
        highlight=False,
    )


def read_sales(path: Path) -> tuple[int, Iterator[dict[str, Any]]]:
    """Return how many rows a table has, and its rows as `/v1/sales` takes them. Raises `BadSales`."""
    import duckdb

    reader = "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    source = duckdb.connect()
    try:
        columns = [row[0] for row in source.execute(f"DESCRIBE FROM {reader}", [str(path)]).fetchall()]
        missing = [column for column in _NEEDED if column not in columns]
        if missing:
            raise BadSales(f"{path.name} lacks: {', '.join(missing)}; see docs/measurement.md")
        names = (*_NEEDED, *(column for column in _MORE if column in columns))
        (count,) = source.execute(f"SELECT count(*) FROM {reader}", [str(path)]).fetchall()[0]
        source.execute(f"SELECT {', '.join(names)} FROM {reader}", [str(path)])
    except duckdb.Error as error:
        raise BadSales(f"{path.name} is no CSV or Parquet table: {str(error).splitlines()[0]}") from error
    return int(count), _rows(source, names, path.name)


def _rows(source: "duckdb.DuckDBPyConnection", names: tuple[str, ...], file: str) -> Iterator[dict[str, Any]]:
    number = 0
    while batch := source.fetchmany(_AT_ONCE):
        for cells in batch:
            number += 1
            row = dict(zip(names, cells, strict=True))
            try:
                yield _sale(row)
            except (TypeError, ValueError) as error:
                raise BadSales(f"{file}, row {number}: at_ms and the amounts are whole numbers") from error
    source.close()


def _sale(row: dict[str, Any]) -> dict[str, Any]:
    sale = {
        "customer_id": str(row["customer_id"]), "product": str(row["product_code"]),
        "amount_fen": int(row["amount_fen"]), "at_ms": int(row["at_ms"]),
    }  # fmt: skip
    said = hashlib.sha256(repr(sorted(sale.items())).encode()).hexdigest()[:40]
    sale["sale_id"] = str(row.get("sale_id") or said)
    if row.get("margin_fen") not in (None, ""):
        sale["margin_fen"] = int(row["margin_fen"])
    return sale
