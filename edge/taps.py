"""The face in front of a camera at the moment somebody taps "use my face": looked for in the camera's own thread."""

import queue
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.bestshot import FIRST_LOOK_QUALITY
from edge.frame import Frame
from yingbin.faces.face import Face
from yingbin.faces.quality import assess
from yingbin.galleries.protect import Transform, apply, encode_probe
from yingbin.trust.consent import Purpose, galleries_for
from yingbin.wire import Camera

PATIENCE_S: Final = 1.5
"""So long after a tap a face that is good enough may still come."""
_TRY_EVERY_S: Final = 0.1
_DETECTOR_PX: Final = (640, 640)
"""The customer stands right before the machine: his face is large, whatever else is in the picture."""

Image = NDArray[np.uint8]


class Engine(Protocol):
    """What is needed of `yingbin.faces.engine.FaceEngine`; re-entrant."""

    def detect(self, image: Image, input_size: tuple[int, int] = ...) -> list[Face]:
        """Return the faces of a BGR image; `input_size` is (width, height) of the detector."""

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        """Return the vector of a detected face: fp32 (d,), unit length."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """Whoever stood there: his vector under the box's transform, encoded as in `FaceEvent`."""

    assessment_id: str
    vector: bytes


@dataclass(slots=True)
class _Waiting:
    answer: Future[Tapped | None]
    until_s: float


class Taps:
    """The taps at one camera. `ask` may be called from any thread; `serve` by the camera's, with every frame."""

    def __init__(self, engine: Engine, transform: Transform) -> None:
        self._engine = engine
        self._transform = transform
        self._asked: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._tried_s = float("-inf")

    def ask(self) -> Future[Tapped | None]:
        """Return who stands there, soon; None when no face is good enough, or this camera may not be used (C3)."""
        waiting = _Waiting(Future(), time.monotonic() + PATIENCE_S)
        self._asked.put(waiting)
        return waiting.answer

    def serve(self, frame: Frame, camera: Camera, now_ms: int) -> None:
        """Answer the taps that wait, if this frame shows a face that is good enough; the largest counts."""
        now_s = time.monotonic()
        if self._asked.empty() or now_s - self._tried_s < _TRY_EVERY_S:
            return
        self._tried_s = now_s
        waiting = [self._asked.get() for _ in range(self._asked.qsize())]
        waiting = [one for one in waiting if not one.answer.cancelled()]
        tapped, allowed = None, bool(galleries_for(camera, Purpose.TICKETING, now_ms))
        if waiting and allowed and camera.assessment is not None:
            vector = self._vector(frame, camera.min_face_px)
            tapped = Tapped(camera.assessment.assessment_id, vector) if vector else None
        for one in waiting:
            if tapped is None and allowed and now_s < one.until_s:
                self._asked.put(one)
            elif one.answer.set_running_or_notify_cancel():
                one.answer.set_result(tapped)

    def _vector(self, frame: Frame, min_face_px: int) -> bytes:
        image = frame.image()
        faces = [face for face in self._engine.detect(image, _DETECTOR_PX) if face.size_px >= min_face_px]
        largest = max(faces, key=lambda face: face.area_px, default=None)
        if largest is None or assess(image, largest).overall < FIRST_LOOK_QUALITY:
            return b""
        return encode_probe(apply(self._transform, self._engine.embed(image, largest)))
