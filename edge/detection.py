"""Faces of a whole frame, looked for at the smallest size that still shows them."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.pixels import Image, Raster
from yingbin.faces.face import Face

_DETECTABLE_PX: Final = 15
"""Height a face must keep after scaling for the detector to find it reliably."""
_MIN_LONG_SIDE_PX: Final = 640
_MAX_LONG_SIDE_PX: Final = 1280
_GRID_PX: Final = 32


class Engine(Protocol):
    """What the pipeline needs of `yingbin.faces.engine.FaceEngine`; re-entrant."""

    def detect(self, image: Image, input_size: tuple[int, int] = ...) -> list[Face]:
        """Return the faces of a BGR image; `input_size` is (width, height) of the detector."""

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        """Return the vector of a detected face: fp32 (d,), unit length."""


def find_faces(raster: Raster, engine: Engine, min_face_px: int, *, near_only: bool) -> tuple[list[Face], float]:
    """Return the faces, in px of the whole frame, and how large one such px is in the detector's input.

    With `near_only` at half the size and a third of the cost: faces under twice `min_face_px` are missed.
    """
    size = detector_size(raster.width, raster.height, min_face_px)
    if near_only:
        size = _on_grid(size[0] / 2), _on_grid(size[1] / 2)
    ratio = min(1.0, size[0] / raster.width, size[1] / raster.height)
    small = raster.scaled(round(raster.width * ratio), round(raster.height * ratio))
    scale = np.array([raster.width / small.shape[1], raster.height / small.shape[0]], np.float32)
    found = engine.detect(small, size)
    return [Face(face.box * np.tile(scale, 2), face.landmarks * scale, face.score) for face in found], ratio


def detector_size(width: int, height: int, min_face_px: int) -> tuple[int, int]:
    """Return the smallest detector input (width, height; multiples of 32) that still shows faces of `min_face_px`."""
    long_side = max(width, height)
    wanted = long_side * _DETECTABLE_PX / min_face_px
    scale = min(max(wanted, _MIN_LONG_SIDE_PX), _MAX_LONG_SIDE_PX, long_side) / long_side
    return _on_grid(width * scale), _on_grid(height * scale)


def _on_grid(side: float) -> int:
    return max(_GRID_PX, int(np.ceil(side / _GRID_PX)) * _GRID_PX)
