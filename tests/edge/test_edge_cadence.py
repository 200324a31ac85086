from edge.cadence import (
    BACKGROUND_S,
    FOLLOWING_S,
    IMPROVING_S,
    NEW_S,
    SEARCHING_S,
    STILL_S,
    Open,
    interval_s,
    near_only,
)
from edge.motion import Change


def test_a_scene_cut_is_searched_at_once() -> None:
    assert interval_s(Change.CUT, []) == 0.0


def test_the_detector_hurries_only_while_somebody_new_awaits_his_first_look() -> None:
    new, old = Open(0.2, sent=False), Open(NEW_S + 1, sent=False)
    looked_at = Open(0.5, sent=True)
    assert interval_s(Change.MOTION, [looked_at, new]) == SEARCHING_S
    assert interval_s(Change.MOTION, [looked_at, old]) == interval_s(Change.STILL, [old]) == IMPROVING_S
    assert interval_s(Change.MOTION, []) == FOLLOWING_S
    assert interval_s(Change.STILL, []) == STILL_S
    assert SEARCHING_S < IMPROVING_S < FOLLOWING_S < STILL_S


def test_the_detector_looks_at_half_the_size_only_while_everybody_is_near_and_the_background_was_seen_lately() -> None:
    assert near_only(40, [120.0, 300.0], BACKGROUND_S / 2)
    assert not near_only(40, [120.0, 60.0], BACKGROUND_S / 2)
    assert not near_only(40, [120.0], BACKGROUND_S)
    assert not near_only(40, [], 0.0)
