"""Time never goes back and never leaps, whatever the timestamps do."""

from hypothesis import given
from hypothesis import strategies as st

from edge.timeline import Timeline

FRAME_S = 0.04
HOUR_S = 3600.0


def play(timeline: Timeline, stamps: list[float | None], every_s: float = FRAME_S) -> list[float]:
    return [round(timeline.advance(stamp, n * every_s, FRAME_S), 3) for n, stamp in enumerate(stamps)]


def test_good_timestamps_are_kept_whatever_they_start_at() -> None:
    for start in (0.0, 95_443.7):
        assert play(Timeline(live=True), [start + n * 0.1 for n in range(5)]) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_dropped_and_late_frames_keep_their_true_distance() -> None:
    timeline = Timeline(live=True)
    assert [timeline.advance(s, a, FRAME_S) for s, a in [(0, 0), (1, 3.0), (1.25, 3.01), (1.5, 3.02)]] == [
        0,
        1,
        1.25,
        1.5,
    ]


def test_a_live_timestamp_that_jumps_by_an_hour_goes_on_by_the_arrival() -> None:
    for jump in (HOUR_S, -HOUR_S):
        timeline = Timeline(live=True)
        stamps = [n * FRAME_S + (jump if n >= 5 else 0.0) for n in range(10)]
        assert play(timeline, stamps) == [round(n * FRAME_S, 3) for n in range(10)]
        assert timeline.jumps == 1


def test_a_file_whose_timestamps_jump_goes_on_by_its_frame_rate() -> None:
    timeline = Timeline(live=False)
    stamps = [0.0, 0.04, 900.0, 900.04, 3.0, 3.04]
    assert play(timeline, stamps, every_s=0.0) == [0.0, 0.04, 0.08, 0.12, 0.16, 0.2]


def test_without_timestamps_the_arrival_or_the_frame_rate_is_time() -> None:
    assert play(Timeline(live=True), [None] * 3, every_s=0.2) == [0.0, 0.2, 0.4]
    assert play(Timeline(live=False), [None] * 3, every_s=0.2) == [0.0, 0.04, 0.08]


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-1e6, 1e6), st.floats(0, 30, allow_nan=False), st.floats(0.001, 1, allow_nan=False)
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_time_never_goes_back_and_never_far_ahead_of_the_arrival(
    frames: list[tuple[float | None, float, float]], live: bool
) -> None:
    timeline, now_s, elapsed_s = Timeline(live=live), 0.0, 0.0
    for stamp_s, waited_s, frame_s in frames:
        elapsed_s += waited_s
        before_s, now_s = now_s, timeline.advance(stamp_s, elapsed_s, frame_s)
        assert 0.0 <= now_s - before_s <= (waited_s + 2.001 if live else 5.001)
