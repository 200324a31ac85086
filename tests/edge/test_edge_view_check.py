"""The view of a camera, as pictures with their times: no clock, no thread."""

import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from edge_builders import Image
from numpy.typing import NDArray

from edge.view_check import SAMPLE_SIZE, Finding, ViewCheck
from yingbin.wire import CameraState

Picture = Callable[[], Image]
Room = NDArray[np.float32]


class Watch:
    """Looks once a second and collects what is told."""

    def __init__(self, frozen_after_s: float = 30.0) -> None:
        self.check = ViewCheck(frozen_after_s=frozen_after_s)
        self.now_s = 1_000.0
        self.told: list[CameraState] = []

    def see(self, picture: Picture, seconds: int, step_s: float = 1.0) -> list[CameraState]:
        """Return what was told while looking at `picture` for so long."""
        before = len(self.told)
        for _ in range(seconds):
            self.now_s += step_s
            found = self.check.look(picture(), self.now_s)
            if found is not None:
                self.told.append(found.state)
        return self.told[before:]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def room(group_photo: Image) -> Room:
    grey = cv2.cvtColor(group_photo, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, SAMPLE_SIZE, interpolation=cv2.INTER_AREA), np.float32)


def noisy(scene: Room, level: float = 2.0) -> Picture:
    fields = [np.random.default_rng(seed).normal(0, level, scene.shape).astype(np.float32) for seed in range(3)]
    pictures = itertools.cycle([np.clip(scene + field, 0, 255).astype(np.uint8) for field in fields])
    return lambda: next(pictures)


def blurred(scene: Room, sigma: float) -> Picture:
    return noisy(np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32), 0.6)


def test_an_ordinary_day_tells_nothing(watch: Watch, room: Room) -> None:
    assert watch.see(noisy(room), 90) == []
    for light in np.linspace(1.0, 0.3, 40):  # dusk, and back
        assert watch.see(noisy(room * light), 3) == []
    for light in np.linspace(0.3, 1.0, 10):  # lamps go on
        assert watch.see(noisy(room * light), 3) == []


def test_people_passing_close_to_the_camera_tell_nothing(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 90)
    for left in range(0, 400, 40):
        close = room.copy()
        close[60:, left : left + 240] = 90
        assert watch.see(noisy(close), 4) == []


def test_a_frozen_picture_is_told_once_and_so_is_its_return(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 10)
    still = noisy(room)()
    assert watch.see(lambda: still, 29) == []
    assert watch.see(lambda: still, 120) == [CameraState.FROZEN]
    assert watch.see(noisy(room), 20) == [CameraState.RUNNING]


def test_a_stutter_is_not_frozen(watch: Watch, room: Room) -> None:
    picture = noisy(room)
    for _ in range(8):
        still = itertools.repeat(picture())
        assert watch.see(lambda still=still: next(still), 25) == []  # type: ignore[misc]


def test_black_and_night_are_dark(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 70)
    assert watch.see(noisy(np.zeros_like(room), 6.0), 60) == [CameraState.DARK]
    assert watch.see(noisy(room * 0.16), 60) == []  # a glimmer is not yet light: no flutter at the limit
    assert watch.see(noisy(room), 60) == [CameraState.RUNNING]


def test_a_covered_lens_is_dark_only_after_a_while(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 70)
    for _ in range(5):
        assert watch.see(noisy(np.zeros_like(room)), 4) == []
        assert watch.see(noisy(room), 4) == []


def test_a_lens_out_of_focus_against_its_own_history(watch: Watch, room: Room) -> None:
    watch.see(noisy(room, 0.6), 90)
    assert watch.see(blurred(room, 3), 60) == [CameraState.BLURRED]
    assert watch.see(noisy(room, 0.6), 30) == [CameraState.RUNNING]


def test_a_camera_that_was_never_sharp_is_not_blurred(watch: Watch, room: Room) -> None:
    assert watch.see(blurred(room, 3), 300) == []


def test_a_turned_camera_is_told_and_turning_it_back_too(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 90)
    assert watch.see(noisy(np.roll(room, 120, axis=1)), 60) == [CameraState.MOVED]
    assert watch.see(noisy(room), 30) == [CameraState.RUNNING]


def test_a_view_that_stays_becomes_the_usual_one(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 90)
    turned = np.roll(room, 120, axis=1)
    assert watch.see(noisy(turned), 400, step_s=10.0) == [CameraState.MOVED, CameraState.RUNNING]
    assert watch.see(noisy(turned), 100) == []


def test_nothing_is_compared_before_the_usual_view_is_known(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 30)
    assert watch.see(noisy(np.roll(room, 120, axis=1)), 25) == []


def test_the_finding_of_now_has_a_sentence_for_branch_it(watch: Watch, room: Room) -> None:
    watch.see(noisy(room), 10)
    assert watch.check.finding == Finding(CameraState.RUNNING, "")
    watch.see(noisy(np.zeros_like(room)), 10)
    assert watch.check.finding.state is CameraState.DARK
    assert "lens" in watch.check.finding.detail
