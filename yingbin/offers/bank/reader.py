# ruff: noqa: S608  (the SQL is made of names in schema.py and quoted paths, never of data)
"""Opens a folder of source tables with DuckDB: checks columns and types, shows each table as a view of that name."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from yingbin.errors import InvalidInput, NotFound
from yingbin.offers.bank.schema import SENSITIVE_TOPICS, TABLES, Column, Table

_FITS: Final[Mapping[str, tuple[str, ...]]] = {
    "VARCHAR": ("VARCHAR", "ENUM", "UUID"),
    "INTEGER": ("INTEGER", "SMALLINT", "TINYINT", "USMALLINT", "UTINYINT"),
    "BIGINT": ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT"),
    "DOUBLE": ("DOUBLE", "FLOAT", "DECIMAL", "INTEGER", "SMALLINT", "TINYINT"),
    "DATE": ("DATE",),
    "BOOLEAN": ("BOOLEAN",),
}
"""Declared type -> types of a file that convert to it without loss."""


class BankTableMissing(NotFound):
    """A table that the bank must deliver is not in the folder."""

    code = "bank_table_missing"


class BankDataInvalid(InvalidInput):
    """A table does not say what the schema says. `table`, `column` and `row` (1-based, -1: the whole column)."""

    code = "bank_data_invalid"

    def __init__(self, table: str, column: str, row: int, problem: str) -> None:
        where = f"{table}.{column}" + (f", row {row}" if row > 0 else "")
        super().__init__(f"{where}: {problem}")
        self.table, self.column, self.row, self.problem = table, column, row, problem

    @property
    def details(self) -> dict[str, str | int]:
        """Where it is."""
        return {"table": self.table, "column": self.column, "row": self.row}


class BankColumnMissing(BankDataInvalid):
    """A column of the schema is not in the files."""

    code = "bank_column_missing"


class BankTypeMismatch(BankDataInvalid):
    """A column has a type, or a CSV a value, that does not convert to the declared type."""

    code = "bank_type_mismatch"


class BankSettings(BaseModel):
    """What DuckDB may take of the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: int = Field(default=3_000, ge=128, description="memory limit; above it DuckDB spills to `temp_dir`")
    threads: int = Field(default=2, ge=1, description="threads of one query")
    temp_dir: Path | None = Field(default=None, description="folder to spill to; in the data folder when absent")


class OpenBank:
    """The tables as views, to be used in a `with`; an error of DuckDB that a damaged file caused names that file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        return self._connection

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        try:
            if isinstance(error, duckdb.Error) and not isinstance(error, duckdb.OutOfMemoryException):
                self._require_readable(error)
        finally:
            self.close()

    def close(self) -> None:
        """Forget the views."""
        self._connection.close()

    def _require_readable(self, error: duckdb.Error) -> None:
        """Raise `BankDataInvalid` for the first file that cannot be read to its end, if there is one."""
        for table in TABLES:
            kind, files = _files(self._folder, table.name) or ("parquet", [])
            for file in files if kind == "parquet" else []:
                try:
                    self._connection.execute(f"SELECT max(hash(COLUMNS(*))) FROM read_parquet({quoted(str(file))})")
                except duckdb.Error:
                    problem = f"{file.name} is damaged and cannot be read to its end: have it delivered again"
                    raise BankDataInvalid(table.name, "*", -1, problem) from error


def open_bank(folder: Path, settings: BankSettings | None = None) -> OpenBank:
    """Open the tables of a folder (`<table>.parquet`, `<table>/*.parquet` or `<table>.csv`) as views.

    A view has the declared columns only: what the schema does not name cannot be used. A missing optional table is an
    empty view. Searches for sensitive topics are not in the view. Raises `BankTableMissing`, `BankColumnMissing`,
    `BankTypeMismatch`, `BankDataInvalid` for a damaged file; values are checked by `yingbin.offers.bank.checks`.
    """
    settings = settings or BankSettings()
    if not folder.is_dir():
        raise BankTableMissing(f"{folder} is not a folder; it must hold the bank's tables, see docs/bank-data.md")
    bank = duckdb.connect(
        config={
            "memory_limit": f"{settings.memory_mb}MB",
            "threads": settings.threads,
            "temp_directory": str(settings.temp_dir or folder / ".duckdb"),
            "enable_external_access": True,
            "autoinstall_known_extensions": False,
        }
    )
    try:
        for table in TABLES:
            bank.execute(f"CREATE VIEW {table.name} AS {_select(bank, folder, table)}")
    except BaseException:
        bank.close()
        raise
    return OpenBank(bank, folder)


def _select(bank: duckdb.DuckDBPyConnection, folder: Path, table: Table) -> str:
    found = _files(folder, table.name)
    if found is None:
        if not table.optional:
            raise BankTableMissing(
                f"table {table.name} ({table.zh}) is missing: expected {folder / table.name}.parquet"
            )
        columns = ", ".join(f"NULL::{column.type} AS {column.name}" for column in table.columns)
        return f"SELECT {columns} WHERE false"
    kind, files = found
    listed = "[" + ", ".join(quoted(str(file)) for file in files) + "]"
    scan = f"read_parquet({listed})" if kind == "parquet" else f"read_csv({listed}, header = true, all_varchar = true)"
    types = _types(bank, table, scan)
    for column in table.columns:
        if column.name not in types:
            present = ", ".join(sorted(types))
            raise BankColumnMissing(table.name, column.name, -1, f"the column is missing; the file has {present}")
        if kind == "parquet" and types[column.name].partition("(")[0] not in _FITS[column.type]:
            problem = f"is {types[column.name]}, must be {column.type}"
            raise BankTypeMismatch(table.name, column.name, -1, problem)
    if kind == "csv":
        _convertible(bank, table, scan)
    columns = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in table.columns)
    return f"SELECT {columns} FROM {scan}{_without_sensitive(table)}"


def _types(bank: duckdb.DuckDBPyConnection, table: Table, scan: str) -> dict[str, str]:
    """Return name -> type of the files' columns."""
    try:
        described = bank.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    except duckdb.Error as error:
        raise BankDataInvalid(table.name, "*", -1, f"cannot be read: {str(error).splitlines()[0]}") from error
    return {str(row[0]): str(row[1]) for row in described}


def _files(folder: Path, name: str) -> tuple[Literal["parquet", "csv"], list[Path]] | None:
    """Return the files of a table, in the order of their names."""
    for kind in ("parquet", "csv"):
        single = folder / f"{name}.{kind}"
        files = [single] if single.is_file() else sorted((folder / name).glob(f"*.{kind}"))
        if files:
            return ("parquet", files) if kind == "parquet" else ("csv", files)
    return None


def _convertible(bank: duckdb.DuckDBPyConnection, table: Table, scan: str) -> None:
    """Raise `BankTypeMismatch` for the first value of a CSV that is not of the declared type."""
    wrong = {
        column: f"{column.name} IS NOT NULL AND TRY_CAST({column.name} AS {column.type}) IS NULL"
        for column in table.columns
        if column.type != "VARCHAR"
    }
    if not wrong:
        return
    firsts = ", ".join(f"min(row) FILTER ({condition})" for condition in wrong.values())
    found = bank.execute(f"SELECT {firsts} FROM (SELECT *, row_number() OVER () AS row FROM {scan})").fetchone()
    for column, row in zip(wrong, found or (), strict=True):
        if row is not None:
            raise BankTypeMismatch(table.name, column.name, int(row), f"must be {_said(column)}")


def _said(column: Column) -> str:
    return f"{column.type} ({column.unit})" if column.unit else column.type


def _without_sensitive(table: Table) -> str:
    if table.name != "search_events":
        return ""
    topics = ", ".join(quoted(topic) for topic in SENSITIVE_TOPICS)
    return f" WHERE lower(split_part(topic, '/', 1)) NOT IN ({topics})"


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
