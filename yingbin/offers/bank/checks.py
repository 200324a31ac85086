# ruff: noqa: S608  (the SQL is made of names in schema.py and quoted paths, never of data)
"""Checks the values of the source tables: bounds, vocabularies, keys, references, order of events."""

from dataclasses import dataclass
from typing import Final

import duckdb

from yingbin.offers.bank.reader import BankDataInvalid
from yingbin.offers.bank.schema import BY_NAME, TABLES, Column, Table


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a column: how many rows, and the first of them (1-based, in the order of the files)."""

    table: str
    column: str
    problem: str
    rows: int
    first_row: int
    warning: bool = False

    def __str__(self) -> str:
        said = f"{self.table}.{self.column}: {self.problem}; rows: {self.rows:,}, the first is row {self.first_row:,}"
        return f"{said} (a warning)" if self.warning else said


_WARNINGS: Final = frozenset(
    {"a transaction before its account was opened", "an account opened before the customer came"}
)
"""Dates that contradict each other, as accounts taken over from another system have: no sum is wrong for it."""

_ACROSS: Final[dict[str, tuple[tuple[str, str, str, str], ...]]] = {
    "transactions": (
        ("at_ms", "a transaction before its account was opened", "accounts USING (account_id)",
         "t.at_ms < epoch_ms(o.opened_on::TIMESTAMP) - 28800000"),
        ("customer_id", "the account is another customer's", "accounts USING (account_id)",
         "t.customer_id <> o.customer_id"),
    ),
    "accounts": (
        ("opened_on", "an account opened before the customer came", "customers USING (customer_id)",
         "t.opened_on < o.opened_on"),
    ),
}  # fmt: skip
"""Table -> (column, problem, joined table, condition that must not hold). China is 8 h ahead of UTC."""


def check_values(bank: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Return everything that is wrong with the values; one scan a table, and one for each key and reference."""
    return [finding for table in TABLES for finding in _check(bank, table)]


def require_sound(bank: duckdb.DuckDBPyConnection, *, accept_warnings: bool = False) -> None:
    """Raise `BankDataInvalid` for the first finding, saying how many there are. No value is quoted.

    With `accept_warnings` only what makes a result wrong counts.
    """
    found = check_values(bank)
    findings = [one for one in sorted(found, key=lambda one: one.warning) if not (accept_warnings and one.warning)]
    if findings:
        first = findings[0]
        more = f"; {len(findings) - 1} further columns are wrong" if len(findings) > 1 else ""
        raise BankDataInvalid(first.table, first.column, first.first_row, f"{first.problem}{more}")


def _check(bank: duckdb.DuckDBPyConnection, table: Table) -> list[Finding]:
    conditions = [(column.name, *rule) for column in table.columns for rule in _rules(column)]
    if table.name == "snapshot":
        conditions.append(("as_of", "there must be exactly one row", "(SELECT count(*) FROM snapshot) <> 1"))
    counts = ", ".join(f"count(*) FILTER ({condition})" for *_, condition in conditions)
    found = bank.execute(f"SELECT {counts} FROM {table.name}").fetchone() or ()
    findings = [
        _finding(bank, table, column, problem, int(rows), f"SELECT row FROM numbered t WHERE {condition}")
        for (column, problem, condition), rows in zip(conditions, found, strict=True)
        if rows
    ]
    for column, problem, bad in (*_references(table), *_duplicates(table), *_across(table)):
        rows = bank.execute(f"WITH numbered AS {_unnumbered(table)} SELECT count(*) FROM ({bad})").fetchone()
        if rows and rows[0]:
            findings.append(_finding(bank, table, column, problem, int(rows[0]), bad))
    return findings


def _finding(bank: duckdb.DuckDBPyConnection, table: Table, column: str, problem: str, rows: int, bad: str) -> Finding:
    first = bank.execute(f"WITH numbered AS {_numbered(table)} SELECT min(row) FROM ({bad})").fetchone()
    return Finding(table.name, column, problem, rows, int(first[0]) if first else -1, problem in _WARNINGS)


def _numbered(table: Table) -> str:
    return f"(SELECT *, row_number() OVER () AS row FROM {table.name})"


def _unnumbered(table: Table) -> str:
    """Return the table for counting only: numbering rows of a large one costs more than the check."""
    return f"(SELECT *, 0 AS row FROM {table.name})"


def _rules(column: Column) -> list[tuple[str, str]]:
    """Return (problem, condition that must not hold) for one column by itself."""
    rules = [] if column.nullable else [("a value is missing", f"{column.name} IS NULL")]
    if column.least is not None:
        said = "negative" if column.least == 0 else f"below {column.least:,.0f}"
        rules.append((f"{said} {column.unit}".strip(), f"{column.name} < {column.least:.0f}"))
    if column.most is not None:
        rules.append((f"absurd: above {column.most:,.0f} {column.unit}".strip(), f"{column.name} > {column.most:.0f}"))
    if column.choices:
        known = ", ".join(f"'{choice}'" for choice in column.choices)
        rules.append((f"not one of {', '.join(column.choices)}", f"{column.name} NOT IN ({known})"))
    return rules


def _references(table: Table) -> list[tuple[str, str, str]]:
    """Return (column, problem, query of the bad rows) for ids that another table must hold."""
    references = []
    for column in table.columns:
        if column.refers_to:
            owner = f"{column.refers_to} o ON o.{BY_NAME[column.refers_to].key[0]} = t.{column.name}"
            bad = f"SELECT row FROM numbered t ANTI JOIN {owner} WHERE t.{column.name} IS NOT NULL"
            references.append((column.name, f"unknown {column.refers_to.removesuffix('s')}", bad))
    return references


def _duplicates(table: Table) -> list[tuple[str, str, str]]:
    if not table.key:
        return []
    key = ", ".join(table.key)
    bad = f"SELECT max(row) AS row FROM numbered GROUP BY {key} HAVING count(*) > 1"
    return [(table.key[-1], f"{key} must be unique", bad)]


def _across(table: Table) -> list[tuple[str, str, str]]:
    return [
        (column, problem, f"SELECT row FROM numbered t JOIN {joined.replace(' ', ' o ', 1)} WHERE {condition}")
        for column, problem, joined, condition in _ACROSS.get(table.name, ())
    ]
