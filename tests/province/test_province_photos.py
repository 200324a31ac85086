"""Enrolment with the real model pack."""

from pathlib import Path

import cv2
import insightface
import numpy as np
import pytest
import skimage.data

from province_server.enrolment import EngineReader
from yingbin.faces.build import pull_default_pack
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import EnrolmentRefused, NotAnImage
from yingbin.faces.pack import ModelPack, PackNotFound, models_root


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> EngineReader:
    try:
        pack = ModelPack.load(root=models_root())
    except PackNotFound:
        pack = pull_default_pack(tmp_path_factory.mktemp("models"))
    return EngineReader(FaceEngine.load(pack))


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def test_photos_are_accepted_or_refused_with_the_reason(reader: EngineReader) -> None:
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    group = (Path(insightface.__file__).parent / "data" / "images" / "t1.jpg").read_bytes()
    acquired = reader.read(jpeg(portrait))
    assert acquired.vector.shape == (reader.dimension,)
    small = cv2.resize(portrait, None, fx=0.12, fy=0.12, interpolation=cv2.INTER_AREA)
    for photo, reason in (
        (group, "several_faces"),
        (jpeg(np.full((200, 200, 3), 90, np.uint8)), "no_face"),
        (jpeg(small), "too_small"),
        (jpeg(cv2.GaussianBlur(portrait, (0, 0), 7)), "blurred"),
    ):
        with pytest.raises(EnrolmentRefused) as refused:
            reader.read(photo)
        assert refused.value.reason == reason
    with pytest.raises(NotAnImage):
        reader.read(b"not a photo")


def test_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackNotFound, match="models pull"):
        ModelPack.load("no-such-pack", tmp_path)
