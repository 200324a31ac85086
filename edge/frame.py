"""One decoded frame, and its brightness without a conversion of the whole picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_PLANAR: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"})
_SAMPLES: Final = 6
"""The mean of an area is taken over at most so many samples a side: a tenth of the cost for a small thumbnail."""
_FROM_STUDIO_RANGE: Final = np.clip((np.arange(256) - 16.0) * (255 / 219) + 0.5, 0, 255).astype(np.uint8)
"""Full-range brightness of a studio-range one (ITU-R BT.601, 2.5.1: black 16, white 235)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame. `time_s` runs from 0 on the source's timestamps, never back; `wall_ms` is UTC.

    `missed`: how many before it were decoded and not taken, because whoever takes them was busy.
    """

    index: int
    time_s: float
    wall_ms: int
    picture: VideoFrame
    missed: int = 0

    @property
    def height(self) -> int:
        """Lines."""
        return self.picture.height

    def image(self) -> Image:
        """Convert to BGR, u8 (H, W, 3). Costs a millisecond or more: only frames that are looked at are converted."""
        return np.asarray(self.picture.to_ndarray(format="bgr24"), np.uint8)

    def thumbnail(self) -> Image:
        """Return the brightness of the whole frame, u8 (36, 64), each value the mean of its area."""
        return self.grey(64, 36)

    def grey(self, width: int, height: int) -> Image:
        """Return the brightness, u8 (height, width), 0 black to 255 white, each value the mean of its area."""
        if self.picture.format.name not in _PLANAR:
            grey = self.picture.to_ndarray(format="gray")
            return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        # The first plane of YUV is the brightness: no conversion of the whole picture is needed.
        plane = self.picture.planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        step = max(1, min(plane.width // width, plane.height // height) // _SAMPLES)
        samples = np.ascontiguousarray(lines[::step, ::step])
        small = np.asarray(cv2.resize(samples, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        full = self.picture.format.name.startswith("yuvj") or self.picture.color_range == ColorRange.JPEG
        return small if full else _FROM_STUDIO_RANGE[small]
