# ruff: noqa: S608
"""Profiles from hand-made tables: each formula of docs/bank-data.md, and who is left out of them."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
from bank_tables import AS_OF, Tables, ago, day
from typer.testing import CliRunner

from yingbin.offers.bank.cli import app
from yingbin.offers.bank.profiles import build_profiles, profiles_of
from yingbin.offers.bank.reader import BankDataInvalid, open_bank
from yingbin.offers.profile import Holding, Profile


def account(tables: Tables, who: str, number: str, kind: str, fen: int, **columns: object) -> None:
    said = {"opened_on": day(300), "product_code": kind, "currency": "CNY", **columns}
    tables.add("accounts", account_id=number, customer_id=who, kind=kind, **said)
    tables.add("balances", account_id=number, day=day(300), balance_fen=fen + 7)
    tables.add("balances", account_id=number, day=day(1), balance_fen=fen)


def profile_of(tables: Tables, folder: Path, who: str = "c") -> Profile:
    with open_bank(tables.write(folder)) as bank:
        return profiles_of(bank, [who])[who]


def test_amounts_are_the_newest_balances_of_open_accounts(tmp_path: Path) -> None:
    tables = Tables()
    who = tables.customer("c", documented_monthly_income_fen=2_000_000)
    for number, (kind, fen) in enumerate({"wealth": 11, "fund": 22, "bond": 33, "insurance": 44, "metal": 55}.items()):
        account(tables, who, f"A{number}", kind, fen)
    for code, fen in (("mortgage", 900), ("car_loan", 80), ("business_loan", 7), ("parking_loan", 6)):
        account(tables, who, code, "loan", fen, product_code=code, monthly_repayment_fen=100_000)
    account(tables, who, "gone", "fund", 10_000, closed_on=AS_OF)
    account(tables, who, "later", "fund", 10_000, opened_on=date(2026, 7, 1))
    account(tables, who, "usd", "fx", 500, currency="USD")
    account(tables, who, "broker", "custody", 600)
    found = profile_of(tables, tmp_path)
    assert found.as_of == AS_OF
    assert (found.wealth_product_fen, found.fund_fen, found.treasury_bond_fen, found.insurance_fen) == (11, 22, 33, 44)
    assert found.liabilities_fen == 900 + 80 + 7 + 6
    assert found.monthly_repayment_fen == 400_000
    assert found.debt_service_ratio == pytest.approx(0.2)
    assert found.demand_deposit_fen == 5_000_000
    assert found.holdings == {Holding.PRECIOUS_METAL, Holding.FX_ACCOUNT, Holding.THIRD_PARTY_CUSTODY}


def test_purchasing_power_counts_the_deposits_of_the_next_maturity_and_keeps_six_instalments(tmp_path: Path) -> None:
    tables = Tables()
    who = tables.customer("c")
    soon, later = day(-20), day(-90)
    for number, due in (("t1", soon), ("t2", soon), ("t3", later), ("past", day(5))):
        account(tables, who, number, "time", 1_000_000, matures_on=due)
    account(tables, who, "m", "loan", 9, product_code="mortgage", monthly_repayment_fen=300_000)
    found = profile_of(tables, tmp_path)
    assert (found.time_deposit_fen, found.time_deposit_maturing_fen) == (4_000_000, 2_000_000)
    assert found.time_deposit_matures_on == soon
    assert found.purchasing_power_fen == 5_000_000 + 2_000_000 - 6 * 300_000


def test_idle_days_and_salary_day_come_from_the_transactions(tmp_path: Path) -> None:
    tables = Tables()
    who = tables.customer("c")
    tables.transaction(who, 40, -5_000)
    tables.transaction(who, 3, -10, kind="fee")
    tables.transaction(who, 2, 900)
    for month in range(1, 6):  # the last days of months: day 31, whatever the length
        tables.add(
            "transactions", txn_id=f"S{month}", customer_id=who, account_id=f"A-{who}", amount_fen=1, kind="salary",
            channel="system", country="CN", currency="CNY",
            at_ms=ago((AS_OF - date(2026, month, (31, 28, 31, 30, 31)[month - 1])).days),
        )  # fmt: skip
    found = profile_of(tables, tmp_path)
    assert (found.demand_idle_days, found.salary_day) == (40, 31)


def test_the_newest_risk_assessment_counts(tmp_path: Path) -> None:
    tables = Tables()
    who = tables.customer("c")
    for days_ago, level in ((400, 5), (30, 2)):
        tables.add("risk_assessments", customer_id=who, assessed_on=day(days_ago), level=level,
                   valid_until=day(days_ago - 365))  # fmt: skip
    assessed = profile_of(tables, tmp_path).risk_assessment
    assert assessed is not None
    assert (assessed.level, assessed.valid_until) == ("risk_c2", day(-335))


def test_C1_of_whoever_does_not_consent_to_marketing_only_the_risk_assessment_is_said(tmp_path: Path) -> None:
    tables = Tables()
    tables.customer("never", consents=("vip_service",), documented_monthly_income_fen=1)
    tables.customer("took-it-back", consents=())
    tables.add("consents", customer_id="took-it-back", purpose="marketing", granted_at_ms=ago(90),
               withdrawn_at_ms=ago(10))  # fmt: skip
    for who in ("never", "took-it-back"):
        account(tables, who, f"F-{who}", "fund", 5)
        tables.add("services", customer_id=who, service="sms", since=day(50))
        tables.add("risk_assessments", customer_id=who, assessed_on=day(9), level=3, valid_until=day(-90))
        tables.transaction(who, 40, -5_000)
        tables.salaries(who)
    out = tmp_path / "profiles.parquet"
    assert build_profiles(tables.write(tmp_path / "bank"), out) == 3
    rows = duckdb.sql(f"SELECT * FROM '{out}' WHERE customer_id <> 'C-clock'")
    said = {"customer_id", "as_of", "risk_level", "risk_valid_until"}
    for row in rows.fetchall():
        named = dict(zip(rows.columns, row, strict=True))
        assert {name for name, value in named.items() if value is not None} == said


def test_the_command_writes_the_file_and_a_damaged_table_leaves_the_old_one(tmp_path: Path) -> None:
    tables = Tables()
    for number in range(2_000):
        tables.add("consents", customer_id="C-clock", purpose="marketing", granted_at_ms=ago(400) + number)
    folder, out = tables.write(tmp_path / "bank"), tmp_path / "out" / "profiles.parquet"
    run = CliRunner().invoke(app, ["profiles", str(folder), "--out", str(out)])
    assert (run.exit_code, duckdb.sql(f"SELECT count(*) FROM '{out}'").fetchall()) == (0, [(1,)]), run.output
    before = out.read_bytes()
    damaged = folder / "consents.parquet"
    raw = bytearray(damaged.read_bytes())
    raw[4:600] = bytes(596)
    damaged.write_bytes(raw)
    with pytest.raises(BankDataInvalid, match=r"consents\.\*: consents\.parquet is damaged"):
        build_profiles(folder, out)
    assert [path.name for path in out.parent.iterdir()] == ["profiles.parquet"]
    assert out.read_bytes() == before
