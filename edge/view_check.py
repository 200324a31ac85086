"""Is a camera's picture the one it was mounted for, or frozen, dark, turned away, out of focus? A pure state machine.

One small grey picture a second goes in, with its monotonic time. What the room usually looks like (a slowly learnt
thumbnail) and how sharp it usually is are learnt while all is well. A fault is told after it has lasted, and is over
after it has been gone for a while, so that a passing person or a reflection tells nothing.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from yingbin.wire import CameraState

Grey = NDArray[np.uint8]

SAMPLE_EVERY_S: Final = 1.0
SAMPLE_SIZE: Final = (640, 360)
"""Width and height of the grey picture a check takes."""

_THUMBNAIL: Final = (64, 36)
_LEARN_S: Final = 60.0
"""So long must a camera run well before anything is compared with what is usual."""
_MEMORY_S: Final = 600.0
"""The usual view follows daylight and furniture within about this time."""
_ACCEPT_AFTER_S: Final = 3600.0
"""A new view that stays is the usual one from then on: the camera was turned on purpose."""
_CLEAR_S: Final = 5.0

_SAME_LEVELS: Final = 1
_SAME_SHARE: Final = 0.999
"""A live sensor's noise, even encoded, moves more than one grey level in one pixel of a thousand."""
_DARK_LEVEL: Final = (16.0, 24.0)
"""Mean brightness below the first is dark, above the second light again; 16 of 255 is a lit emergency exit sign."""
_MOVED_LIKENESS: Final = (0.25, 0.45)
"""Correlation of local contrast with the usual view. Same room with people and lamps on or off: .6 and more."""
_BLUR_SHARE: Final = (0.3, 0.5)
"""Share of the usual sharpness."""

_HOLD_S: Final = {CameraState.DARK: 5.0, CameraState.MOVED: 20.0, CameraState.BLURRED: 30.0}
_SENTENCE: Final = {
    CameraState.FROZEN: "the picture has not changed at all: restart the camera or its encoder",
    CameraState.DARK: "the picture is dark: switch on the light or the infrared lamp, or uncover the lens",
    CameraState.MOVED: "the camera no longer shows its usual view: somebody turned or covered it; aim it again",
    CameraState.BLURRED: "the picture has lost its sharpness: clean the lens or focus it",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A change of the view's state; `RUNNING` with an empty sentence when all is well again."""

    state: CameraState
    detail: str


class ViewCheck:
    """The view of one camera. Feed `look` about once a second; keep it with the camera over reconnections."""

    def __init__(self, *, frozen_after_s: float) -> None:
        self._hold_s = {CameraState.FROZEN: frozen_after_s, **_HOLD_S}
        self._state = CameraState.RUNNING
        self._suspect = CameraState.RUNNING
        self._suspect_since_s = 0.0
        self._before: Grey | None = None
        self._usual_view: NDArray[np.float32] | None = None
        self._usual_sharpness = 0.0
        self._learnt_s = 0.0
        self._seen_s: float | None = None
        self._moved_since_s = 0.0

    @property
    def finding(self) -> Finding:
        """What holds now."""
        return Finding(self._state, _SENTENCE.get(self._state, ""))

    def look(self, grey: Grey, now_s: float) -> Finding | None:
        """Take a picture, u8 (360, 640), and return a finding when the state changed."""
        elapsed_s = 0.0 if self._seen_s is None else max(now_s - self._seen_s, 0.0)
        self._seen_s = now_s
        contrast = _local_contrast(grey)
        fault = self._fault(grey, contrast)
        self._before = grey
        if fault is CameraState.RUNNING and self._state is CameraState.RUNNING:
            self._learn(grey, contrast, min(elapsed_s, 2 * SAMPLE_EVERY_S))
        return self._decide(fault, now_s)

    def _fault(self, grey: Grey, contrast: NDArray[np.float32]) -> CameraState:
        """Name what is wrong with this one picture; limits are laxer for the fault that holds already."""
        if self._before is not None and _same(self._before, grey):
            return CameraState.FROZEN
        if float(grey.mean()) < _DARK_LEVEL[self._state is CameraState.DARK]:
            return CameraState.DARK
        if self._usual_view is None or self._learnt_s < _LEARN_S:
            return CameraState.RUNNING
        if _likeness(self._usual_view, contrast) < _MOVED_LIKENESS[self._state is CameraState.MOVED]:
            return CameraState.MOVED
        if sharpness(grey) < _BLUR_SHARE[self._state is CameraState.BLURRED] * self._usual_sharpness:
            return CameraState.BLURRED
        return CameraState.RUNNING

    def _learn(self, grey: Grey, contrast: NDArray[np.float32], elapsed_s: float) -> None:
        self._learnt_s += elapsed_s
        share = elapsed_s / min(max(self._learnt_s, SAMPLE_EVERY_S), _MEMORY_S)
        if self._usual_view is None:
            self._usual_view, self._usual_sharpness = contrast, sharpness(grey)
        self._usual_view = np.asarray(self._usual_view + share * (contrast - self._usual_view), np.float32)
        self._usual_sharpness += share * (sharpness(grey) - self._usual_sharpness)

    def _decide(self, fault: CameraState, now_s: float) -> Finding | None:
        if fault is not self._suspect:
            self._suspect, self._suspect_since_s = fault, now_s
        if fault is self._state:
            return self._accept_new_view(now_s)
        if now_s - self._suspect_since_s < self._hold_s.get(fault, _CLEAR_S):
            return None
        self._state, self._moved_since_s = fault, now_s
        return self.finding

    def _accept_new_view(self, now_s: float) -> Finding | None:
        relearnt = (CameraState.MOVED, CameraState.BLURRED)
        if self._state not in relearnt or now_s - self._moved_since_s < _ACCEPT_AFTER_S:
            return None
        self._usual_view, self._learnt_s = None, 0.0
        self._state = self._suspect = CameraState.RUNNING
        return self.finding


def sharpness(grey: Grey) -> float:
    """Return the variance of the Laplacian over that of the picture, so that light alone does not change it."""
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / max(float(grey.var()), 1.0)


def _same(one: Grey, other: Grey) -> bool:
    return float((cv2.absdiff(one, other) <= _SAME_LEVELS).mean()) >= _SAME_SHARE


def _local_contrast(grey: Grey) -> NDArray[np.float32]:
    """Return each area's brightness less that around it, f32 (36, 64): walls and furniture stay, lamps mostly go."""
    small = cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small - cv2.GaussianBlur(small, (0, 0), 4.0), np.float32)


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson correlation, -1..1; 0 when either picture is empty."""
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / length if length > 0 else 0.0
