"""How a chosen shot becomes a message: a protected vector, or in picture mode the face itself (issue 3, point 5)."""

from collections.abc import Sequence
from typing import Final, TypedDict

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.pixels import Part
from edge.scene import hide_others
from yingbin.faces.face import Face, Image
from yingbin.look_wire import LookFacts
from yingbin.wire import MAX_FACE_PICTURE_BYTES, FaceEvent, FaceLook, FacePicture

Box = NDArray[np.float32]

FACE_PX: Final = 160.0
"""A face is sent no larger than this: the recognisers look at 112 x 112 px, face and a little around it."""
_MARGIN: Final = 0.4
"""Share of the face's longer side kept around it: what the aligned crop needs, and what a detector likes to see."""
_QUALITIES: Final = (92, 80, 50, 20)
"""The last fits whatever the camera shows: 288 x 288 px of pure noise are 18 kB."""


class Picture(TypedDict):
    """What `FacePicture` holds in place of a vector."""

    jpeg: bytes
    landmarks: bytes


def face_picture(crop: Image, face: Face, others: Sequence[Box]) -> Picture:
    """Return the face with a margin, 2 to 16 kB, never above 40 kB; everybody else in it is blurred.

    `crop` is BGR u8 (h, w, 3); `face` and `others`, boxes f32 (4,), are in its pixels.
    """
    side = max(float(face.box[2] - face.box[0]), float(face.box[3] - face.box[1]), 1.0)
    margin = _MARGIN * side
    height, width = crop.shape[:2]
    left, right = np.clip([face.box[0] - margin, face.box[2] + margin], 0, width).astype(int)
    top, bottom = np.clip([face.box[1] - margin, face.box[3] + margin], 0, height).astype(int)
    scale = min(1.0, FACE_PX / side)
    cut = crop[top:bottom, left:right]
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    small = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    jpeg = _encode(hide_others(Part(small, int(left), int(top), scale), face.box, others))
    true_scale = np.array([size[0] / cut.shape[1], size[1] / cut.shape[0]])
    points = np.clip((face.landmarks - np.array([left, top])) * true_scale, 0, size)
    return {"jpeg": jpeg, "landmarks": points.astype("<f4").tobytes()}


def _encode(picture: Image) -> bytes:
    for quality in _QUALITIES:
        raw = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(raw) <= MAX_FACE_PICTURE_BYTES:
            break
    return raw


def look_message(content: bytes | Picture, facts: LookFacts) -> FaceLook:
    """Return the message that carries a look: its encoded vector, or the picture."""
    if isinstance(content, bytes):
        return FaceEvent(**msgspec.structs.asdict(facts), vector=content)
    return FacePicture(**msgspec.structs.asdict(facts), **content)
