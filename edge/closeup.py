"""A face cut out of its frame, small enough to keep until it is chosen, large enough to embed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.detection import Engine
from edge.pixels import Part, Raster
from yingbin.faces.face import Face

_MARGIN: Final = 0.6
_LONG_SIDE_PX: Final = 448
"""Face and margins: the face keeps 200 px, twice what the recogniser's 112 px crop shows of it."""
_REFINE_SIZE: Final = (160, 160)
_SEEN_WELL_PX: Final = (72, 400)
"""A face so high in the detector's input is not seen better at 70 px; a still higher one is larger than it likes."""
_SAME_FACE: Final = 0.3
"""Faces in one crop whose landmarks' middles are further apart, in face heights, are not the same one."""


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A face with 60 % around it: what the aligned crop needs. `face` is in px of `part.image`.

    `seen_px`: its height in the detector's input when it was found.
    """

    part: Part
    face: Face
    seen_px: float


def cut_out(raster: Raster, face: Face, seen_px: float) -> CloseUp:
    """Cut a face of a frame out of it; `seen_px` as in `CloseUp`."""
    margin = _MARGIN * max(face.box[2] - face.box[0], face.box[3] - face.box[1])
    left, right = np.clip([face.box[0] - margin, face.box[2] + margin], 0, raster.width).astype(int)
    top, bottom = np.clip([face.box[1] - margin, face.box[3] + margin], 0, raster.height).astype(int)
    part = raster.part(int(left), int(top), int(right), int(bottom), long_side=_LONG_SIDE_PX)
    return CloseUp(part, Face(part.place(face.box), part.place(face.landmarks), face.score), seen_px)


def refined(close_up: CloseUp, engine: Engine) -> Face:
    """Return the face with landmarks measured again on its crop alone, where every face is about 70 px high.

    In the whole frame the detector sees most of them smaller, and a few larger than it likes. Costs 2 ms; on walk-ins
    it lifts the genuine cosine of faces it saw 20 to 27 px high by .03 to .06, 36 px by .02 to .04, 50 px by .01; at
    180 to 440 px it would cost .005 to .009, on a real clip of 65 to 320 px .02 to .03.
    """
    face = close_up.face
    if _SEEN_WELL_PX[0] <= close_up.seen_px <= _SEEN_WELL_PX[1]:
        return face
    middle = face.landmarks.mean(axis=0)
    again = engine.detect(close_up.part.image, _REFINE_SIZE)
    nearest = min(again, key=lambda one: _distance(one, middle), default=None)
    if nearest is None or _distance(nearest, middle) > _SAME_FACE * face.size_px:
        return face
    return Face(face.box, nearest.landmarks, face.score)


def _distance(face: Face, middle: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(face.landmarks.mean(axis=0) - middle))
