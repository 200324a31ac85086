"""What the nightly inference concludes, and of whom it must not (C1, C14, C16)."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bank_tables import AS_OF, Tables, ago
from insight_cases import LOOK_ALIKES, TRUE_CASES, Case
from insight_relations import commuter, couple, shared_card, student_abroad
from typer.testing import CliRunner

from yingbin.offers.bank.reader import BankDataInvalid, open_bank
from yingbin.offers.insights.cli import app
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.nightly import NightFailed, infer
from yingbin.offers.insights.timeless import BankDataStale, make_views

Rows = list[dict[str, Any]]


def conclude(folder: Path, tables: Tables, *names: str, shift_ms: int = 0) -> Rows:
    tables.write(folder, shift_ms=shift_ms)
    library = [load_library()[name] for name in names] if names else None
    infer(folder, folder / "insights.parquet", library=library)
    found = duckdb.read_parquet(str(folder / "insights.parquet"))
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def everybody() -> Tables:
    tables = Tables()
    for insight, case in (*TRUE_CASES, *LOOK_ALIKES):
        case(tables, f"{insight}/{case.__name__}")
    return tables


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return conclude(tmp_path_factory.mktemp("bank"), everybody())


def corroborated(found: Rows, insight: str, customer: str) -> Rows:
    return [
        row for row in found
        if row["insight"] == insight and row["customer_id"].startswith(customer) and row["state"] == "corroborated"
    ]  # fmt: skip


@pytest.mark.parametrize(("insight", "case"), TRUE_CASES, ids=lambda part: getattr(part, "__name__", part))
def test_C14_the_real_thing_is_corroborated_by_two_families_with_source_and_date(
    found: Rows, insight: str, case: Case
) -> None:
    (row,) = corroborated(found, insight, f"{insight}/{case.__name__}")
    families = {evidence["family"] for evidence in row["evidence"]}
    assert len(families) >= 2
    assert row["expires_on"] > row["last_seen"]
    assert all(evidence["last_seen"] <= date(2026, 6, 30) for evidence in row["evidence"])


@pytest.mark.parametrize(("insight", "case"), LOOK_ALIKES, ids=lambda part: getattr(part, "__name__", part))
def test_C14_a_look_alike_stays_silent(found: Rows, insight: str, case: Case) -> None:
    assert corroborated(found, insight, f"{insight}/{case.__name__}") == []


@pytest.mark.parametrize("case", [couple, student_abroad])
@pytest.mark.parametrize("side", ["", "+"])
def test_C1_a_relation_takes_the_consent_of_both(tmp_path: Path, case: Case, side: str) -> None:
    tables = Tables()
    case(tables, "a")
    for row in tables.rows["consents"]:
        if row["customer_id"] == f"a{side}" and row["purpose"] == "marketing":
            row["withdrawn_at_ms"] = ago(3)
    assert conclude(tmp_path, tables, "household", "overseas_study") == []


def test_C1_without_whereabouts_nothing_is_concluded_from_where_somebody_was(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    tables.rows["consents"] = [row for row in tables.rows["consents"] if row["purpose"] != "whereabouts"]
    assert conclude(tmp_path, tables, "commutes") == []


def test_C14_whereabouts_of_one_side_alone_do_not_corroborate_a_relation(tmp_path: Path) -> None:
    tables = Tables()
    student_abroad(tables, "a")
    tables.rows["consents"] = [
        row for row in tables.rows["consents"] if (row["customer_id"], row["purpose"]) != ("a", "whereabouts")
    ]
    (row,) = conclude(tmp_path, tables, "overseas_study")
    assert row["state"] == "hypothesis"


@pytest.mark.parametrize("hours", [12, -5])
def test_C16_moving_all_clocks_changes_no_insight(tmp_path: Path, found: Rows, hours: int) -> None:
    assert conclude(tmp_path, everybody(), shift_ms=hours * 3_600_000) == found


def test_C16_no_view_shows_an_instant_and_none_shows_gender_or_origin(tmp_path: Path) -> None:
    with open_bank(Tables().write(tmp_path)) as bank:
        make_views(bank)
        shown = {
            name for (name,) in bank.execute(
                "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'seen'"
            ).fetchall()
        }  # fmt: skip
    assert {"days_ago", "home_province"} <= shown
    assert not shown & {"at_ms", "granted_at_ms", "birth_date", "gender", "region_code", "home_branch_id"}


def test_the_truth_of_a_synthetic_bank_is_never_opened(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    (tmp_path / "truth").mkdir(mode=0o000)
    assert len(conclude(tmp_path, tables, "commutes")) == 1


@pytest.mark.parametrize(("holds", "applies"), [(None, True), (2, False)])
def test_a_household_is_raised_only_where_one_side_has_nothing_and_the_other_saves_safely(
    tmp_path: Path, holds: int | None, applies: bool
) -> None:
    tables = Tables()
    couple(tables, "a")
    tables.add("accounts", account_id="W1", customer_id="a+", kind="wealth", risk_level=2, opened_on=date(2025, 1, 1))
    if holds:
        tables.add(
            "accounts", account_id="W2", customer_id="a", kind="wealth", risk_level=2, opened_on=date(2025, 1, 1)
        )
    (row,) = conclude(tmp_path, tables, "household")
    assert row["applies"] is applies


def test_tables_whose_events_end_early_are_refused(tmp_path: Path) -> None:
    tables = Tables()
    tables.rows["snapshot"][0]["as_of"] = date(2026, 8, 1)
    with pytest.raises(BankDataStale, match=r"3[23] days before"):
        conclude(tmp_path, tables)


def test_a_failed_night_leaves_the_last_one_in_place(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    conclude(tmp_path, tables, "commutes")
    before = (tmp_path / "insights.parquet").read_bytes()
    tables.rows["snapshot"][0]["as_of"] = date(2026, 8, 1)
    with pytest.raises(BankDataStale):
        conclude(tmp_path, tables, "commutes")
    assert (tmp_path / "insights.parquet").read_bytes() == before


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    tables.write(tmp_path)
    (tmp_path / "transactions").mkdir()
    (tmp_path / "transactions.parquet").rename(tmp_path / "transactions" / "1.parquet")
    (tmp_path / "transactions" / "2.parquet").write_bytes(b"half a file")
    with pytest.raises(BankDataInvalid, match=r"transactions\.\*: 2\.parquet is damaged"):
        infer(tmp_path, tmp_path / "insights.parquet")
    assert not (tmp_path / "insights.parquet").exists()


def test_a_night_that_cannot_be_written_says_so_and_replaces_nothing(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    (tmp_path / "insights.parquet").write_bytes(b"the last night")
    (tmp_path / "insights.unfinished").mkdir()
    with pytest.raises(NightFailed, match="nothing was replaced"):
        infer(tables.write(tmp_path), tmp_path / "insights.parquet")
    assert (tmp_path / "insights.parquet").read_bytes() == b"the last night"


def test_C14_a_look_alike_is_in_the_file_so_that_what_was_concluded_before_ends(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    shared_card(tables, "b")
    real, look_alike = conclude(tmp_path, tables, "commutes")
    assert (real["customer_id"], real["state"], look_alike["customer_id"]) == ("a", "corroborated", "b")
    assert (look_alike["state"], look_alike["evidence"], look_alike["applies"]) == ("expired", [], False)
    assert real["as_of"] == look_alike["as_of"] == AS_OF


def test_the_file_is_in_order_of_customers(found: Rows) -> None:
    keys = [(row["customer_id"], row["insight"], row["other_id"] or "", row["subject"] or "") for row in found]
    assert keys == sorted(keys)
    assert len({key[0] for key in keys}) > 20


def test_an_unsound_folder_is_refused_with_table_column_and_row(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    tables.rows["accounts"][1]["principal_fen"] = -1
    with pytest.raises(BankDataInvalid, match=r"accounts\.principal_fen, row 2: negative CNY fen"):
        conclude(tmp_path, tables, "commutes")
    with pytest.raises(BankDataInvalid):
        infer(tmp_path, tmp_path / "insights.parquet", accept_warnings=True)
    assert not (tmp_path / "insights.parquet").exists()


def test_where_the_check_only_warns_one_may_go_on(tmp_path: Path) -> None:
    tables = Tables()
    commuter(tables, "a")
    tables.rows["accounts"][1]["opened_on"] = date(2001, 1, 1)
    out = tmp_path / "insights.parquet"
    with pytest.raises(BankDataInvalid, match="an account opened before the customer came"):
        conclude(tmp_path, tables, "commutes")
    refused = CliRunner().invoke(app, ["run", str(tmp_path), "--out", str(out)])
    assert isinstance(refused.exception, BankDataInvalid)
    accepted = CliRunner().invoke(app, ["run", str(tmp_path), "--out", str(out), "--accept-warnings"])
    assert accepted.exit_code == 0, accepted.output
    assert duckdb.read_parquet(str(out)).filter("state = 'corroborated'").fetchall()
