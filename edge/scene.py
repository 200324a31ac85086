"""The scene photo: where the person stands, every other face blurred away, kept in memory until asked for.

Only after a match does one such photo leave the branch (DESIGN 7): JPEG <= 30 kB, held 30 s at most.
"""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels import Image, Part, Raster
from yingbin.wire import MAX_SCENE_PHOTO_BYTES

HOLD_S: Final = 30.0
LONG_SIDE_PX: Final = 640
_WINDOW_FACES: Final = 7
"""The photo is so many face heights wide: the manager must recognise the face on a tablet, and see where it is."""
_WINDOW_ASPECT: Final = 4 / 3
_QUALITIES: Final = (80, 65, 50)
_SHRINK: Final = 0.75
_WIDEN: Final = 0.35
"""A blurred box grows by this share on each side: hair and chin identify too."""
_MOSAIC_CELLS: Final = 4

Box = NDArray[np.float32]


def surroundings(raster: Raster, face: Box) -> Part:
    """Return a copy of what is around a face, f32 (4,) px: seven face heights wide, the face in the upper third."""
    width, height = raster.width, raster.height
    wide = _even(min(width, (face[3] - face[1]) * _WINDOW_FACES))
    tall = _even(min(height, wide / _WINDOW_ASPECT))
    left = int(np.clip((face[0] + face[2] - wide) / 2, 0, width - wide))
    top = int(np.clip((face[1] + face[3]) / 2 - tall / 3, 0, height - tall))
    return raster.part(left, top, left + wide, top + tall, long_side=LONG_SIDE_PX)


def _even(side: float) -> int:
    return max(2, int(side) // 2 * 2)


def render(scene: Part, wanted: Box, others: Iterable[Box]) -> bytes:
    """Return the JPEG, <= 30 kB. Boxes are f32 (4,) x1 y1 x2 y2 px of the frame; the wanted face itself stays sharp."""
    return _encode(hide_others(scene, wanted, others))


def hide_others(scene: Part, wanted: Box, others: Iterable[Box]) -> Image:
    """Return a copy of the scene's image, every other face blurred away; boxes as in `render`."""
    photo = scene.image.copy()
    for box in others:
        _blur(photo, _grow(scene.place(box), _WIDEN, photo))
    left, top, right, bottom = _grow(scene.place(wanted), 0.0, photo)
    photo[top:bottom, left:right] = scene.image[top:bottom, left:right]
    return photo


def _grow(box: Box, share: float, image: Image) -> tuple[int, int, int, int]:
    margin_x, margin_y = (box[2] - box[0]) * share, (box[3] - box[1]) * share
    height, width = image.shape[:2]
    left, right = np.clip([np.floor(box[0] - margin_x), np.ceil(box[2] + margin_x)], 0, width).astype(int)
    top, bottom = np.clip([np.floor(box[1] - margin_y), np.ceil(box[3] + margin_y)], 0, height).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _blur(photo: Image, area: tuple[int, int, int, int]) -> None:
    """Replace the area by a mosaic of 4 x 4 cells, smoothed: what was there cannot be recovered."""
    left, top, right, bottom = area
    if right <= left or bottom <= top:
        return
    part = photo[top:bottom, left:right]
    cells = cv2.resize(part, (_MOSAIC_CELLS, _MOSAIC_CELLS), interpolation=cv2.INTER_AREA)
    photo[top:bottom, left:right] = cv2.resize(cells, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)


def _encode(photo: Image) -> bytes:
    while True:
        for quality in _QUALITIES:
            raw = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(raw) <= MAX_SCENE_PHOTO_BYTES:
                return raw
        photo = np.asarray(cv2.resize(photo, None, fx=_SHRINK, fy=_SHRINK, interpolation=cv2.INTER_AREA), np.uint8)


class SceneStore:
    """The photos of tracks that wait for an answer: one per track, in memory, `HOLD_S` at most."""

    def __init__(self) -> None:
        self._photos: dict[int, tuple[float, bytes]] = {}

    def __len__(self) -> int:
        return len(self._photos)

    def keep(self, track: int, jpeg: bytes, now_s: float) -> None:
        """Hold the photo of this track's newest look."""
        self._expire(now_s)
        self._photos[track] = (now_s, jpeg)

    def take(self, track: int, now_s: float) -> bytes:
        """Return and forget the photo; empty when it is no longer held."""
        self._expire(now_s)
        return self._photos.pop(track, (0.0, b""))[1]

    def forget(self, track: int) -> None:
        """Drop the photo at once: the track is nobody we know."""
        self._photos.pop(track, None)

    def _expire(self, now_s: float) -> None:
        for track in [number for number, (since_s, _) in self._photos.items() if now_s - since_s > HOLD_S]:
            del self._photos[track]
