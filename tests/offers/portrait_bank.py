# ruff: noqa: S608  (names of the schema and paths of the test)
"""A bank of a handful of customers, written by hand: what their tags are can be worked out on paper."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from yingbin.offers.bank.reader import BankSettings
from yingbin.offers.bank.schema import BY_NAME, TABLES
from yingbin.offers.portrait.job import build_portrait
from yingbin.offers.profile import CHINA_TIME

AS_OF = date(2026, 6, 30)
YUAN = 100
SMALL = BankSettings(memory_mb=256, threads=1)
Row = dict[str, Any]


def at_ms(day: date, hour: int = 12) -> int:
    return int(datetime.combine(day, time(hour), CHINA_TIME).astimezone(UTC).timestamp() * 1000)


class HandBank:
    """Rows by table; what a row does not say is what its column usually is."""

    def __init__(self, as_of: date = AS_OF) -> None:
        self.rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
        self.add("snapshot", as_of=as_of, producer="by hand")

    def add(self, table: str, **values: Any) -> None:
        self.rows[table].append(values)

    def customer(self, customer_id: str, *purposes: str, **values: Any) -> str:
        """Add somebody who consents to `marketing` and to `purposes`."""
        usual = {
            "birth_date": date(1980, 1, 31), "gender": "female", "region_code": "440100", "home_branch_id": "b-1",
            "home_province": "GD", "opened_on": date(2015, 7, 1), "tier": "ordinary",
        }  # fmt: skip
        self.add("customers", customer_id=customer_id, **usual | values)
        for purpose in ("marketing", *purposes):
            self.add("consents", customer_id=customer_id, purpose=purpose, granted_at_ms=at_ms(date(2020, 1, 1)))
        return customer_id

    def account(self, customer_id: str, kind: str, *balances: tuple[date, int], **values: Any) -> str:
        """Add an account with its balances in yuan."""
        account_id = f"{customer_id}-{kind}-{len(self.rows['accounts'])}"
        usual = {
            "product_code": kind, "currency": "CNY", "opened_on": date(2016, 1, 1), "principal_fen": 0,
            "monthly_repayment_fen": 0,
        }  # fmt: skip
        self.add("accounts", account_id=account_id, customer_id=customer_id, kind=kind, **usual | values)
        for day, yuan in balances:
            self.add("balances", account_id=account_id, day=day, balance_fen=yuan * YUAN)
        return account_id

    def transaction(self, account_id: str, day: date, yuan: int, kind: str, **values: Any) -> None:
        usual = {"channel": "mobile", "country": "CN", "currency": "CNY"}
        number, hour = len(self.rows["transactions"]), values.pop("hour", 12)
        self.add(
            "transactions", txn_id=f"t-{number}", customer_id=account_id.partition("-")[0], account_id=account_id,
            at_ms=at_ms(day, hour), amount_fen=yuan * YUAN, kind=kind, **usual | values,
        )  # fmt: skip

    def write(self, folder: Path) -> Path:
        """Write every table as Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as bank:
            for name, rows in self.rows.items():
                columns = BY_NAME[name].columns
                bank.execute(f"CREATE TABLE {name} ({', '.join(f'{one.name} {one.type}' for one in columns)})")
                if rows:
                    marks = ", ".join("?" for _ in columns)
                    values = [[row.get(one.name) for one in columns] for row in rows]
                    bank.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
                bank.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")
        return folder

    def tags(self, folder: Path) -> dict[str, dict[str, str]]:
        """Return customer -> tag -> value, through the job."""
        build_portrait(self.write(folder), folder / "out", SMALL)
        found: dict[str, dict[str, str]] = {row["customer_id"]: {} for row in self.rows["customers"]}
        for customer_id, tag, value, *_ in read_tags(folder / "out"):
            found[customer_id][tag] = value
        return found


def read_tags(folder: Path) -> list[tuple[str, str, str, date, date]]:
    """Return the rows of all tags."""
    with duckdb.connect() as reading:
        return reading.execute(
            f"SELECT customer_id, tag, value, as_of, expires_on FROM '{folder}/tags.parquet'"
        ).fetchall()


def days_ago(days: int) -> date:
    return AS_OF - timedelta(days=days)
