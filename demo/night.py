# ruff: noqa: S608  (names of the bank's schema and paths of the run folder)
"""A night at the demo's bank: its tables as a bank delivers them, the nightly jobs, and what they find to the province.

Everything in the tables follows from `people.toml`; nothing here describes anybody.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any, Final

import duckdb

from demo.api import Api
from demo.guests import Guest
from demo.people import InventedCustomer
from yingbin.offers.bank.reader import BankSettings
from yingbin.offers.bank.schema import BY_NAME, TABLES
from yingbin.offers.insights.nightly import infer
from yingbin.offers.portrait.job import build_portrait
from yingbin.offers.portrait.page import Portrait, read_customer
from yingbin.offers.profile import CHINA_TIME, china_today

_SETTINGS: Final = BankSettings(memory_mb=256, threads=1)
_LOADED_WITHIN_S: Final = 20.0
_AT_ONCE: Final = 200
_ACCOUNTS: Final = {
    "demand_deposit": ("demand", "demand_deposit"),
    "time_deposit": ("time", "time_deposit"),
    "wealth_product": ("wealth", "wealth_r2"),
    "fund": ("fund", "fund_bond"),
    "treasury_bond": ("bond", "treasury_bond"),
    "insurance": ("insurance", "annuity_insurance"),
    "car_loan": ("loan", "car_loan"),
    "parking_loan": ("loan", "parking_loan"),
}
"""Amount in `people.toml` -> kind of account and product."""
_RISK: Final = {"wealth_r1": 1, "wealth_r2": 2, "fund_bond": 2, "treasury_bond": 1}
_SERVICES: Final = frozenset({"e_bank", "mobile_bank", "sms"})
_MONTHS: Final = 8
_SHORT_DAYS: Final = 30


class Tables:
    """The bank's tables at the end of a day: rows by table; a column that a row does not name is empty."""

    def __init__(self, as_of: date) -> None:
        self._as_of = as_of
        self._rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
        self._add("snapshot", as_of=as_of, producer="demo")

    def customer(self, customer_id: str, who: InventedCustomer) -> None:
        """Enter somebody: accounts and their past months, salary and card payments, purchases, services, consents."""
        opened_on = self._ago(5 * 365)
        income = who.amounts.get("documented_monthly_income")
        self._add(
            "customers", customer_id=customer_id, birth_date=date(self._as_of.year - who.age, 1, 1), gender=who.gender,
            region_code="000000", home_branch_id="demo", home_province="DEMO", opened_on=opened_on, tier=who.tier,
            documented_monthly_income_fen=None if income is None else income * 100,
        )  # fmt: skip
        for purpose in who.purposes:
            self._add("consents", customer_id=customer_id, purpose=purpose.value, granted_at_ms=_ms(opened_on))
        for service in sorted(_SERVICES.intersection(who.holdings)):
            self._add("services", customer_id=customer_id, service=service, since=opened_on)
        if who.risk_level:
            valid_until = self._as_of + timedelta(days=who.risk_valid_for_days)
            self._add(
                "risk_assessments", customer_id=customer_id, assessed_on=valid_until - timedelta(days=365),
                level=int(who.risk_level[-1]), valid_until=valid_until,
            )  # fmt: skip
        for name, (kind, product) in _ACCOUNTS.items():
            if yuan := who.amounts.get(name):
                matures = self._as_of + timedelta(days=who.matures_in_days) if who.matures_in_days else None
                self._account(customer_id, kind, product, yuan, matures if kind == "time" else None,
                              who.amounts.get("monthly_repayment", 0) if kind == "loan" else 0)  # fmt: skip
        self._payments(f"{customer_id}-demand", customer_id, income)
        for days_ago in who.short_purchases_days_ago:
            self._short_purchase(customer_id, days_ago)

    def write(self, folder: Path) -> None:
        """Write every table as Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as bank:
            for name, rows in self._rows.items():
                columns = BY_NAME[name].columns
                bank.execute(f"CREATE TABLE {name} ({', '.join(f'{one.name} {one.type}' for one in columns)})")
                if rows:
                    values = [[row.get(one.name) for one in columns] for row in rows]
                    bank.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' for _ in columns)})", values)
                bank.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")

    def _account(
        self, customer_id: str, kind: str, product: str, yuan: int, matures_on: date | None, repayment_yuan: int
    ) -> None:
        """Add an account that grew to its balance over the months, or, if it is a debt, shrank to it."""
        account_id = f"{customer_id}-{kind}"
        self._add(
            "accounts", account_id=account_id, customer_id=customer_id, kind=kind, product_code=product, currency="CNY",
            opened_on=self._ago(400), principal_fen=0 if kind == "demand" else yuan * 100, matures_on=matures_on,
            risk_level=_RISK.get(product), monthly_repayment_fen=repayment_yuan * 100,
        )  # fmt: skip
        change = 0.03 if kind == "loan" else -0.02
        for month in range(_MONTHS, -1, -1):
            balance_fen = round(yuan * (1 + change * month)) * 100
            self._add("balances", account_id=account_id, day=self._ago(30 * month), balance_fen=balance_fen)

    def _payments(self, account_id: str, customer_id: str, income: int | None) -> None:
        for month in range(_MONTHS):
            if income is not None:
                self._transaction(account_id, customer_id, 30 * month + 12, income, "salary", "system")
            for days in (2, 9, 23):
                self._transaction(account_id, customer_id, 30 * month + days, -200 - 30 * days, "card", "pos")
        self._transaction(account_id, customer_id, 0, -88, "card", "online")

    def _transaction(
        self, account_id: str, customer_id: str, days_ago: int, yuan: int, kind: str, channel: str
    ) -> None:
        self._add(
            "transactions", txn_id=f"{account_id}-{len(self._rows['transactions'])}", customer_id=customer_id,
            account_id=account_id, at_ms=_ms(self._ago(days_ago)), amount_fen=yuan * 100, kind=kind, channel=channel,
            country="CN", currency="CNY",
        )  # fmt: skip

    def _short_purchase(self, customer_id: str, days_ago: int) -> None:
        """Add a short product that was bought, fell due and was not bought again that day."""
        product, bought_on = "wealth_r1", self._ago(days_ago)
        due, yuan = bought_on + timedelta(days=_SHORT_DAYS), 30_000 + 500 * days_ago
        account_id = f"{customer_id}-short-{days_ago}"
        self._add(
            "purchases", customer_id=customer_id, at_ms=_ms(bought_on), product_code=product, category="wealth",
            risk_level=_RISK[product], term_days=_SHORT_DAYS, amount_fen=yuan * 100,
        )  # fmt: skip
        self._add(
            "accounts", account_id=account_id, customer_id=customer_id, kind="wealth", product_code=product,
            currency="CNY", opened_on=bought_on, closed_on=due if due <= self._as_of else None,
            principal_fen=yuan * 100, term_days=_SHORT_DAYS, matures_on=due, risk_level=_RISK[product],
            monthly_repayment_fen=0,
        )  # fmt: skip
        self._add("balances", account_id=account_id, day=bought_on, balance_fen=yuan * 100)

    def _ago(self, days: int) -> date:
        return self._as_of - timedelta(days=days)

    def _add(self, table: str, **values: Any) -> None:
        self._rows[table].append(values)


def pass_a_night(province: Api, folder: Path, guests: Sequence[Guest], people: Mapping[str, str]) -> None:
    """Let the nightly jobs run over everybody enrolled: `people` is customer id -> person. Raises as `run_night`."""
    book = {guest.person: guest.customer for guest in guests}
    members = {customer_id: book[person] for customer_id, person in people.items()}
    run_night(province, folder, members, china_today())


def run_night(province: Api, folder: Path, members: Mapping[str, InventedCustomer], today: date) -> None:
    """Run the nightly jobs over everybody's tables as of yesterday, and load what they find. `members`: by customer id.

    Raises `Refused` or `Unavailable`.
    """
    as_of = today - timedelta(days=1)
    tables = Tables(as_of)
    for customer_id, who in members.items():
        tables.customer(customer_id, who)
    tables.write(folder)
    build_portrait(folder, folder / "portraits", _SETTINGS)
    items = [_item(customer_id, read_customer(folder / "portraits", customer_id)) for customer_id in members]
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        province.call("POST", "/v1/portraits", json={"as_of": as_of.isoformat(), "items": some})
    insights = folder / "insights.parquet"
    infer(folder, insights, _SETTINGS)
    job = province.call("POST", "/v1/insights/nights", files={"table": (insights.name, insights.read_bytes())})
    deadline_s = time.monotonic() + _LOADED_WITHIN_S
    while job["state"] == "running" and time.monotonic() < deadline_s:
        time.sleep(0.05)
        job = province.call("GET", f"/v1/insights/nights/{job['job_id']}")


def _item(customer_id: str, portrait: Portrait) -> dict[str, Any]:
    """Return what was found of somebody as `POST /v1/portraits` takes it."""
    rows = {name: [row._asdict() for row in getattr(portrait, name)] for name in Portrait._fields}
    for row in (row for found in rows.values() for row in found):
        row.update({key: value.isoformat() for key, value in row.items() if isinstance(value, date)})
    return {"customer_id": customer_id, **rows}


def _ms(day: date) -> int:
    return int(datetime.combine(day, clock(12), CHINA_TIME).timestamp() * 1000)
