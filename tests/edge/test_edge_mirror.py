"""A person and his reflection in a glass door, both moving: a few looks, whatever the city answers."""

from collections.abc import Iterator

import av
import cv2
import numpy as np
import pytest
from edge_builders import CountingEngine, Image

from edge.bestshot import SEEN_AGAIN_S
from edge.frame import Frame
from edge.pipeline import BoxIdentity, Look, Pipeline
from edge.report import TrackReport
from yingbin.faces.engine import FaceEngine
from yingbin.galleries.decide import MAX_LOOKS
from yingbin.wire import Outcome

RATE, SECONDS = 10, 20
WIDTH, HEIGHT = 1280, 720
PANES = ((60, 560), (720, 1220))
"""Between the panes of the door, for more than a second, the reflection is gone."""


@pytest.fixture
def over() -> list[TrackReport]:
    return []


@pytest.fixture
def pipeline(
    engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int], over: list[TrackReport]
) -> Pipeline:
    return Pipeline("cam-1", engine, identity, numbers, on_track_over=over.append)


@pytest.fixture
def head(real_engine: FaceEngine, group_photo: Image) -> Image:
    """Return a face with its surroundings, 120 px high."""
    face = max(real_engine.detect(group_photo, (1280, 896)), key=lambda one: one.score)
    left, top, right, bottom = (face.box + np.array([-30, -30, 30, 30])).astype(int)
    scale = 120 / (bottom - top)
    return np.asarray(cv2.resize(group_photo[top:bottom, left:right], None, fx=scale, fy=scale), np.uint8)


def hall(head: Image) -> Iterator[Frame]:
    """Walk him to and fro; his reflection, mirrored and darker, comes the other way on the glass behind him."""
    wall = np.linspace(60, 190, HEIGHT).astype(np.uint8)[:, None, None].repeat(WIDTH, axis=1).repeat(3, axis=2)
    ghost = np.asarray(cv2.convertScaleAbs(head[:, ::-1], alpha=0.7, beta=10), np.uint8)
    high, wide = head.shape[:2]
    for number in range(RATE * SECONDS):
        across = 0.5 - 0.45 * np.cos(2 * np.pi * number / RATE / 10)  # 10 s to the other side and back
        image = wall.copy()
        x = round((1 - across) * (WIDTH - wide))
        if any(left <= x <= right - wide for left, right in PANES):
            image[80 : 80 + high, x : x + wide] = ghost
        x = round(across * (WIDTH - wide))
        image[400 : 400 + high, x : x + wide] = head
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        yield Frame(number, number / RATE, number * 1000 // RATE, picture)


AT_MOST = {
    Outcome.NOT_ENROLLED: 1,
    Outcome.MATCHED: 1 + SECONDS // int(SEEN_AGAIN_S),
    Outcome.BETTER_SHOT: MAX_LOOKS,
}


@pytest.mark.parametrize("outcome", AT_MOST)
def test_a_moving_reflection_is_one_track_more_and_not_a_thousand_events(
    pipeline: Pipeline, head: Image, over: list[TrackReport], outcome: Outcome
) -> None:
    looks: list[Look] = []
    for frame in hall(head):
        new = pipeline.process(frame, "pia-1")
        looks += new
        for look in new:
            pipeline.answered(look.event.track, look.event.seq, outcome)
    pipeline.end_of_stream("pia-1")
    pipeline.abandon()
    tracks = [look.event.track for look in looks]
    assert set(tracks) == {track.track for track in over} == {0, 1}
    assert all(tracks.count(track) <= AT_MOST[outcome] for track in (0, 1))
    assert pipeline.report.faces > 50
