"""`yingbin eval insights`: what it counts, and that it can judge every insight there is."""

from pathlib import Path

import duckdb
import pytest

from bench.eval_insights import TRUTHS, evaluate, judge
from yingbin.errors import InvalidInput
from yingbin.offers.bank.reader import BankSettings
from yingbin.offers.insights.declaration import load_library


def test_every_insight_has_a_truth_to_be_judged_by() -> None:
    assert TRUTHS.keys() == load_library().keys()


def _table(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as bank:
        bank.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def test_pairs_count_in_either_order_recall_counts_who_consented_and_look_alikes_are_named(tmp_path: Path) -> None:
    _table(tmp_path / "truth" / "households.parquet", "FROM (VALUES ('a', 'b'), ('c', 'd'), ('e', 'f')) t(a, b)")
    _table(
        tmp_path / "truth" / "traits.parquet",
        "SELECT * FROM (VALUES ('a', 'commutes', 1.0, NULL::VARCHAR)) t(customer_id, name, value, detail)",
    )
    _table(
        tmp_path / "truth" / "look_alikes.parquet",
        "SELECT * FROM (VALUES ('n', 'a', 'nanny', 'household'), ('n', 'z', 'rent', 'household')) "
        "t(customer_id, other_id, kind, silences)",
    )
    _table(
        tmp_path / "consents.parquet",
        "SELECT customer_id, 'marketing' AS purpose, NULL::BIGINT AS withdrawn_at_ms "
        "FROM (VALUES ('a'), ('b'), ('c'), ('d'), ('n'), ('e')) t(customer_id)",
    )
    out = tmp_path / "insights.parquet"
    _table(
        out,
        "SELECT 'household' AS insight, *, NULL::VARCHAR AS subject FROM (VALUES ('b', 'a', 'corroborated'), "
        "('a', 'n', 'corroborated'), ('c', 'd', 'hypothesis')) t(customer_id, other_id, state)",
    )
    figures = judge(tmp_path, out)
    household = figures["household"]
    assert (household["precision"], household["recall"], household["n"]) == (0.5, 0.5, 2)
    assert (household["true_with_consent"], household["true_in_all"]) == (2, 3)
    assert household["fired_on_look_alikes"] == {"nanny": 1}
    assert figures["commutes"]["precision"] is None
    assert figures["commutes"]["precision_ci"] == [0.0, 1.0]


def test_a_small_synthetic_bank_is_judged_and_said_to_be_synthetic() -> None:
    figures = evaluate(None, 2_000, 5, BankSettings(memory_mb=500), lambda _: None)
    assert figures["synthetic"] is True
    assert "SYNTHETIC" in figures["note"]
    right = sum(one["precision"] * one["n"] for one in figures["insights"].values() if one["n"])
    said = sum(one["n"] for one in figures["insights"].values())
    assert said > 100
    assert right >= 0.95 * said


def test_a_bank_without_a_truth_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no truth"):
        evaluate(tmp_path, 2_000, 5, BankSettings(), lambda _: None)
