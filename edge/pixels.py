"""From a decoded frame to BGR, only where and as large as it is looked at.

Decoders deliver planar YUV 4:2:0. Scaling its planes first and converting the small result costs a third of converting
1080 lines to BGR and scaling that (0.6 ms instead of 2); a whole frame is never converted.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

_PLANAR: Final = frozenset({"yuv420p", "yuvj420p"})
_LIMITED_Y: Final = (219 / 255, 16.0)
_LIMITED_UV: Final = (224 / 255, 128 - 128 * 224 / 255)
"""Factor and offset from full to limited range (ITU-R BT.601), which OpenCV's conversion expects."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a frame, perhaps made small: BGR u8 (h, w, 3); `left` and `top` are px of the frame."""

    image: Image
    left: int
    top: int
    scale: float

    def place(self, points: Points) -> Points:
        """Return points (n, 2), or a box (4,) x1 y1 x2 y2, of the frame in px of the part; f32."""
        corner = np.array([self.left, self.top], np.float32)
        return np.asarray((points.reshape(-1, 2) - corner) * self.scale, np.float32).reshape(points.shape)

    def in_frame(self, points: Points) -> Points:
        """Undo `place`."""
        corner = np.array([self.left, self.top], np.float32)
        return np.asarray(points.reshape(-1, 2) / np.float32(self.scale) + corner, np.float32).reshape(points.shape)


class Raster:
    """A decoded frame of any pixel format; looks at it are in px of the whole frame."""

    def __init__(self, picture: VideoFrame) -> None:
        planar = picture if picture.format.name in _PLANAR else picture.reformat(format="yuv420p")
        self._full_range = planar.format.name == "yuvj420p" or planar.color_range == ColorRange.JPEG
        self._y, self._u, self._v = (
            np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
            for plane in planar.planes
        )
        self.height, self.width = self._y.shape

    def scaled(self, width: int, height: int) -> Image:
        """Return the whole frame in BGR, u8 (height, width, 3); rounded down to even sides."""
        return self._convert(self._y, self._u, self._v, width, height)

    def part(self, left: int, top: int, right: int, bottom: int, *, long_side: int) -> Part:
        """Return a part in BGR, shrunk to at most `long_side` px; its corner and sides are moved to even px."""
        halvings = max(0, int(np.log2(max(right - left, bottom - top, 1) / long_side)))
        grid = 2 << halvings
        left, top = min(left, self.width - grid) // 2 * 2, min(top, self.height - grid) // 2 * 2
        width, height = max(grid, (right - left) // grid * grid), max(grid, (bottom - top) // grid * grid)
        y = self._y[top : top + height, left : left + width]
        half = slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2)
        y, u, v = (_halved(plane, halvings) for plane in (y, self._u[half], self._v[half]))
        scale = min(1.0, long_side / max(width, height))
        across, down = max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)
        if scale < 1.0:
            # Each pixel the mean of its area, not a sample: people look at it, and noise would cost JPEG bytes.
            y = np.asarray(cv2.resize(y, (across, down), interpolation=cv2.INTER_AREA), np.uint8)
        return Part(self._convert(y, u, v, across, down), left, top, across / width)

    def _convert(self, y: Image, u: Image, v: Image, width: int, height: int) -> Image:
        width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
        parts = [
            _fit(y, width, height, _LIMITED_Y if self._full_range else None).reshape(-1),
            _fit(u, width // 2, height // 2, _LIMITED_UV if self._full_range else None).reshape(-1),
            _fit(v, width // 2, height // 2, _LIMITED_UV if self._full_range else None).reshape(-1),
        ]
        stacked = np.concatenate(parts).reshape(height * 3 // 2, width)
        return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YUV2BGR_I420), np.uint8)


def _halved(plane: Image, times: int) -> Image:
    """Halve a plane: each pixel the mean of four, so that nothing aliases. A tenth of the cost of other factors."""
    for _ in range(times):
        size = plane.shape[1] // 2, plane.shape[0] // 2
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
    return plane


def _fit(plane: Image, width: int, height: int, to_limited: tuple[float, float] | None) -> Image:
    """Scale one plane, and its levels when it is of full range."""
    if plane.shape != (height, width):
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if to_limited is not None:
        plane = np.asarray(cv2.convertScaleAbs(plane, alpha=to_limited[0], beta=to_limited[1]), np.uint8)
    return plane
