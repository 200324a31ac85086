"""Tags of the portrait against what the synthetic bank knows of its people and never says (`truth/`)."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from bench.synthetic_bank.bank import make_bank
from yingbin.offers.portrait.job import build_portrait, file_of


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Make a bank of a seed that no tag was written by; `tags`, and `truths` of those who consent."""
    folder = tmp_path_factory.mktemp("truth")
    make_bank(folder / "bank", 3_000, 4_711)
    build_portrait(folder / "bank", folder / "portraits")
    with duckdb.connect() as reading:
        _view(reading, "tags", file_of(folder / "portraits", "tags"))
        _view(reading, "traits", folder / "bank" / "truth" / "traits" / "*.parquet")
        reading.execute(
            "CREATE VIEW truths AS SELECT * FROM traits WHERE customer_id IN (SELECT customer_id FROM tags)"
        )
        yield reading


def _view(reading: duckdb.DuckDBPyConnection, name: str, files: Path) -> None:
    reading.read_parquet(str(files)).create_view(name)


@pytest.mark.parametrize(
    ("trait", "tag", "condition", "precision", "recall"),
    [
        ("asset_churn", "churn_risk", "value IN ('high', 'medium')", 0.9, 0.0),
        ("asset_churn", "asset_trend", "value = 'falling'", 0.0, 0.8),
        ("fx_holder", "main_holding", "value = 'fx'", 0.9, 0.0),
        ("overseas_study", "exchanges_currency", "value = 'true'", 0.0, 0.9),
        ("homeowner", "instalments_fen", "CAST(value AS BIGINT) > 0", 0.0, 0.95),
    ],
)  # a tag that says less, or more, than the trait is held to the side on which they agree
def test_a_tag_agrees_with_the_hidden_trait(
    known: duckdb.DuckDBPyConnection, trait: str, tag: str, condition: str, precision: float, recall: float
) -> None:
    said = known.execute(f"SELECT customer_id FROM tags WHERE tag = ? AND {condition}", [tag]).fetchall()  # noqa: S608
    true = known.execute("SELECT DISTINCT customer_id FROM truths WHERE name = ?", [trait]).fetchall()
    right = set(said) & set(true)
    assert right
    assert len(right) >= precision * len(said)
    assert len(right) >= recall * len(true)


def test_income_is_never_called_documented_of_who_has_no_documents(known: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT count(*) FROM truths JOIN tags USING (customer_id) WHERE name = 'undocumented_income' AND tag = ?"
    assert known.execute(query, ["income_documented"]).fetchone() == (0,)


def test_money_received_is_about_the_true_income(known: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT median(CAST(g.value AS BIGINT) / t.value) FROM tags g JOIN truths t USING (customer_id)
               WHERE tag = 'received_a_month_fen' AND name = 'true_monthly_income' AND t.value > 0"""
    (ratio,) = known.execute(query).fetchone() or (0,)
    assert ratio == pytest.approx(1, abs=0.1)
