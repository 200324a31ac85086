"""Runs the recogniser where it is fastest: OpenCV's network engine or ONNX Runtime.

The same SFace takes 20 ms in OpenCV and 33 ms in ONNX Runtime on one core, with the same vectors (cosine 1.0000). Which
one wins depends on the model, so both are tried when a pack is loaded, and OpenCV is used only when it agrees.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from yingbin.faces.face import Image

Embedder = Callable[[Image], NDArray[np.float32]]
"""Aligned BGR crop, u8 (112, 112, 3), to the recogniser's raw output, f32 (dimension,). Re-entrant."""

_AGREES: Final = 0.9999
_TRIALS: Final = 3


def fastest(recogniser: Any) -> Embedder:
    """Return the faster way to run insightface's `recogniser` on this machine; `recogniser` is dropped if it loses."""

    def in_runtime(crop: Image) -> NDArray[np.float32]:
        return np.asarray(recogniser.get_feat(crop), np.float32).reshape(-1)

    try:
        in_opencv = _OpenCvNetwork(recogniser)
        probe = np.random.default_rng(0).integers(0, 256, (*reversed(recogniser.input_size), 3), np.uint8)
        agrees = _cosine(in_opencv(probe), in_runtime(probe)) >= _AGREES
    except cv2.error:  # an operator that OpenCV does not know
        return in_runtime
    return in_opencv if agrees and _seconds(in_opencv, probe) < _seconds(in_runtime, probe) else in_runtime


class _OpenCvNetwork:
    """A network is no re-entrant object: callers take turns."""

    def __init__(self, recogniser: Any) -> None:
        self._network = cv2.dnn.readNetFromONNX(str(recogniser.model_file))
        self._size: tuple[int, int] = tuple(recogniser.input_size)
        self._scale = 1.0 / float(recogniser.input_std)
        self._mean = (float(recogniser.input_mean),) * 3
        self._turn = threading.Lock()

    def __call__(self, crop: Image) -> NDArray[np.float32]:
        blob = cv2.dnn.blobFromImage(crop, self._scale, self._size, self._mean, swapRB=True)
        with self._turn:
            self._network.setInput(blob)
            return np.array(self._network.forward(), np.float32).reshape(-1)


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return -1.0
    return float(one @ other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)


def _seconds(embed: Embedder, crop: Image) -> float:
    """Return the best of a few runs; this thread's time, so that a busy machine does not decide."""
    taken = []
    for _ in range(_TRIALS):
        began_s = time.thread_time()
        embed(crop)
        taken.append(time.thread_time() - began_s)
    return min(taken)
