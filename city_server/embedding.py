"""Picture mode: a face crop becomes a probe in the city's domain. The picture lives as long as the call (C2).

Here the city sees raw vectors, which in feature mode it never does: DESIGN 5.
"""

from typing import Final

import cv2
import numpy as np
from anyio import CapacityLimiter, to_thread

from city_server.photos import BadPhoto, check_jpeg
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face, Image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import Transform, Vector, apply, normalise
from yingbin.wire import MAX_FACE_PICTURE_BYTES, FacePicture

MAX_SIDE_PX: Final = 640
"""Boxes send about 300 px. Checked before decoding: a few kB of JPEG can claim gigabytes of pixels."""
_LANDMARK_BYTES: Final = 5 * 2 * 4
_MIN_EYES_PX: Final = 4.0


class Embedder:
    """One engine, loaded with the first picture; one picture at a time, in a worker thread, never on the event loop."""

    def __init__(self, pack: ModelPack) -> None:
        self._pack = pack
        self._engine: FaceEngine | None = None
        self._one_at_a_time = CapacityLimiter(1)

    async def probe(self, look: FacePicture, raw_to_city: Transform) -> Vector:
        """Return the face's unit probe, fp32 (d,), in the city's domain; aligned where the box says that it is.

        Raises `BadPhoto`, or `PackMismatch` when the pack's models cannot be run.
        """
        check_jpeg(look.jpeg, max_bytes=MAX_FACE_PICTURE_BYTES, max_side_px=MAX_SIDE_PX)
        return await to_thread.run_sync(self._probe, look, raw_to_city, limiter=self._one_at_a_time)

    def _probe(self, look: FacePicture, raw_to_city: Transform) -> Vector:
        picture = _decode(look.jpeg)
        face = _face(look.landmarks, picture)
        if self._engine is None:
            self._engine = FaceEngine.load(self._pack)
        return normalise(apply(raw_to_city, self._engine.embed(picture, face)))


def _decode(jpeg: bytes) -> Image:
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise BadPhoto("the picture cannot be decoded")
    return np.asarray(picture, np.uint8)


def _face(raw: bytes, picture: Image) -> Face:
    """Return the face at these landmarks, (5, 2) little-endian fp32 px. Raises `BadPhoto` when none can be there."""
    height, width = picture.shape[:2]
    if len(raw) != _LANDMARK_BYTES:
        raise BadPhoto(f"landmarks of {len(raw)} bytes; five points are {_LANDMARK_BYTES}")
    points = np.frombuffer(raw, "<f4").astype(np.float32).reshape(5, 2)
    inside = bool(np.all((points >= 0) & (points <= (width, height))))
    if not inside or float(np.linalg.norm(points[1] - points[0])) < _MIN_EYES_PX:
        raise BadPhoto("the landmarks are not those of a face in the picture")
    return Face(np.array([0, 0, width, height], np.float32), points, 1.0)
