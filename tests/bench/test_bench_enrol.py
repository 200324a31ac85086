"""The bench of enrolment, small enough for a test: a real province, its health asked for meanwhile."""

from pathlib import Path

import pytest

from bench.enrol_bench import LEAST, rate, run_enrol_bench
from yingbin.errors import InvalidInput

FIXED = {"rate_first_per_s", "rate_last_per_s", "n", "health_p99_ms"}


def test_enrol_prints_the_fixed_keys_as_numbers(tmp_path: Path) -> None:
    said: list[tuple[str, int]] = []
    figures = run_enrol_bench(tmp_path, LEAST, 128, lambda what, done: said.append((what, done)))
    assert figures.keys() >= FIXED
    assert all(isinstance(figures[key], int | float) for key in FIXED)
    assert figures["n"] == LEAST
    assert (figures["refused"], figures["health_failed"]) == (0, 0)
    assert figures["rate_first_per_s"] > 0
    assert "synthetic" in figures["data"]
    assert said[0] == ("registering", LEAST)
    assert said[-1] == ("enrolling", LEAST)


def test_the_rate_is_that_of_the_tenth_alone() -> None:
    steps = [(0, 0.0), (10, 1.0), (50, 3.0), (90, 5.0), (100, 10.0)]
    assert rate(steps, 0.0, 0.1) == 10.0
    assert rate(steps, 0.9, 1.0) == 2.0


@pytest.mark.parametrize(("n", "dimension"), [(10, 128), (LEAST, 127)])
def test_what_cannot_be_measured_is_refused(tmp_path: Path, n: int, dimension: int) -> None:
    with pytest.raises(InvalidInput, match=str(n)):
        run_enrol_bench(tmp_path, n, dimension, lambda *_: None)
