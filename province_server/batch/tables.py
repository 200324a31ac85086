"""Rows of a CSV or Parquet file, as text by column; memory stays bounded at any number of rows.

CSV may be UTF-8, with or without a byte order mark, or GB 18030, as Excel writes it in China.
"""

import codecs
import contextlib
import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from province_server.batch.spool import SealedSpool
from yingbin.errors import InvalidInput

_PARQUET: Final = b"PAR1"
_BLOCK_BYTES: Final = 1 << 20
_ROWS_AT_ONCE: Final = 1000
MAX_PARQUET_BYTES: Final = 512 * 1024 * 1024
"""It is read from memory; a million customers take about 60 MB."""
MAX_CELL_CHARACTERS: Final = 20_000


class WrongEncoding(InvalidInput):
    """The file is neither UTF-8 nor GB 18030."""

    code = "wrong_encoding"


class UnreadableTable(InvalidInput):
    """The file is not a CSV or Parquet table."""

    code = "unreadable_table"


class MissingColumn(InvalidInput):
    """A column that is needed is not there."""

    code = "missing_column"


class UnknownColumn(InvalidInput):
    """A column has a name that means nothing here."""

    code = "unknown_column"


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns; `rows` reads it from the beginning each time it is called."""

    columns: tuple[str, ...]
    _spool: SealedSpool
    _encoding: str

    @classmethod
    def of(cls, spool: SealedSpool) -> "Table":
        """Look at a complete upload. Raises `WrongEncoding`, `UnreadableTable`."""
        spool.seek(0)
        if spool.read(len(_PARQUET)) == _PARQUET:
            with parquet(spool) as cursor:
                return cls(_checked([str(column[0]) for column in cursor.description or ()]), spool, "")
        encoding = _encoding_of(spool)
        with _lines(spool, encoding) as lines:
            header = next(_records(lines), None)
        if not header:
            raise UnreadableTable("the file is empty: its first line must name the columns")
        return cls(_checked([name.strip() for name in header]), spool, encoding)

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield each row as text by column; an absent value is empty. Raises `UnreadableTable`."""
        yield from (self._csv_rows() if self._encoding else self._parquet_rows())

    def require(self, *columns: str) -> None:
        """Raise `MissingColumn` unless all `columns` are here."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise MissingColumn(f"the list lacks: {', '.join(missing)}; its first line must name the columns")

    def allow(self, known: "frozenset[str]") -> None:
        """Raise `UnknownColumn` unless every column is in `known`."""
        unknown = [column for column in self.columns if column not in known]
        if unknown:
            raise UnknownColumn(f"unknown: {', '.join(unknown[:10])}; rename or remove it, or name it in a mapping")

    def _csv_rows(self) -> Iterator[dict[str, str]]:
        with _lines(self._spool, self._encoding) as lines:
            records = _records(lines)
            next(records)
            for number, record in enumerate(records, 1):
                if len(record) != len(self.columns):
                    raise UnreadableTable(f"row {number} has {len(record)} cells, the header {len(self.columns)}")
                yield {column: cell.strip() for column, cell in zip(self.columns, record, strict=True)}

    def _parquet_rows(self) -> Iterator[dict[str, str]]:
        with parquet(self._spool) as cursor:
            while batch := cursor.fetchmany(_ROWS_AT_ONCE):
                for record in batch:
                    yield {column: _text(cell) for column, cell in zip(self.columns, record, strict=True)}


def _checked(columns: list[str]) -> tuple[str, ...]:
    twice = {column for column in columns if columns.count(column) > 1}
    if twice or "" in columns:
        raise UnreadableTable(f"a column is named twice, or has no name: {', '.join(sorted(twice)) or 'no name'}")
    return tuple(columns)


def _encoding_of(spool: SealedSpool) -> str:
    """Return the encoding that all of the file is in."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        spool.seek(0)
        try:
            while block := spool.read(_BLOCK_BYTES):
                if "\x00" in decoder.decode(block):
                    raise UnreadableTable("the file is neither CSV nor Parquet")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise WrongEncoding("the file is neither UTF-8 nor GB 18030: save it as CSV UTF-8")


@contextlib.contextmanager
def _lines(spool: SealedSpool, encoding: str) -> Iterator[io.TextIOWrapper]:
    spool.seek(0)
    buffered = io.BufferedReader(spool, _BLOCK_BYTES)
    text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()
        buffered.detach()


def _records(lines: io.TextIOWrapper) -> Iterator[list[str]]:
    try:
        for record in csv.reader(lines, strict=True):
            if any(len(cell) > MAX_CELL_CHARACTERS for cell in record):
                raise UnreadableTable(f"a cell has more than {MAX_CELL_CHARACTERS:,} characters: is a quote missing?")
            if record:
                yield record
    except csv.Error as error:
        raise UnreadableTable(f"the CSV cannot be read: {error}") from error


@contextlib.contextmanager
def parquet(spool: SealedSpool, query: str = "SELECT * FROM read_parquet(?)") -> Iterator[duckdb.DuckDBPyConnection]:
    """Read Parquet from a file in memory: DuckDB wants a path, and the rows must not lie on a disk in the clear.

    `query` has one parameter, the path. Raises `UnreadableTable`, also while rows are fetched.
    """
    if spool.size_bytes > MAX_PARQUET_BYTES:
        raise UnreadableTable(f"the Parquet file is larger than {MAX_PARQUET_BYTES // 2**20} MiB: split it")
    handle = os.memfd_create("table")
    try:
        spool.seek(0)
        while block := spool.read(_BLOCK_BYTES):
            os.write(handle, block)
        with duckdb.connect(":memory:", config={"threads": 1, "temp_directory": ""}) as connection:
            try:
                yield connection.execute(query, [f"/proc/self/fd/{handle}"])
            except duckdb.Error as error:
                raise UnreadableTable("the Parquet file cannot be read: write it again") from error
    finally:
        os.close(handle)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
