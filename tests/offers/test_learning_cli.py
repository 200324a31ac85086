"""The commands on a folder of bank tables say what the functions behind them find."""

import json
from pathlib import Path
from typing import Any

import pytest
from bank_tables import Tables
from learning_log import logged_bank
from typer.testing import CliRunner

from yingbin.offers.cli import app
from yingbin.offers.learning.cli import BadPolicyTable
from yingbin.offers.learning.effect import uplift
from yingbin.offers.learning.off_policy import NoSupport


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    Tables().write(folder)
    log = logged_bank()
    for table in ("decisions", "outcomes", "customers", "consents", "snapshot"):
        log.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder


def said(*arguments: str) -> dict[str, Any]:
    run = CliRunner().invoke(app, [*arguments, "--json"])
    assert run.exit_code == 0, run.exception
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_effect_underserved_and_fairness_are_commands(folder: Path) -> None:
    found = said("effect", str(folder), "--cost-fen", "500")
    assert found["accepted"] == list(uplift(logged_bank()).accepted)
    assert [one["name"] for one in found["products"]] == ["wealth_r2"]
    assert said("underserved", str(folder)) == {"underserved": []}
    assert {one["attribute"] for one in said("fairness", str(folder))["groups"]} == {
        "gender", "age_band", "registered_in", "branch",
    }  # fmt: skip


def test_another_policy_is_valued_from_the_log_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.csv"
    personal = logged_bank().execute("SELECT decision_id FROM decisions WHERE NOT holdout ORDER BY 1").fetchall()
    half = "\n".join(f"{decision},wealth_r2,0.5" for (decision,) in personal)
    wanted.write_text(f"decision_id,product_code,probability\n{half}\n")
    found = said("off-policy", str(folder), "--wanted", str(wanted))
    assert found["snips"] == found["logged"]  # what the log did is worth what the log earned
    wanted.write_text("decision_id,product_code,probability\n")
    run = CliRunner().invoke(app, ["off-policy", str(folder), "--wanted", str(wanted)])
    assert isinstance(run.exception, NoSupport)
    for wrong, why in (("decision_id\n", "lacks"), ("decision_id,product_code,probability\nd,p,2\n", "row 1")):
        wanted.write_text(wrong)
        run = CliRunner().invoke(app, ["off-policy", str(folder), "--wanted", str(wanted)])
        assert isinstance(run.exception, BadPolicyTable)
        assert why in run.exception.message
