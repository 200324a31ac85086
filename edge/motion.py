"""What changed between two thumbnails: nothing (skip the detector), something, or everything (a scene cut). Pure."""

from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.uint8]

_MOVED_LEVELS: Final = 6.0
"""Grey levels by which one of the 64 x 36 areas must change; a face of 40 px in 720 lines covers two by two of them."""
_CUT_LEVELS: Final = 10.0
_CUT_LIKENESS: Final = 0.35
"""Correlation of brightness over the 64 x 36 areas. At hard cuts 0 to .26 was measured; people walking close past the
camera, .6 and more."""


class Change(Enum):
    """How much a picture differs from an earlier one."""

    STILL = "still"
    MOTION = "motion"
    CUT = "cut"


def compare(before: Thumbnail | None, now: Thumbnail) -> Change:
    """Compare two thumbnails, u8 (36, 64). A first picture counts as motion.

    After a cut nothing is where it was, so the pictures do not correlate; a person who steps close to the camera leaves
    the rest of the room in place.
    """
    if before is None:
        return Change.MOTION
    earlier, later = before.astype(np.float32), now.astype(np.float32)
    difference = np.abs(later - earlier)
    if difference.max() < _MOVED_LEVELS:
        return Change.STILL
    if difference.mean() >= _CUT_LEVELS and _likeness(earlier, later) < _CUT_LIKENESS:
        return Change.CUT
    return Change.MOTION


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson correlation, -1..1; 0 when either picture is of one brightness."""
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / length if length > 0 else 0.0
