from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from edge.outbox import MAX_AGE_S, WINDOW, Kept, Outbox, key_of
from yingbin.local_wire import LocalHit
from yingbin.wire import FaceEvent, FaceLook


def event(track: int, seq: int = 0, boot: str = "") -> FaceEvent:
    return FaceEvent("cam-1", "pia-1", track, seq, 0, 0, 60, 0.5, 1, b"", boot)


def names(events: list[FaceLook]) -> list[tuple[int, int]]:
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
    assert box.settle(("", 0, 0)) == event(0)
    box.connection_lost()
    assert names(box.take_unsent(1.0)[0]) == [(1, 0)]


def test_a_second_answer_changes_nothing() -> None:
    box = Outbox()
    box.add(event(0), 0.0)
    assert box.settle(("", 0, 0)) is not None
    assert box.settle(("", 0, 0)) is None
    assert len(box) == 0


def test_an_earlier_boots_event_of_the_same_track_is_another_event() -> None:
    box = Outbox()
    box.restore(Kept(event(0, boot="old"), 0.0), 5.0)
    box.add(event(0), 5.0)
    assert box.settle(("", 0, 0)) == event(0)
    assert box.take_unsent(5.0)[0] == [event(0, boot="old")]


def test_a_full_box_drops_further_looks_before_first_ones_the_oldest_first_and_counts_them() -> None:
    box = Outbox(capacity=4)
    for track, seq in [(5, 0), (6, 1), (7, 0), (8, 2)]:
        box.add(event(track, seq), 0.0)
    gone = [names(box.add(event(track), 0.0)) for track in (9, 10, 11)]
    assert gone == [[(6, 1)], [(8, 2)], [(5, 0)]]
    assert box.dropped == 3
    assert names(box.take_unsent(0.0)[0]) == [(7, 0), (9, 0), (10, 0), (11, 0)]


def test_C2_nothing_is_held_longer_than_ten_minutes() -> None:
    box = Outbox()
    box.add(event(0), 0.0)
    box.add(event(1), 300.0)
    ready, gone = box.take_unsent(MAX_AGE_S + 1)
    assert (names(ready), names(gone)) == ([(1, 0)], [(0, 0)])
    assert box.expired == 1


def test_a_backlog_goes_out_a_window_at_a_time() -> None:
    box = Outbox()
    for track in range(WINDOW + 5):
        box.add(event(track), 0.0)
    assert len(box.take_unsent(0.0)[0]) == WINDOW
    assert box.take_unsent(0.0)[0] == []
    box.settle(("", 3, 0))
    assert names(box.take_unsent(0.0)[0]) == [(WINDOW, 0)]


def test_not_now_puts_an_event_back_in_its_place_and_waits_longer_each_time() -> None:
    box = Outbox()
    for track in range(3):
        box.add(event(track), 0.0)
    box.take_unsent(0.0)
    box.settle(("", 0, 0))
    for track in (2, 1):
        box.postpone(("", track, 0), 0.0)
    assert box.take_unsent(0.4)[0] == []
    assert names(box.take_unsent(0.5)[0]) == [(1, 0), (2, 0)]
    box.postpone(("", 1, 0), 1.0)
    assert box.take_unsent(1.9)[0] == []
    assert names(box.take_unsent(2.0)[0]) == [(1, 0)]


def test_the_city_is_gone_for_five_minutes_under_load_nothing_lost_nothing_twice() -> None:
    """Simulated time: five looks a second, before, during and after; the city limits itself to 100 a second."""
    box, answered, admitted = Outbox(), [], 0
    on_the_way: deque[FaceLook] = deque()
    for tick in range(10 * 420):
        now_s = tick / 10
        if tick % 2 == 0 and now_s < 400:
            assert box.add(event(admitted), now_s) == []
            admitted += 1
        if now_s == 60.0:
            on_the_way.clear()
            box.connection_lost()
        if 60 <= now_s < 360:
            continue
        on_the_way.extend(box.take_unsent(now_s)[0])
        for number in range(min(len(on_the_way), 15)):
            look = on_the_way.popleft()
            if number < 10:
                answered.append(look.track)
                box.settle(key_of(look))
            else:
                box.postpone(key_of(look), now_s)
    assert sorted(answered) == list(range(admitted)) == list(range(2000))
    assert (box.dropped, box.expired, len(box)) == (0, 0, 0)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 5), st.integers(0, 3)), st.sampled_from(["take", "lose", "not now", "settle"])
        ),
        max_size=60,
    )
)
def test_whatever_happens_it_is_bounded_and_loses_nothing_silently(steps: list[tuple[int, int] | str]) -> None:
    box, admitted, gone, settled = Outbox(capacity=4), set(), [], []
    under_way: list[FaceLook] = []
    for now_s, step in enumerate(steps):
        if step == "take":
            under_way += box.take_unsent(now_s)[0]
        elif step == "lose":
            box.connection_lost()
            under_way = []
        elif step in {"not now", "settle"} and under_way:
            look = under_way.pop(0)
            if step == "settle":
                settled += [look] if box.settle(key_of(look)) else []
            else:
                box.postpone(key_of(look), now_s)
        elif isinstance(step, tuple) and step not in admitted:
            admitted.add(step)
            gone += names(box.add(event(*step), now_s))
        assert len(box) <= 4
    box.connection_lost()
    held = names(box.take_unsent(len(steps))[0])
    assert sorted(held + gone + names(settled)) == sorted(admitted)
    assert box.dropped == len(gone)


def test_C2_vectors_of_a_camera_that_may_send_none_are_withheld_and_everything_else_waits_on() -> None:
    box = Outbox()
    hit = LocalHit("cam-1", "pia-1", 2, 0, 0, 0, 60, 0.5, 1, "customer-1")
    elsewhere = FaceEvent("cam-2", "pia-1", 3, 0, 0, 0, 60, 0.5, 1, b"")
    for look in (event(0, boot="before"), event(1), hit, elsewhere):
        box.add(look, 0.0)
    box.take_unsent(0.0)
    assert box.withhold({"cam-1"}) == [event(0, boot="before"), event(1)]
    box.connection_lost()
    assert box.take_unsent(0.0)[0] == [hit, elsewhere]
