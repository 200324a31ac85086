from dataclasses import dataclass
from itertools import count

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.tracker import BLIND_S, FORGET_AFTER_S, Tracker


@dataclass(frozen=True)
class Drawn:
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def face(x: float, y: float = 200.0, size: float = 50.0) -> Drawn:
    box = np.array([x - size * 0.4, y - size / 2, x + size * 0.4, y + size / 2], np.float32)
    shape = np.array([[-0.2, -0.1], [0.2, -0.1], [0, 0.1], [-0.15, 0.25], [0.15, 0.25]], np.float32)
    return Drawn(box, shape * size + np.array([x, y], np.float32))


def test_a_walker_is_one_track() -> None:
    tracker = Tracker(count())
    seen = [tracker.update([face(100 + 8 * step, size=40 * 1.05**step)], step * 0.1).numbers for step in range(20)]
    assert set(seen) == {(0,)}


def test_two_crossing_people_keep_their_tracks() -> None:
    tracker = Tracker(count())
    first = tracker.update([face(100, 200), face(500, 215)], 0.0).numbers
    for step in range(1, 41):
        last = tracker.update([face(100 + 10 * step, 200), face(500 - 10 * step, 215)], step * 0.1).numbers
    assert last == first


def test_a_short_gap_does_not_split_and_a_long_one_does() -> None:
    tracker = Tracker(count())
    tracker.update([face(100)], 0.0)
    tracker.update([face(105)], 0.1)
    assert tracker.update([], 0.5).ended == ()
    assert tracker.update([face(130)], 0.6).numbers == (0,)
    assert tracker.update([], 0.6 + FORGET_AFTER_S + 0.01).ended == (0,)
    assert tracker.update([face(130)], 2.0).numbers == (1,)


def test_a_busy_box_that_skips_a_second_keeps_its_people_but_not_for_longer() -> None:
    tracker = Tracker(count())
    tracker.update([face(100)], 0.0)
    assert tracker.update([face(105)], FORGET_AFTER_S + 0.2).numbers == (0,)
    assert tracker.update([face(105)], FORGET_AFTER_S + 0.3 + BLIND_S).numbers == (1,)


def test_a_cut_ends_every_track_although_the_next_face_is_in_the_same_place() -> None:
    tracker = Tracker(count())
    tracker.update([face(100), face(300)], 0.0)
    update = tracker.update([face(100)], 0.1, cut=True)
    assert update.ended == (0, 1)
    assert update.numbers == (2,)


def test_a_face_twice_as_large_in_the_same_place_is_somebody_else() -> None:
    tracker = Tracker(count())
    tracker.update([face(100, size=40)], 0.0)
    assert tracker.update([face(100, size=80)], 0.1).numbers == (1,)


def test_unseen_boxes_are_those_of_people_not_detected_now() -> None:
    tracker = Tracker(count())
    tracker.update([face(100), face(300)], 0.0)
    tracker.update([face(100)], 0.1)
    (box,) = tracker.unseen_boxes(0.1)
    assert np.allclose(box, face(300).box)


_steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 1000), st.floats(15, 300)), max_size=8),
        st.floats(0.0, 2.0),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(_steps)
def test_numbers_are_unique_within_a_frame_and_never_return_after_their_end(
    steps: list[tuple[list[tuple[float, float, float]], float, bool]],
) -> None:
    tracker, now_s = Tracker(count()), 0.0
    ended: set[int] = set()
    known: set[int] = set()
    for faces, pause_s, cut in steps:
        now_s += pause_s
        update = tracker.update([face(*place) for place in faces], now_s, cut=cut)
        assert len(set(update.numbers)) == len(faces)
        assert not ended.intersection(update.ended)
        ended.update(update.ended)
        assert not ended.intersection(update.numbers)
        if cut:
            assert not known.intersection(update.numbers)
        known.update(update.numbers)
    ended.update(tracker.finish())
    assert ended == known
    assert not tracker.alive
