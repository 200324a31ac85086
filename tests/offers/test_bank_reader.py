# ruff: noqa: S608
"""A bank's files: what the reader refuses, with the table, the column and the row, and what it never shows."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from yingbin.errors import YingbinError
from yingbin.offers.bank.checks import check_values, require_sound
from yingbin.offers.bank.cli import app
from yingbin.offers.bank.reader import (
    BankColumnMissing,
    BankDataInvalid,
    BankSettings,
    BankTableMissing,
    BankTypeMismatch,
    open_bank,
)
from yingbin.offers.bank.schema import BY_NAME, TABLES
from yingbin.trust.consent import Purpose

AT = 1_780_000_000_000
ROWS = {
    "snapshot": "DATE '2026-06-30', 'test'",
    "customers": """'C1', DATE '1980-05-01', 'female', '440106', 'GD-B1', 'GD', DATE '2020-01-02', 'vip_gold', 900000,
        'E1'""",
    "risk_assessments": "'C1', DATE '2026-01-05', 3, DATE '2027-01-04'",
    "accounts": """'A1', 'C1', 'demand', 'demand_deposit', 'CNY', DATE '2020-01-02', NULL, 0, NULL, NULL, NULL, 0""",
    "services": "'C1', 'mobile_bank', DATE '2020-01-02'",
    "balances": "'A1', DATE '2026-05-30', 100000",
    "transactions": f"""'T1', 'C1', 'A1', {AT}, -1200, 'card', 'pos', 'M1', 'merchant', '5411', 'GD', 'CN', 'CNY',
        NULL""",
    "purchases": f"'C1', {AT}, 'wealth_r2', 'wealth', 2, 90, 1000000",
    "search_events": f"'C1', {AT}, 'travel'",
    "consents": f"'C1', 'marketing', {AT}, NULL",
}
Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Return a writer of a sound small bank, with further rows or a changed column in one table."""

    def write(table: str = "", *further: str, replace: str = "*", kind: str = "parquet") -> Path:
        for name, row in ROWS.items():
            names = ", ".join(column.name for column in BY_NAME[name].columns)
            types = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in BY_NAME[name].columns)
            values = ", ".join(f"({values})" for values in (row, *(further if name == table else ())))
            columns = replace if name == table else "*"
            select = f"SELECT {columns} FROM (SELECT {types} FROM (VALUES {values}) t({names}))"
            duckdb.execute(f"COPY ({select}) TO '{tmp_path / name}.{kind}'")
        return tmp_path

    return write


def _finding(folder: Path) -> tuple[str, str, int]:
    with open_bank(folder) as bank:
        (finding,) = check_values(bank)
        with pytest.raises(BankDataInvalid) as refused:
            require_sound(bank)
    assert refused.value.details == {"table": finding.table, "column": finding.column, "row": finding.first_row}
    return finding.table, f"{finding.column}: {finding.problem}", finding.first_row


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_sound_bank_opens_and_a_missing_optional_table_is_empty(plant: Plant, kind: str) -> None:
    with open_bank(plant(kind=kind), BankSettings(memory_mb=256, threads=1)) as bank:
        assert check_values(bank) == []
        assert bank.execute("SELECT amount_fen FROM transactions").fetchone() == (-1200,)
        assert bank.execute("SELECT count(*) FROM trips").fetchone() == (0,)


def test_a_missing_table_and_a_missing_folder_are_named(plant: Plant, tmp_path: Path) -> None:
    folder = plant()
    (folder / "consents.parquet").unlink()
    with pytest.raises(BankTableMissing, match="table consents"):
        open_bank(folder)
    with pytest.raises(BankTableMissing, match="not a folder"):
        open_bank(tmp_path / "nowhere")


def test_a_missing_column_is_named(plant: Plant) -> None:
    with pytest.raises(BankColumnMissing, match=r"accounts\.risk_level: the column is missing"):
        open_bank(plant("accounts", replace="* EXCLUDE (risk_level)"))


def test_a_column_of_another_type_is_named_and_a_narrower_one_is_taken(plant: Plant) -> None:
    with pytest.raises(BankTypeMismatch, match=r"balances\.balance_fen: is DOUBLE, must be BIGINT") as refused:
        open_bank(plant("balances", replace="* REPLACE (balance_fen / 100 AS balance_fen)"))
    assert refused.value.details == {"table": "balances", "column": "balance_fen", "row": -1}
    open_bank(plant("balances", replace="* REPLACE (balance_fen::INTEGER AS balance_fen)")).close()


def test_a_csv_value_of_another_type_is_named_by_its_row(plant: Plant) -> None:
    folder = plant(kind="csv")
    file = folder / "balances.csv"
    file.write_text(file.read_text() + "A1,2026-06-31,5\n")
    with pytest.raises(BankTypeMismatch, match=r"balances\.day, row 2: must be DATE"):
        open_bank(folder)


def test_a_file_that_is_no_parquet_is_named(plant: Plant) -> None:
    folder = plant()
    (folder / "trips.parquet").write_text("no parquet")
    with pytest.raises(BankDataInvalid, match=r"trips\.\*: cannot be read"):
        open_bank(folder)


@pytest.mark.parametrize(
    ("table", "row", "found"),
    [
        ("balances", "'A1', DATE '2026-05-31', -5", "balance_fen: negative CNY fen"),
        ("balances", "'A1', DATE '2026-05-31', 200000000000000", "balance_fen: absurd: above"),
        ("balances", "'A1', DATE '2026-05-30', 5", "day: account_id, day must be unique"),
        ("balances", "'A9', DATE '2026-05-31', 5", "account_id: unknown account"),
        ("consents", f"'C9', 'marketing', {AT}, NULL", "customer_id: unknown customer"),
        ("consents", f"'C1', 'anything', {AT}, NULL", "purpose: not one of vip_service, ticketing"),
        ("consents", "'C1', 'marketing', NULL, NULL", "granted_at_ms: a value is missing"),
        ("risk_assessments", "'C1', DATE '2026-01-05', 6, DATE '2027-01-04'", "level: absurd: above 5 1..5"),
        ("purchases", f"'C1', {AT}, 'wealth_r2', 'wealth', 2, 90, -1", "amount_fen: negative CNY fen"),
        ("snapshot", "DATE '2026-07-01', 'test'", "as_of: there must be exactly one row"),
        (
            "transactions",
            "'T2', 'C1', 'A1', 1500000000000, 5, 'cash', 'atm', NULL, NULL, NULL, 'GD', 'CN', 'CNY', NULL",
            "at_ms: a transaction before its account was opened",
        ),
    ],
)  # fmt: skip
def test_a_planted_error_is_found_with_its_row(plant: Plant, table: str, row: str, found: str) -> None:
    where, said, first = _finding(plant(table, row))
    assert where == table
    assert said.startswith(found)
    assert first == (1 if table == "snapshot" else 2)


def test_the_check_command_names_every_error_and_a_sound_bank_passes(plant: Plant) -> None:
    assert CliRunner().invoke(app, ["check", str(plant())]).exit_code == 0
    folder = plant("balances", "'A1', DATE '2026-05-31', -5", "'A9', DATE '2026-05-31', 5")
    found = CliRunner().invoke(app, ["check", str(folder)])
    assert found.exit_code == 1
    assert "balances.balance_fen: negative CNY fen; rows: 1, the first is row 2" in found.output
    assert "balances.account_id: unknown account; rows: 1, the first is row 3" in found.output


def test_a_refusal_quotes_no_value(plant: Plant) -> None:
    folder = plant("balances", "'A1', DATE '2026-05-31', -987654321")
    with open_bank(folder) as bank, pytest.raises(YingbinError) as refused:
        require_sound(bank)
    assert "987654321" not in refused.value.message


def test_C15_sensitive_searches_are_never_in_the_view(plant: Plant) -> None:
    rows = [f"'C1', {AT}, '{topic}'" for topic in ("health/clinic", "Legal/debt", "religion", "healthy_food")]
    with open_bank(plant("search_events", *rows)) as bank:
        topics = [row[0] for row in bank.execute("SELECT topic FROM search_events").fetchall()]
    assert topics == ["travel", "healthy_food"]


def test_columns_the_schema_does_not_name_cannot_be_used(plant: Plant) -> None:
    with (
        open_bank(plant("customers", replace="*, 'nurse' AS occupation")) as bank,
        pytest.raises(duckdb.BinderException),
    ):
        bank.execute("SELECT occupation FROM customers")


def test_C1_C14_every_table_says_its_consent_and_family_and_where_somebody_was_needs_whereabouts() -> None:
    for table in TABLES:
        assert table.zh
        assert table.en
        assert table.source
        for column in table.columns:
            assert column.zh
            assert column.en
            if table.name == "trips" or (table.name, column.name) == ("transactions", "province"):
                assert table.purpose_of(column) is Purpose.WHEREABOUTS
                assert table.family_of(column) == "card_presence"
    assert BY_NAME["contacts"].purpose is Purpose.MARKETING


@pytest.mark.parametrize("keeps", [0.5, 0.98])
@pytest.mark.parametrize("table", ["customers", "transactions", "search_events"])
def test_a_file_that_was_cut_off_is_named(plant: Plant, table: str, keeps: float) -> None:
    file = plant() / f"{table}.parquet"
    raw = file.read_bytes()
    file.write_bytes(raw[: int(len(raw) * keeps)])
    with pytest.raises(BankDataInvalid) as refused:
        open_bank(file.parent)
    assert (refused.value.table, refused.value.row) == (table, -1)
    assert "cannot be read" in refused.value.problem


def test_a_file_damaged_behind_a_sound_header_is_named_when_it_is_read(plant: Plant) -> None:
    folder = plant()
    file = folder / "balances.parquet"
    columns = "'A1' AS account_id, DATE '2020-01-01' + i::INT AS day, (hash(i) % 1000000000)::BIGINT AS balance_fen"
    duckdb.execute(f"COPY (SELECT {columns} FROM range(20000) t(i)) TO '{file}' (COMPRESSION zstd)")
    raw = bytearray(file.read_bytes())
    raw[4 : len(raw) * 2 // 3] = bytes(len(raw) * 2 // 3 - 4)
    file.write_bytes(raw)
    with pytest.raises(BankDataInvalid, match=r"balances\.parquet is damaged") as refused, open_bank(folder) as bank:
        bank.execute("SELECT sum(balance_fen) FROM balances").fetchall()
    assert refused.value.details == {"table": "balances", "column": "*", "row": -1}


def test_an_error_that_no_file_caused_is_not_blamed_on_one(plant: Plant) -> None:
    with pytest.raises(duckdb.BinderException), open_bank(plant()) as bank:
        bank.execute("SELECT colour FROM customers")
