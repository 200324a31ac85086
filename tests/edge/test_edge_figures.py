import pytest

from edge.figures import PACE_S, Pace


def test_frames_a_second_are_those_of_the_last_interval() -> None:
    pace = Pace()
    pace.note(1_000, 100.0)
    assert pace.per_s == 0.0
    pace.note(1_060, 100.0 + PACE_S / 2)
    assert pace.per_s == 0.0
    pace.note(1_125, 100.0 + PACE_S)
    assert pace.per_s == pytest.approx(125 / PACE_S)
    pace.note(1_125, 100.0 + 3 * PACE_S)
    assert pace.per_s == 0.0
