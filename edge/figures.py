"""What a box and its cameras count for whoever operates them; nothing here needs a web framework."""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.detection import Engine
from yingbin.faces.face import Face
from yingbin.wire import CameraState

Image = NDArray[np.uint8]

PACE_S: Final = 5.0
"""Frames a second are counted over so long."""


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


class Pace:
    """Frames a second over the last interval, from a counter that is read now and then. Pure; time is passed in."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self._since_s = float("-inf")
        self._frames = 0

    def note(self, frames: int, now_s: float) -> None:
        """Take the counter as of `now_s`; between two intervals it costs nothing to ask often."""
        elapsed_s = now_s - self._since_s
        if elapsed_s >= PACE_S:
            self.per_s = (frames - self._frames) / elapsed_s
            self._frames, self._since_s = frames, now_s


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera as of now; all but `state`, `detail` and `fps` only grow."""

    camera_id: str
    state: CameraState | None
    detail: str
    fps: float
    frames: int
    damaged: int
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
    gallery: int
