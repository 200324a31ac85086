import av
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
    part, left, top = Raster(picture).region(461, 271, 575, 420)
    assert (left, top) == (460, 270)
    assert part.shape == (150, 114, 3)
    assert difference(part, whole[270:420, 460:574]) < 2.5


@pytest.mark.parametrize("form", ["yuvj420p", "yuv422p", "yuv444p", "nv12", "bgr24", "gray"])
def test_every_pixel_format_gives_the_same_picture(form: str, picture: av.VideoFrame) -> None:
    one = Raster(picture).scaled(640, 442)
    other = Raster(picture.reformat(format=form)).scaled(640, 442)
    if form == "gray":
        one, other = one.mean(axis=2), other.mean(axis=2)
    assert difference(one, other) < (8 if form == "gray" else 2.5)


def test_a_part_is_shrunk_to_the_side_asked_for_and_corners_are_safe(picture: av.VideoFrame) -> None:
    raster = Raster(picture)
    assert raster.region(0, 0, 1280, 886, long_side=640)[0].shape == (442, 640, 3)
    assert raster.region(1279, 885, 1280, 886)[0].shape == (2, 2, 3)
