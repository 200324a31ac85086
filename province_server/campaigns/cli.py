# ruff: noqa: S608  (the SQL is made of names written here; the path is a parameter)
"""`yingbin province candidates`: send candidates, of `yingbin portrait candidates` or another list, to a province."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from province_server.batch.cli import StaffId
from province_server.client import DEFAULT_URL, Url, call, signed_in
from yingbin.errors import BadConfiguration

_COLUMNS: Final = ("customer_id", "reason", "source", "expires_at_ms")
_SAID: Final = {
    "added": "added",
    "replaced": "replaced",
    "known": "known already",
    "unknown": "of nobody known here",
    "expired": "expired",
    "without_consent": "without consent to marketing",
    "opted_out": "opted out of automated decisions",
    "in_tier": "in a VIP tier",
    "enrolled": "in a gallery",
}


class BadCandidates(BadConfiguration):
    """The list cannot be used; the message says which column or row. Nothing was sent."""

    code = "bad_candidates"


def send_candidates(
    table: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="what `yingbin portrait candidates` wrote")
    ],
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
) -> None:
    """Send candidates (CSV or Parquet: customer_id, reason, source, expires_at_ms). Safe to repeat.

    Whoever is unknown, in a VIP tier or a gallery, or did not consent to marketing is left out and counted.
    """
    from rich.console import Console
    from rich.progress import track

    from province_server.campaigns.candidates import MAX_AT_ONCE

    total = sum(1 for _ in read_candidates(table))  # before anything is sent every row has been looked at
    rows, counts = read_candidates(table), Counter[str]()
    with signed_in(url, staff_id) as http:
        for _ in track(range(0, total, MAX_AT_ONCE), "sending", console=Console(stderr=True)):
            body = {"items": list(islice(rows, MAX_AT_ONCE)), "unfit": "leave_out"}
            counts.update(call(http, "POST", "/v1/candidates", json=body))
    said = ", ".join(f"{counts[name]:,} {words}" for name, words in _SAID.items() if counts[name])
    Console(width=400).print(f"candidates: {said or 'none'}", highlight=False)


def read_candidates(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list as `/v1/candidates` takes them. Raises `BadCandidates`."""
    import duckdb
    from pydantic import ValidationError

    from province_server.campaigns.candidates import MAX_AT_ONCE, NewCandidate

    reader = "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    number = 0
    try:
        with duckdb.connect() as source:
            columns = [row[0] for row in source.execute(f"DESCRIBE FROM {reader}", [str(path)]).fetchall()]
            if missing := [column for column in _COLUMNS if column not in columns]:
                raise BadCandidates(f"{path.name} lacks: {', '.join(missing)}; see docs/portrait.md")
            source.execute(f"SELECT {', '.join(_COLUMNS)} FROM {reader}", [str(path)])
            while batch := source.fetchmany(MAX_AT_ONCE):
                for cells in batch:
                    number += 1
                    yield NewCandidate.model_validate(dict(zip(_COLUMNS, cells, strict=True))).model_dump()
    except duckdb.Error as error:
        raise BadCandidates(f"{path.name} is no CSV or Parquet table: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        said = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise BadCandidates(f"{path.name}, row {number}: {said}") from error
