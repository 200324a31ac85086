"""Landmarks are measured again on the crop only where that shows the detector a face better than the frame did."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.closeup import CloseUp, refined
from edge.pixels import Image, Part
from yingbin.faces.face import Face

LANDMARKS = np.array([[40, 40], [60, 40], [50, 52], [42, 64], [58, 64]], np.float32)
BOX = np.array([30, 20, 70, 76], np.float32)


class Detector:
    """Finds one face, `shift` px to the right of where it is."""

    def __init__(self, shift: float) -> None:
        self._shift = np.float32(shift)

    def detect(self, image: Image, input_size: tuple[int, int] = (640, 384)) -> list[Face]:
        return [Face(BOX, LANDMARKS + self._shift, 0.9)]

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        raise AssertionError("nothing is to be embedded")


def close_up(seen_px: float) -> CloseUp:
    part = Part(np.zeros((100, 100, 3), np.uint8), 0, 0, 1.0)
    return CloseUp(part, Face(BOX, LANDMARKS, 0.8), seen_px)


@pytest.mark.parametrize("seen_px", [15.0, 50.0, 71.0, 401.0])
def test_a_face_seen_small_or_too_large_is_measured_again(seen_px: float) -> None:
    assert (refined(close_up(seen_px), Detector(2.0)).landmarks == LANDMARKS + 2).all()


@pytest.mark.parametrize("seen_px", [72.0, 180.0, 400.0])
def test_a_face_seen_well_keeps_its_landmarks(seen_px: float) -> None:
    assert (refined(close_up(seen_px), Detector(2.0)).landmarks == LANDMARKS).all()


def test_another_face_in_the_crop_is_not_mistaken_for_it() -> None:
    assert (refined(close_up(15.0), Detector(40.0)).landmarks == LANDMARKS).all()
