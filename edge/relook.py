"""A second look, small and cheap, for people whom the detector missed where the tracker expects them.

In the whole frame a face of 30 px of 1080 lines is 12 px high for the detector, and it finds two of five. Cut out and
enlarged it found all of them (the six faces of insightface's t1.jpg, 20 to 40 px, 24 looks at each size), at 1.2 ms.
"""

from collections.abc import Callable, Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.pixels import Raster
from yingbin.faces.face import Face, Image

Box = NDArray[np.float32]
Detect = Callable[[Image, tuple[int, int]], list[Face]]

_AROUND: Final = 3.0
"""Side of the square that is searched, in heights of the expected face: wherever the tracker would still take him."""
_SIDE_PX: Final = 128
"""Side of the detector's input: the expected face is 43 px high in it, enough for its landmarks too."""
_SAME: Final = 0.75
"""Two boxes whose middles are no further apart, in heights of the expected one, are of one person."""


def look_again(raster: Raster, detect: Detect, expected: Collection[Box], found: Collection[Face]) -> list[Face]:
    """Return the faces at `expected` boxes, f32 (4,) px of the whole frame, at which `found` has none; 1.2 ms for each.

    `detect` is `Engine.detect`. Whoever has left the frame is not looked for.
    """
    more: list[Face] = []
    for box in expected:
        if not _inside(raster, box) or any(_same(box, face) for face in (*found, *more)):
            continue
        there = [face for face in _search(raster, detect, box) if _same(box, face)]
        if there:
            more.append(max(there, key=lambda face: face.score))
    return more


def _search(raster: Raster, detect: Detect, box: Box) -> list[Face]:
    middle, half = _middle(box), _AROUND / 2 * float(box[3] - box[1])
    left, right = np.clip([middle[0] - half, middle[0] + half], 0, raster.width).astype(int)
    top, bottom = np.clip([middle[1] - half, middle[1] + half], 0, raster.height).astype(int)
    part = raster.part(int(left), int(top), int(right), int(bottom), long_side=_SIDE_PX)
    return [
        Face(part.in_frame(face.box), part.in_frame(face.landmarks), face.score)
        for face in detect(part.image, (_SIDE_PX, _SIDE_PX))
    ]


def _same(expected: Box, face: Face) -> bool:
    apart = float(np.linalg.norm(_middle(face.box) - _middle(expected)))
    return apart <= _SAME * float(expected[3] - expected[1])


def _inside(raster: Raster, box: Box) -> bool:
    across, down = _middle(box)
    return bool(0 <= across < raster.width and 0 <= down < raster.height)


def _middle(box: Box) -> NDArray[np.float32]:
    return np.asarray((box[:2] + box[2:]) / 2, np.float32)
