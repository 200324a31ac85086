"""A detected face and its geometry. Pure numpy and OpenCV: no model is needed to hold or align one."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from yingbin.faces.pack import CROP_PX

Image = NDArray[np.uint8]
"""BGR, height x width x 3, 0..255."""

_CANONICAL = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Where eyes, nose tip and mouth corners belong in a 112 x 112 crop (Deng et al. 2019, ArcFace; also used by SFace)."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one image.

    `box` f32 (4,) is left, top, right, bottom and may reach beyond the image; `landmarks` f32 (5, 2) are the eye,
    eye, nose tip, mouth corner, mouth corner, each pair left then right *as seen in the image*. Pixels of the image
    given to the detector. `score` is the detector's, 0..1.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float

    @property
    def size_px(self) -> float:
        """Box height in pixels: unlike the width it hardly changes when the head turns."""
        return float(self.box[3] - self.box[1])

    @property
    def area_px(self) -> float:
        """Box area in square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


def align(image: Image, face: Face, border: int = cv2.BORDER_CONSTANT) -> Image:
    """Return the 112 x 112 x 3 BGR crop with eyes, nose and mouth at their canonical places.

    Beyond the image it is black, as the recognisers were trained; `border` is any other cv2 border mode.
    """
    crop = cv2.warpAffine(image, _similarity(face.landmarks), (CROP_PX, CROP_PX), borderMode=border)
    return crop.astype(np.uint8, copy=False)


def _similarity(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the 2 x 3 rotation, scale and shift that takes the landmarks to the canonical ones with least squares.

    With points as complex numbers this is one division; it equals Umeyama's solution (PAMI 1991) without reflection.
    """
    source = landmarks[:, 0].astype(np.float64) + 1j * landmarks[:, 1]
    target = _CANONICAL[:, 0].astype(np.float64) + 1j * _CANONICAL[:, 1]
    centred = source - source.mean()
    turn = np.vdot(centred, target - target.mean()) / max(float(np.vdot(centred, centred).real), 1e-9)
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
