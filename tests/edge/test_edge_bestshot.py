from hypothesis import given
from hypothesis import strategies as st

from edge.bestshot import (
    CLEARLY_BETTER,
    FIRST_LOOK_QUALITY,
    LARGE_LOOK_QUALITY,
    LARGE_PX,
    LAST_CHANCE_QUALITY,
    MAX_WAIT_S,
    MIN_SPACING_S,
    MOVED,
    PATIENCE_S,
    SEEN_AGAIN_S,
    Shot,
    ShotPicker,
    Stage,
    weight,
)
from yingbin.galleries.decide import MAX_LOOKS
from yingbin.wire import Outcome

GOOD = FIRST_LOOK_QUALITY * 2


def shot(at_s: float, value: float = GOOD, height_px: float = 50.0, x: float | None = None) -> Shot[str]:
    """Return a shot of somebody who walks, or of a face that stays at `x`."""
    return Shot(at_s, height_px, value, f"{at_s:.1f}", (100 * at_s if x is None else x, 50.0))


def picker() -> ShotPicker[str]:
    return ShotPicker(min_face_px=40)


def looked(value: float = GOOD, outcome: Outcome = Outcome.BETTER_SHOT) -> ShotPicker[str]:
    """Return a track whose first look, at 0 s, has been answered."""
    track = picker()
    track.see(shot(0.0, value, 80.0))
    assert track.choose(0.0) is not None
    assert track.sent(0.0) == 0
    track.answered(outcome)
    return track


def test_a_large_face_is_looked_at_without_waiting() -> None:
    track = picker()
    track.see(shot(0.0, height_px=80.0))
    assert track.choose(0.0) == shot(0.0, height_px=80.0)


def test_a_small_face_that_gets_better_waits_a_quarter_of_a_second() -> None:
    track = picker()
    track.see(shot(0.0))
    assert track.choose(0.0) is None
    track.see(shot(0.1, GOOD * 1.1))
    assert track.choose(0.1) is None
    assert track.choose(MAX_WAIT_S) == shot(0.1, GOOD * 1.1)


def test_a_small_face_that_no_longer_gets_better_goes_with_its_best_shot() -> None:
    track = picker()
    track.see(shot(0.0))
    track.see(shot(0.1, GOOD * 0.9))
    assert track.choose(0.1) == shot(0.0)


def test_too_small_or_too_poor_faces_wait() -> None:
    for hopeful in (shot(0.0, height_px=39.0), shot(0.0, value=FIRST_LOOK_QUALITY * 0.9, height_px=90.0)):
        track = picker()
        track.see(hopeful)
        assert track.choose(5.0) is None


def test_a_large_face_may_be_turned_away() -> None:
    track = picker()
    track.see(shot(0.0, LARGE_LOOK_QUALITY, LARGE_PX))
    assert track.choose(0.0) is not None


def test_at_its_end_an_unsent_track_is_sent_once() -> None:
    track = picker()
    track.see(shot(0.0, LAST_CHANCE_QUALITY, 30.0))
    track.end()
    assert not track.closed
    assert track.choose(0.0) is not None
    track.sent(0.0)
    assert track.choose(9.0) is None


def test_at_its_end_a_hopeless_track_is_not_sent() -> None:
    track = picker()
    track.see(shot(0.0, LAST_CHANCE_QUALITY * 0.9))
    track.end()
    assert track.choose(9.0) is None
    assert track.closed


def test_good_shots_outweigh_poor_ones_and_poor_ones_weigh_the_same() -> None:
    assert weight(2 * GOOD) == 8 * weight(GOOD)
    assert weight(LAST_CHANCE_QUALITY) == weight(FIRST_LOOK_QUALITY) < weight(GOOD)


def test_nothing_is_sent_while_an_answer_is_awaited() -> None:
    track = picker()
    track.see(shot(0.0, height_px=80.0))
    track.choose(0.0)
    track.sent(0.0)
    track.see(shot(5.0, 1.0, 200.0))
    assert track.choose(5.0) is None


def test_a_further_look_needs_the_citys_wish_a_clearly_better_shot_and_a_pause() -> None:
    track = looked()
    track.see(shot(0.1, GOOD * CLEARLY_BETTER * 1.01))
    assert track.choose(MIN_SPACING_S - 0.01) is None
    assert track.choose(MIN_SPACING_S) is not None


def test_without_a_better_shot_a_fresh_one_is_fused_after_patience() -> None:
    track = looked()
    at_s = 0.0
    for patience_s in PATIENCE_S:
        track.see(shot(at_s + 0.1))
        assert track.choose(at_s + patience_s - 0.01) is None
        assert track.choose(at_s + patience_s + 0.001) == shot(at_s + 0.1)
        at_s += patience_s
        track.sent(at_s)
        track.answered(Outcome.BETTER_SHOT)
    assert track.looks == MAX_LOOKS
    assert track.closed


def test_a_face_that_does_not_move_is_looked_at_once() -> None:
    track = picker()
    track.see(shot(0.0, GOOD, 80.0, x=300.0))
    track.choose(0.0)
    track.sent(0.0)
    track.answered(Outcome.BETTER_SHOT)
    for step in range(1, 100):
        trembling = 300.0 + MOVED * 80 * 0.9 * (-1) ** step
        track.see(shot(step * 0.2, GOOD * 1.5, 80.0, x=trembling))
        assert track.choose(step * 0.2) is None
    track.see(shot(20.0, GOOD * 1.6, 80.0, x=300.0 + MOVED * 80 * 1.1))
    assert track.choose(20.0) is not None


def test_a_face_that_grows_in_its_place_has_moved() -> None:
    track = looked()
    track.see(shot(0.3, GOOD, 80.0 * (1 + MOVED * 1.1), x=0.0))
    assert track.choose(0.3) is not None


def test_an_answer_after_the_end_may_still_use_a_better_shot() -> None:
    track = picker()
    track.see(shot(0.0, height_px=80.0))
    track.choose(0.0)
    track.sent(0.0)
    track.see(shot(0.1, GOOD * 2, 90.0))
    track.end()
    assert not track.closed
    track.answered(Outcome.BETTER_SHOT)
    assert track.choose(0.1) == shot(0.1, GOOD * 2, 90.0)


def test_a_final_answer_ends_it() -> None:
    for outcome, stage in ((Outcome.MATCHED, Stage.MATCHED), (Outcome.NOT_ENROLLED, Stage.NOT_ENROLLED)):
        track = looked(outcome=outcome)
        track.see(shot(9.0, 1.0, 200.0))
        assert track.choose(9.0) is None
        assert (track.closed, track.stage) == (True, stage)


def test_who_is_back_goes_on_where_he_was() -> None:
    wanted = looked()
    wanted.end()
    assert wanted.closed
    assert wanted.resume(shot(2.0), 2.0, ended=False)
    assert wanted.sent(2.0) == 1
    assert looked(outcome=Outcome.MATCHED).resume(shot(SEEN_AGAIN_S), SEEN_AGAIN_S, ended=False)
    for quiet in (looked(outcome=Outcome.MATCHED), looked(outcome=Outcome.NOT_ENROLLED)):
        quiet.end()
        assert not quiet.resume(shot(2.0), 2.0, ended=False)
        assert quiet.closed


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.floats(0, 1), st.floats(10, 300)),
        st.tuples(st.just("answer"), st.sampled_from(Outcome), st.just(0.0)),
    ),
    max_size=80,
)


@given(_steps)
def test_never_more_looks_than_allowed_and_never_an_uninvited_one(
    steps: list[tuple[str, float | Outcome, float]],
) -> None:
    track, invited = picker(), True
    for number, (kind, value, height_px) in enumerate(steps):
        now_s = number * 0.2
        if kind == "see" and not isinstance(value, Outcome):
            track.see(Shot(now_s, height_px, value, "", (0.0, 0.0)))
        elif isinstance(value, Outcome) and track.stage is Stage.WAITING:
            track.answered(value)
            invited = value is Outcome.BETTER_SHOT
        if track.choose(now_s) is not None:
            assert invited
            track.sent(now_s)
            invited = False
    assert track.looks <= MAX_LOOKS
