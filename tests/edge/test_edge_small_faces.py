"""Small faces at 1080 lines: found from 60 px, followed down to 30 px, with the detector at its shipped size."""

import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from edge_builders import CountingEngine, Image, camera, raster_of
from numpy.typing import NDArray

from edge.camera import CameraHooks, CameraWorker
from edge.frame import Frame
from edge.pipeline import BoxIdentity, Pipeline
from edge.pixels import Raster
from edge.relook import look_again
from edge.report import TrackReport
from edge.source import Source
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face
from yingbin.wire import DEFAULT_MIN_FACE_PX

WIDTH, HEIGHT = 1920, 1080
RATE = 10


@pytest.fixture
def over() -> list[TrackReport]:
    return []


@pytest.fixture
def pipeline(
    engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int], over: list[TrackReport]
) -> Pipeline:
    return Pipeline("cam-1", engine, identity, numbers, on_track_over=over.append)


@pytest.fixture(scope="module")
def people(real_engine: FaceEngine, group_photo: Image) -> list[Face]:
    """Return the six of the group photo, from left to right."""
    return sorted(real_engine.detect(group_photo, (1280, 896)), key=lambda face: float(face.box[0]))


class Hall:
    """A wall of 1920x1080 px on which the group photo hangs at any scale, drifting to and fro by a pixel a frame."""

    def __init__(self, photo: Image) -> None:
        noise = np.random.default_rng(4).normal(0, 3, (HEIGHT, WIDTH, 1))
        level = np.linspace(70, 170, HEIGHT)[:, None, None] + noise
        self._wall = np.clip(level, 0, 255).astype(np.uint8).repeat(3, axis=2)
        self._photo = photo

    def frame(self, number: int, scale: float) -> tuple[Frame, NDArray[np.float32]]:
        """Return a frame, and the corner (x, y) of the photo in it."""
        small = cv2.resize(self._photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        left, top = 500 + abs(number % 40 - 20), 300
        image = self._wall.copy()
        image[top : top + small.shape[0], left : left + small.shape[1]] = small
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        return Frame(number, number / RATE, number * 1000 // RATE, picture), np.array([left, top], np.float32)


@pytest.fixture(scope="module")
def hall(group_photo: Image) -> Hall:
    return Hall(group_photo)


class Watch:
    """Counts, over the detections of a run, in how many each of some people was found."""

    def __init__(self, pipeline: Pipeline, people: list[Face]) -> None:
        self._people = people
        self.looks = 0
        self.found = [0] * len(people)
        self.scale, self.corner = 1.0, np.zeros(2, np.float32)
        pipeline.onlooker = self._saw

    def _saw(self, _: Raster, faces: list[Face]) -> None:
        self.looks += 1
        for number, person in enumerate(self._people):
            middle = person.landmarks.mean(axis=0) * self.scale + self.corner
            near = person.size_px * self.scale / 2
            self.found[number] += any(np.linalg.norm(face.landmarks.mean(axis=0) - middle) < near for face in faces)


@pytest.mark.parametrize("number", range(6))
def test_a_face_of_60_px_is_found_within_a_second(
    pipeline: Pipeline, hall: Hall, people: list[Face], number: int
) -> None:
    scale = 60 / people[number].size_px
    watch = Watch(pipeline, [people[number]])
    for index in range(RATE):
        frame, corner = hall.frame(index, scale)
        watch.scale, watch.corner = scale, corner
        pipeline.process(frame, "pia-1")
    assert watch.found[0] >= 1
    assert watch.found[0] >= watch.looks - 2


def test_a_track_that_began_at_60_px_goes_on_at_30_px(
    pipeline: Pipeline, hall: Hall, people: list[Face], over: list[TrackReport]
) -> None:
    heights = [person.size_px for person in people]
    away = np.geomspace(60 / min(heights), 30 / max(heights), 5 * RATE)
    scales = [*[float(away[0])] * RATE, *map(float, away), *[float(away[-1])] * 3 * RATE]
    watch = Watch(pipeline, people)
    for index, scale in enumerate(scales):
        if index == len(scales) - 3 * RATE:
            watch.looks, watch.found = 0, [0] * 6
        frame, corner = hall.frame(index, scale)
        watch.scale, watch.corner = scale, corner
        pipeline.process(frame, "pia-1")
    assert watch.looks >= 3
    assert watch.found == [watch.looks] * 6
    pipeline.abandon()
    assert len(over) == 6
    assert all(track.first_px60_ms >= 0 for track in over)


def test_how_small_a_face_may_be_is_the_citys_to_say(pipeline: Pipeline, group_clip: Path) -> None:
    pipeline.min_face_px = 200
    frames = list(Source(str(group_clip), pace=False).frames())
    assert [look for frame in frames for look in pipeline.process(frame, "pia-1")] == []
    assert len(pipeline.end_of_stream("pia-1")) == 6


def test_a_camera_follows_what_the_city_says_without_a_restart(pipeline: Pipeline, group_clip: Path) -> None:
    worker = CameraWorker(
        "cam-1",
        lambda: Source(str(group_clip), loop=True, pace=False),
        pipeline,
        CameraHooks(look=lambda _: None, status=lambda _: None),
        drain_timeout_s=1,
    )
    worker.allow(camera())
    worker.start()
    try:
        for wanted in (DEFAULT_MIN_FACE_PX, 57, 30):
            worker.allow(camera(min_face_px=wanted))
            deadline_s = time.monotonic() + 30
            while pipeline.min_face_px != wanted or not pipeline.report.frames:
                assert time.monotonic() < deadline_s
                time.sleep(0.01)
    finally:
        worker.halt()
        worker.join(10)


def test_only_who_is_missing_is_looked_for_again(
    engine: CountingEngine, real_engine: FaceEngine, group_photo: Image, people: list[Face]
) -> None:
    raster = raster_of(group_photo)
    expected = [person.box for person in people]
    assert look_again(raster, engine.detect, expected, people) == []
    assert engine.detected == 0
    (again,) = look_again(raster, engine.detect, expected, people[1:])
    assert engine.detected == 1
    assert np.abs(again.landmarks - people[0].landmarks).max() < 0.15 * people[0].size_px
    assert again.size_px == pytest.approx(people[0].size_px, rel=0.25)
    gone = people[0].box + np.array([2000, 0, 2000, 0], np.float32)
    assert look_again(raster, engine.detect, [gone], []) == []
    assert engine.detected == 1
