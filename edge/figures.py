"""What a box and its cameras count for whoever operates them; nothing here needs a web framework."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.pipeline import Engine
from yingbin.faces.face import Face
from yingbin.wire import CameraState

Image = NDArray[np.uint8]


class MeasuredEngine:
    """One camera's way to the engine: counts calls and their time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.detections = self.embeddings = 0
        self.detect_s = self.embed_s = 0.0

    def detect(self, image: Image, input_size: tuple[int, int] = (640, 640)) -> list[Face]:
        """As `Engine.detect`."""
        began_s = time.perf_counter()
        faces = self._engine.detect(image, input_size)
        self.detect_s += time.perf_counter() - began_s
        self.detections += 1
        return faces

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        """As `Engine.embed`."""
        began_s = time.perf_counter()
        vector = self._engine.embed(image, face)
        self.embed_s += time.perf_counter() - began_s
        self.embeddings += 1
        return vector


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera as of now; all but `state` and `detail` only grow."""

    camera_id: str
    state: CameraState | None
    detail: str
    frames: int
    faces: int
    tracks: int
    reconnects: int
    engine: MeasuredEngine


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """The whole box as of now."""

    cameras: tuple[CameraFigures, ...]
    events: int
    events_lost: int
    events_waiting: int
    connected: bool
