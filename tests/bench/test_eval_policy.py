"""`yingbin eval policy`: what policies are worth on a small synthetic bank."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.eval_cli import app
from bench.policy_world import NoVisitors, load_world


def test_policies_are_valued_with_intervals_and_nobody_beats_the_oracle() -> None:
    run = CliRunner().invoke(app, ["policy", "--customers", "2000", "--visitors", "300", "--json"])
    assert run.exit_code == 0, run.output
    figures = json.loads(run.stdout.splitlines()[-1])
    policies = figures["policies"]
    assert set(policies) == {"ours", "rules", "most_popular", "random", "oracle"}
    for row in policies.values():
        assert row["value_ci"][0] <= row["value"] <= row["value_ci"][1]
        assert 0 < row["offers_per_visit"] <= 3
    assert policies["oracle"]["value"] == max(row["value"] for row in policies.values())
    assert policies["ours"]["ours_minus_ci"] == [0, 0]
    assert "SYNTHETIC" in figures["note"]
    assert figures["visits"] == 300


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoVisitors, match="truth"):
        load_world(tmp_path, 10)
