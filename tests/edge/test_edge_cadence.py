from edge.cadence import FOLLOWING_S, IMPROVING_S, NEW_S, SEARCHING_S, STILL_S, Open, interval_s
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
