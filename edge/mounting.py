"""Is a camera mounted well enough? Judged from the faces it has seen lately. Pure: nothing here is kept or sent."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yingbin.faces.face import Face

_FACES_KEPT: Final = 200
_FACES_NEEDED: Final = 10
_TRACKS_NEEDED: Final = 3
_NEAR_SHARE: Final = 0.8
_LIGHT: Final = (60.0, 200.0)
"""Mean grey level of a well lit face."""
_STEEP_DEG: Final = 20.0
_ASIDE_DEG: Final = 35.0
_TILT_DEG: Final = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """One question about the mounting. `good` is None while too little has been seen; `value` is what was measured."""

    name: str
    good: bool | None
    value: float


@dataclass(frozen=True, slots=True)
class _Seen:
    light: float
    steep: float
    aside: float
    tilt: float


class Mounting:
    """What one camera has shown of faces. Feed `saw`, ask `checks`."""

    def __init__(self) -> None:
        self._faces: deque[_Seen] = deque(maxlen=_FACES_KEPT)

    def saw(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> None:
        """Take the faces of one BGR picture, u8 (H, W, 3)."""
        for face in faces:
            left, top, right, bottom = np.clip(face.box, 0, None).astype(int)
            part = image[top:bottom, left:right]
            if part.size:
                self._faces.append(_Seen(float(part.mean()), *angles(face)))

    def checks(self, near: Sequence[bool]) -> tuple[Check, ...]:
        """Return all checks; `near` tells of each person who has come and gone whether his face grew to 60 px."""
        share = sum(near) / len(near) if near else 0.0
        size = Check("size", share >= _NEAR_SHARE if len(near) >= _TRACKS_NEEDED else None, round(share, 2))
        return size, *(self._middle(name, *limits) for name, limits in _LIMITS.items())

    def _middle(self, name: str, low: float, high: float) -> Check:
        values = [float(getattr(face, name)) for face in self._faces]
        if not values:
            return Check(name, None, 0.0)
        value = median(values)
        return Check(name, low <= value <= high if len(values) >= _FACES_NEEDED else None, round(value, 1))


_LIMITS: Final = {
    "light": _LIGHT,
    "steep": (-_STEEP_DEG, _STEEP_DEG),
    "aside": (-_ASIDE_DEG, _ASIDE_DEG),
    "tilt": (-_TILT_DEG, _TILT_DEG),
}


def angles(face: Face) -> tuple[float, float, float]:
    """Return rough degrees (steep, aside, tilt): seen from above > 0, turned to the picture's right > 0, leaning.

    A nose tip stands half an eye distance D before the face. Turned by a, it moves D/2 * sin(a) while the distances in
    that direction shrink by cos(a). From eyes to mouth is 1.16 D and the nose half-way (the canonical 112 px crop).
    """
    left, right, nose = face.landmarks[:3].astype(np.float64)
    mouth = face.landmarks[3:].mean(axis=0).astype(np.float64)
    across = right - left
    eyes = (left + right) / 2
    length = max(float(np.linalg.norm(across)), 1e-6)
    along = across / length
    down = np.array([-along[1], along[0]])
    height = max(float((mouth - eyes) @ down), 1e-6)
    steep = np.degrees(np.arctan((float((nose - eyes) @ down) / height - 0.5) * 2 * 1.16))
    aside = np.degrees(np.arctan(2 * float((nose - eyes) @ along) / length))
    return float(steep), float(aside), float(np.degrees(np.arctan2(across[1], across[0])))
