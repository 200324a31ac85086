from hypothesis import given
from hypothesis import strategies as st

from edge.outbox import MAX_AGE_S, Outbox
from yingbin.wire import FaceEvent


def event(track: int, seq: int = 0) -> FaceEvent:
    return FaceEvent("cam-1", "pia-1", track, seq, 0, 0, 60, 0.5, 1, b"")


def names(events: list[FaceEvent]) -> list[tuple[int, int]]:
    return [(e.track, e.seq) for e in events]


def test_events_go_out_once_in_order() -> None:
    box = Outbox()
    for track in range(3):
        box.add(event(track), 0.0)
    assert names(box.take_unsent(0.0)[0]) == [(0, 0), (1, 0), (2, 0)]
    assert box.take_unsent(0.0) == ([], [])


def test_unanswered_events_are_sent_again_under_the_same_name_after_a_loss() -> None:
    box = Outbox()
    box.add(event(0), 0.0)
    box.add(event(1), 0.0)
    box.take_unsent(0.0)
    assert box.settle(0, 0) == event(0)
    box.connection_lost()
    assert names(box.take_unsent(1.0)[0]) == [(1, 0)]


def test_a_second_answer_changes_nothing() -> None:
    box = Outbox()
    box.add(event(0), 0.0)
    assert box.settle(0, 0) is not None
    assert box.settle(0, 0) is None
    assert len(box) == 0


def test_a_full_box_drops_the_oldest_look_of_the_oldest_track_and_counts_it() -> None:
    box = Outbox(capacity=3)
    for track, seq in [(5, 1), (5, 0), (6, 0)]:
        box.add(event(track, seq), 0.0)
    assert names(box.add(event(7), 0.0)) == [(5, 0)]
    assert box.dropped == 1
    assert names(box.take_unsent(0.0)[0]) == [(5, 1), (6, 0), (7, 0)]


def test_C2_nothing_is_held_longer_than_ten_minutes() -> None:
    box = Outbox()
    box.add(event(0), 0.0)
    box.add(event(1), 300.0)
    ready, gone = box.take_unsent(MAX_AGE_S + 1)
    assert (names(ready), names(gone)) == ([(1, 0)], [(0, 0)])
    assert box.expired == 1


@given(
    st.lists(st.one_of(st.tuples(st.integers(0, 5), st.integers(0, 3)), st.sampled_from(["take", "lose"])), max_size=60)
)
def test_whatever_happens_it_is_bounded_and_loses_nothing_silently(steps: list[tuple[int, int] | str]) -> None:
    box, admitted, gone = Outbox(capacity=4), set(), []
    for step in steps:
        if step == "take":
            box.take_unsent(0.0)
        elif step == "lose":
            box.connection_lost()
        elif isinstance(step, tuple) and step not in admitted:
            admitted.add(step)
            gone += names(box.add(event(*step), 0.0))
        assert len(box) <= 4
    box.connection_lost()
    held = names(box.take_unsent(0.0)[0])
    assert sorted(held + gone) == sorted(admitted)
    assert box.dropped == len(gone)
