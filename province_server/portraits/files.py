# ruff: noqa: S608  (names of our own files and columns; the operator's path is quoted)
"""Reads what `yingbin portrait build` wrote, customer by customer, in the order of their ids. Memory stays flat."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from yingbin.errors import InvalidInput
from yingbin.offers.portrait.job import file_of
from yingbin.offers.portrait.page import EventRow, HoldingRow, PortraitMissing, TagRow

_COLUMNS: Final = {"tags": TagRow._fields, "holdings": HoldingRow._fields, "timeline": EventRow._fields}
_ROWS_AT_ONCE: Final = 5_000
_MEMORY_MB: Final = 512


class PortraitFilesDamaged(InvalidInput):
    """A file of portraits cannot be read, or is not what `yingbin portrait build` writes."""

    code = "portrait_files_damaged"


class PortraitFiles:
    """The three files of a run. `as_of`: the day it describes, None when it found nobody."""

    def __init__(self, folder: Path, reading: duckdb.DuckDBPyConnection) -> None:
        self._folder = folder
        self._reading = reading
        for name, columns in _COLUMNS.items():
            found = {str(row[0]) for row in self._fetch(f"DESCRIBE SELECT * FROM {self._from(name)}")}
            if missing := {"customer_id", *columns} - found:
                raise PortraitFilesDamaged(f"{file_of(folder, name)} has no column {', '.join(sorted(missing))}")
        tables = " UNION ALL ".join(f"SELECT customer_id, as_of FROM {self._from(name)}" for name in _COLUMNS)
        ((self.customers, self.as_of),) = self._fetch(f"SELECT count(DISTINCT customer_id), max(as_of) FROM ({tables})")

    def each(self) -> Iterator[dict[str, Any]]:
        """Yield each customer as `POST /v1/portraits` takes him."""
        streams = {name: _Stream(self._rows(name), columns) for name, columns in _COLUMNS.items()}
        while (waiting := [stream.customer for stream in streams.values() if stream.customer is not None]) != []:
            customer_id = min(waiting)
            yield {"customer_id": customer_id, **{name: stream.take(customer_id) for name, stream in streams.items()}}

    def _rows(self, name: str) -> Iterator[tuple[Any, ...]]:
        columns = ", ".join(("customer_id", *_COLUMNS[name]))
        with self._reading.cursor() as cursor:
            query = f"SELECT {columns} FROM {self._from(name)} ORDER BY customer_id"
            with _typed(file_of(self._folder, name)):
                cursor.execute(query)
            while True:
                with _typed(file_of(self._folder, name)):
                    rows = cursor.fetchmany(_ROWS_AT_ONCE)
                if not rows:
                    return
                yield from rows

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        with _typed(self._folder):
            return self._reading.execute(query).fetchall()

    def _from(self, name: str) -> str:
        quoted = str(file_of(self._folder, name)).replace("'", "''")
        return f"read_parquet('{quoted}')"


class _Stream:
    """The rows of one file, grouped by customer as they come."""

    def __init__(self, rows: Iterator[tuple[Any, ...]], columns: tuple[str, ...]) -> None:
        self._rows = rows
        self._columns = columns
        self._next = next(rows, None)

    @property
    def customer(self) -> str | None:
        """Whose row comes next."""
        return None if self._next is None else str(self._next[0])

    def take(self, customer_id: str) -> list[dict[str, Any]]:
        """Return the rows of a customer, if they come next."""
        taken = []
        while self._next is not None and self.customer == customer_id:
            values = (value.isoformat() if isinstance(value, date) else value for value in self._next[1:])
            taken.append(dict(zip(self._columns, values, strict=True)))
            self._next = next(self._rows, None)
        return taken


@contextmanager
def open_portraits(folder: Path) -> Iterator[PortraitFiles]:
    """Open a folder that `yingbin portrait build` wrote. Raises `PortraitMissing` or `PortraitFilesDamaged`."""
    for name in _COLUMNS:
        if not file_of(folder, name).is_file():
            raise PortraitMissing(f"{file_of(folder, name)} does not exist; make it with `yingbin portrait build`")
    with ExitStack() as stack:
        spill = stack.enter_context(TemporaryDirectory(prefix="yingbin-portraits-"))
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{_MEMORY_MB}MB",
            "threads": 2,
            "temp_directory": spill,
        }
        yield PortraitFiles(folder, stack.enter_context(duckdb.connect(config=limits)))


@contextmanager
def _typed(file: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise PortraitFilesDamaged(f"{file} cannot be read: {said}; build the portraits anew") from error
