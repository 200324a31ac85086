"""While the city is away people come and go: what waits for its answer is bounded, however long that is."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from edge.frame import Frame
from edge.pipeline import UNANSWERED_KEPT, BoxIdentity, Pipeline
from edge.pixels import Image
from edge.report import TrackReport
from yingbin.faces.face import Face
from yingbin.galleries.protect import Vector, normalise
from yingbin.wire import Outcome

PEOPLE = 3 * UNANSWERED_KEPT


class OneFace:
    """Sees one face in the middle of every picture: somebody else each time."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)

    def detect(self, image: Image, *_: Any, **__: Any) -> list[Face]:
        scale = np.float32(image.shape[1] / 640)
        points = np.array([[290, 160], [350, 160], [320, 190], [295, 220], [345, 220]], np.float32)
        return [Face(np.array([250, 100, 390, 260], np.float32) * scale, points * scale, 0.95)]

    def embed(self, *_: Any) -> Vector:
        return normalise(self._rng.standard_normal(128).astype(np.float32))


def test_an_outage_keeps_no_more_than_so_many_pictures_and_loses_no_look(
    identity: BoxIdentity, numbers: Iterator[int]
) -> None:
    over: list[TrackReport] = []
    pipeline = Pipeline("cam-1", OneFace(), identity, numbers, on_track_over=over.append)
    noise = np.random.default_rng(2).integers(0, 255, (90, 160, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    scenes = [noise // 4, 255 - noise // 4]  # each a cut against the other: whoever was there has gone
    looks = []
    for index in range(4 * PEOPLE):
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(scenes[index // 4 % 2]), format="bgr24")
        looks += pipeline.process(Frame(index, index * 0.25, index * 250, picture), "pia-1")
    assert {look.event.track for look in looks} == set(range(PEOPLE))
    assert len(pipeline._people) <= UNANSWERED_KEPT + 1
    assert len(over) >= PEOPLE - UNANSWERED_KEPT - 1
    for look in looks:  # the city is back; who was let go is not missed
        pipeline.answered(look.event.track, look.event.seq, Outcome.NOT_ENROLLED)
    pipeline.end_of_stream("pia-1")
    assert len(over) == PEOPLE
