"""`yingbin bench withdraw`: what it refuses, and what fails it. The whole run is part of an e2e test."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import withdraw_bench
from bench.search_bench import RunFailed
from bench.withdraw_bench import run_withdraw_bench
from yingbin.errors import InvalidInput
from yingbin.wire import Outcome

ANYBODY = np.zeros(4, np.float32)


class Line:
    """A city that says the same of everybody, or goes through a list."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)

    def sees(self, _: Any) -> Outcome:
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


class Office:
    """A province that takes every call."""

    def call(self, *_: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("withdrawals", "cities"), [(0, 2), (1, 0)])
def test_nothing_to_measure_is_refused(tmp_path: Path, withdrawals: int, cities: int) -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        run_withdraw_bench(tmp_path, withdrawals, cities, print)
    assert list(tmp_path.iterdir()) == []


def test_the_time_is_that_of_the_last_city_and_a_city_that_matches_again_is_a_failure() -> None:
    gone = Line(Outcome.NOT_ENROLLED)
    took_s = withdraw_bench._withdraw(Office(), "c", [gone, Line(Outcome.MATCHED, Outcome.NOT_ENROLLED)], ANYBODY)  # type: ignore[arg-type, list-item]
    assert took_s >= withdraw_bench._LOOK_EVERY_S
    back = Line(Outcome.NOT_ENROLLED, Outcome.MATCHED)
    with pytest.raises(RunFailed, match="again"):
        withdraw_bench._withdraw(Office(), "c", [gone, back], ANYBODY)  # type: ignore[arg-type, list-item]


def test_a_city_that_does_not_stop_matching_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdraw_bench, "_GIVE_UP_S", 0.0)
    with pytest.raises(RunFailed, match="did not stop"):
        withdraw_bench._withdraw(Office(), "c", [Line(Outcome.MATCHED)], ANYBODY)  # type: ignore[arg-type, list-item]
