"""A few hand-made customers as the tables of a bank: what each test says, and empty tables for the rest."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from yingbin.offers.bank.schema import BY_NAME, TABLES

AS_OF = date(2026, 6, 30)
DAY_MS = 86_400_000
END_MS = (AS_OF - date(1970, 1, 1)).days * DAY_MS + 16 * 3_600_000
"""End of the last day in China, UTC ms."""


def ago(days: float) -> int:
    """Return the instant `days` before the end of the last day; whole numbers are at noon."""
    return END_MS - int((days + 0.5) * DAY_MS)


def day(days_ago: int) -> date:
    return AS_OF - timedelta(days=days_ago)


class Tables:
    """Collects rows; what a row does not say gets the column's plainest value."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
        self.add("snapshot", as_of=AS_OF, producer="test")
        self.customer("C-clock", consents=())
        self.transaction("C-clock", 0, -100, kind="fee")

    def add(self, table: str, **columns: Any) -> None:
        unknown = columns.keys() - {column.name for column in BY_NAME[table].columns}
        assert not unknown, f"{table} has no {unknown}"
        self.rows[table].append(columns)

    def customer(
        self, name: str, *, consents: Iterable[str] = ("marketing", "whereabouts"), age: int = 35, **columns: Any
    ) -> str:
        known = {"home_province": "GD", "opened_on": date(2015, 1, 1), "gender": "unknown", "region_code": "440100"}
        born = AS_OF - timedelta(days=round(age * 365.25))
        columns = {**known, **columns}
        self.add("customers", customer_id=name, birth_date=born, tier="ordinary", **columns)
        self.add("accounts", account_id=f"A-{name}", customer_id=name, kind="demand", opened_on=columns["opened_on"])
        self.add("balances", account_id=f"A-{name}", day=day(400), balance_fen=5_000_000)
        for purpose in consents:
            self.add("consents", customer_id=name, purpose=purpose, granted_at_ms=ago(500))
        return name

    def transaction(self, customer: str, days_ago: float, amount_fen: int, **columns: Any) -> None:
        row = {"kind": "transfer", "channel": "mobile", "country": "CN", "currency": "CNY", **columns}
        number = len(self.rows["transactions"])
        self.add(
            "transactions", txn_id=f"T{number}", customer_id=customer, account_id=f"A-{customer}",
            at_ms=ago(days_ago), amount_fen=amount_fen, **row,
        )  # fmt: skip

    def pay(self, payer: str, payee: str, days_ago: float, fen: int, **columns: Any) -> None:
        for one, other, amount in ((payer, payee, -fen), (payee, payer, fen)):
            self.transaction(one, days_ago, amount, counterparty_id=other, counterparty_kind="customer", **columns)

    def salaries(self, customer: str, months: int = 12, fen: int = 1_500_000) -> None:
        for month in range(months):
            self.transaction(
                customer, 15 + 30 * month, fen, kind="salary", channel="system", counterparty_id="E1",
                counterparty_kind="employer",
            )  # fmt: skip

    def trip(self, customer: str, days_ago: float, province: str, source: str = "app", country: str = "CN") -> None:
        self.add("trips", customer_id=customer, at_ms=ago(days_ago), province=province, country=country, source=source)

    def talk(self, one: str, other: str, times: int) -> None:
        for number in range(times):
            self.add(
                "contacts", customer_id=one, other_customer_id=other, at_ms=ago(1 + number * 170 / times), kind="call"
            )

    def write(self, folder: Path, *, shift_ms: int = 0) -> Path:
        """Write Parquet; `shift_ms` moves every instant."""
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as bank:
            for table in TABLES:
                columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
                bank.execute(f"CREATE TABLE {table.name} ({columns})")
                rows = [
                    [_moved(row.get(column.name, _plain(column)), column.name, shift_ms) for column in table.columns]
                    for row in self.rows[table.name]
                ]
                if rows:
                    marks = ", ".join("?" * len(table.columns))
                    bank.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608
                bank.execute(f"COPY {table.name} TO '{folder / table.name}.parquet'")
        return folder


def _plain(column: Any) -> Any:
    if column.nullable:
        return None
    if column.choices:
        return column.choices[0]
    return {"VARCHAR": "x", "DATE": AS_OF, "BOOLEAN": False}.get(column.type, column.least or 0)


def _moved(value: Any, column: str, shift_ms: int) -> Any:
    return value + shift_ms if column.endswith("at_ms") and value is not None else value
