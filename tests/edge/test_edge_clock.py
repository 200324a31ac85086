"""The city's clock as a box measures it: no sockets, no waiting."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import clock
from edge.clock import MAX_DRIFT, CityClock
from yingbin import ids

HOUR_MS = 3_600_000


@given(
    st.integers(-HOUR_MS, HOUR_MS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000), st.integers(1, 600_000)), min_size=1, max_size=30),
)
def test_the_offset_is_never_further_off_than_it_says(offset: int, exchanges: list[tuple[int, int, int]]) -> None:
    city, now = CityClock(), 1_000_000
    for out_ms, back_ms, pause_ms in exchanges:
        city.measured(now, now + out_ms + offset, now + out_ms + back_ms)
        now += out_ms + back_ms
        assert abs(city.offset_ms - offset) <= city.error_ms + 1
        now += pause_ms


def test_one_fast_exchange_beats_many_slow_ones() -> None:
    city = CityClock()
    for n in range(4):
        city.measured(n * 10_000, n * 10_000 + 2000 + 5000, n * 10_000 + 2000)  # all the delay is on the way there
    assert city.offset_ms == pytest.approx(6000, abs=5)
    city.measured(50_000, 50_010 + 5000, 50_020)
    assert city.offset_ms == 5000
    city.measured(60_000, 62_000 + 5000, 62_000)
    assert city.offset_ms == 5000


def test_an_old_exchange_gives_way_as_the_crystals_drift() -> None:
    city = CityClock()
    city.measured(0, 10, 20)
    week_ms = 7 * 24 * HOUR_MS
    drifted = round(week_ms * MAX_DRIFT * 0.9)
    city.measured(week_ms, week_ms + 500 + drifted, week_ms + 1000)
    assert city.offset_ms == drifted


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
def test_a_city_whose_clock_was_set_is_followed_at_once(step_ms: int) -> None:
    city = CityClock()
    city.measured(0, 10, 20)
    city.measured(60_000, 60_050 + step_ms, 60_100)
    assert city.offset_ms == step_ms


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
def test_a_jump_of_the_boxs_own_wall_clock_changes_nothing(step_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    city = CityClock()
    before = clock.box_now_ms()
    city.measured(before, before + HOUR_MS, before)
    wall = clock.time.time_ns
    monkeypatch.setattr(clock.time, "time_ns", lambda: wall() + step_ms * 1_000_000)
    assert abs(ids.now_ms() - before) >= HOUR_MS - 60_000, "the wall clock has jumped"
    readings = [clock.box_now_ms() for _ in range(100)]
    assert all(later >= earlier for earlier, later in pairwise(readings))
    assert 0 <= readings[-1] - before < 60_000
    assert 0 <= city.now_ms() - (before + HOUR_MS) < 60_000
