"""What is published of the attack on protected templates: without pairs it fails, with enough of them it does not."""

import pytest

from bench.protect_attack import run_protect_attack


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, int, str], dict[str, float]]:
    figures = run_protect_attack((128,), lambda _: None)
    assert figures["data"].startswith("synthetic")
    return {(run["attack"], run["pairs"], run["photo"]): run for run in figures["runs"]}


Runs = dict[tuple[str, int, str], dict[str, float]]


def test_C8_without_pairs_nobody_is_linked(runs: Runs) -> None:
    assert runs["pairs", 0, "none"]["unprotected_auc"] > 0.99
    assert abs(runs["pairs", 0, "none"]["linking_auc"] - 0.5) < 0.12
    assert abs(runs["pairs", 0, "none"]["recovered_cosine"]) < 0.1


def test_as_many_pairs_as_numbers_undo_the_protection(runs: Runs) -> None:
    assert runs["pairs", 128, "enrolled"]["recovered_cosine"] > 0.99
    assert runs["pairs", 64, "enrolled"]["recovered_cosine"] == pytest.approx(0.58, abs=0.06)
    assert runs["pairs", 64, "enrolled"]["linking_auc"] > 0.95
    assert runs["pairs", 128, "another"]["linking_auc"] > 0.95


def test_spectra_alone_tell_something(runs: Runs) -> None:
    """Published, because it needs no pair at all: only many stolen templates and a public set of faces."""
    assert 0.55 < runs["spectrum", 0, "none"]["linking_auc"] < 0.85
