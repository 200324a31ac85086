import av
import cv2
import numpy as np
import pytest
from edge_builders import Image

from edge.pixels import Raster


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.fixture
def picture(group_photo: Image) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(group_photo, format="bgr24").reformat(format="yuv420p")


def test_a_region_is_what_a_full_conversion_shows_there(picture: av.VideoFrame) -> None:
    whole = picture.to_ndarray(format="bgr24")
    part = Raster(picture).part(461, 271, 575, 421, long_side=640)
    assert (part.left, part.top, part.scale) == (460, 270, 1.0)
    assert part.image.shape == (150, 114, 3)
    assert difference(part.image, whole[270:420, 460:574]) < 2.5
    assert part.place(np.array([460, 270, 480, 290], np.float32)).tolist() == [0, 0, 20, 20]


@pytest.mark.parametrize("form", ["yuvj420p", "yuv422p", "yuv444p", "nv12", "bgr24", "gray"])
def test_every_pixel_format_gives_the_same_picture(form: str, picture: av.VideoFrame) -> None:
    one = Raster(picture).scaled(640, 442)
    other = Raster(picture.reformat(format=form)).scaled(640, 442)
    if form == "gray":
        one, other = one.mean(axis=2), other.mean(axis=2)
    assert difference(one, other) < (8 if form == "gray" else 2.5)


@pytest.mark.parametrize("long_side", [640, 448, 250, 100])
def test_a_part_is_shrunk_to_the_side_asked_for(long_side: int, picture: av.VideoFrame) -> None:
    part = Raster(picture).part(120, 64, 1240, 880, long_side=long_side)
    height, width = part.image.shape[:2]
    assert width == long_side
    shown = picture.to_ndarray(format="bgr24")[64:880, 120:1240]
    whole = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
    assert difference(cv2.blur(part.image, (3, 3)), cv2.blur(whole, (3, 3))) < 5


def test_parts_at_corners_are_safe(picture: av.VideoFrame) -> None:
    raster = Raster(picture)
    assert raster.part(1279, 885, 1280, 886, long_side=640).image.shape == (2, 2, 3)
    assert raster.part(0, 0, 1280, 886, long_side=64).image.shape[1] <= 64
