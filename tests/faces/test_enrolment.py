import io

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import EnrolmentRefused, NotAnImage, Reason, acquire, decode_image
from yingbin.faces.face import Face, Image


def around(image: Image, face: Face, factor: float = 1.0) -> Image:
    """Cut the photo around one face, `factor` face sizes on each side."""
    left, top, right, bottom = face.box
    margin = factor * face.size_px
    height, width = image.shape[:2]
    rows = slice(max(0, int(top - margin)), min(height, int(bottom + margin)))
    return image[rows, max(0, int(left - margin)) : min(width, int(right + margin))]


def encoded(image: Image, extension: str = ".png") -> bytes:
    return cv2.imencode(extension, image)[1].tobytes()


def refusal(engine: FaceEngine, image: Image) -> Reason:
    with pytest.raises(EnrolmentRefused) as caught:
        acquire(engine, image)
    assert len(caught.value.message) > 20
    return caught.value.reason


@pytest.fixture(scope="module")
def clear(engine: FaceEngine, portrait: Image) -> Image:
    return around(portrait, max(engine.detect(portrait, (640, 640)), key=lambda face: face.score), 0.6)


def test_a_good_photo_gives_a_unit_vector(engine: FaceEngine, clear: Image) -> None:
    acquired = acquire(engine, clear)
    assert np.linalg.norm(acquired.vector) == pytest.approx(1, abs=1e-5)
    assert acquired.quality.overall > 0.4


@pytest.mark.parametrize("margin", [0.0, 0.2, 1.0])
def test_framing_does_not_matter(engine: FaceEngine, portrait: Image, clear: Image, margin: float) -> None:
    face = max(engine.detect(portrait, (640, 640)), key=lambda f: f.score)
    assert acquire(engine, around(portrait, face, margin)).vector @ acquire(engine, clear).vector > 0.8


def test_a_small_photo_filled_by_the_face_is_accepted(engine: FaceEngine, portrait: Image, clear: Image) -> None:
    face = max(engine.detect(portrait, (640, 640)), key=lambda f: f.score)
    tight = cv2.resize(around(portrait, face, 0.05), (92, 112), interpolation=cv2.INTER_AREA)
    assert acquire(engine, tight).vector @ acquire(engine, clear).vector > 0.7


def test_a_small_face_in_the_background_is_tolerated(engine: FaceEngine, group: Image, clear: Image) -> None:
    photo = np.full((900, 900, 3), 128, np.uint8)
    subject, stranger = cv2.resize(clear, (600, 600)), cv2.resize(group, None, fx=0.4, fy=0.4)
    photo[300:900, 300:900] = subject
    photo[: stranger.shape[0], : stranger.shape[1]][:280] = stranger[:280]
    assert acquire(engine, photo).vector @ acquire(engine, clear).vector > 0.8


def test_no_face(engine: FaceEngine) -> None:
    assert refusal(engine, cv2.cvtColor(skimage.data.coffee(), cv2.COLOR_RGB2BGR)) is Reason.NO_FACE


def test_several_faces(engine: FaceEngine, group: Image, group_faces: list[Face]) -> None:
    two = np.hstack([cv2.resize(around(group, face, 0.3), (300, 360)) for face in (group_faces[0], group_faces[-1])])
    assert refusal(engine, two) is Reason.SEVERAL_FACES
    assert refusal(engine, group) is Reason.SEVERAL_FACES


def test_tiny_face(engine: FaceEngine, clear: Image) -> None:
    photo = np.full((400, 400, 3), 120, np.uint8)
    photo[100:160, 100:160] = cv2.resize(clear, (60, 60), interpolation=cv2.INTER_AREA)
    assert refusal(engine, photo) is Reason.TOO_SMALL


@pytest.mark.parametrize("smear", [(0, 0), (1, 41)])
def test_blurred_face(engine: FaceEngine, clear: Image, smear: tuple[int, int]) -> None:
    large = cv2.resize(clear, (500, 500))
    blurred = cv2.blur(large, smear[::-1]) if any(smear) else cv2.GaussianBlur(large, (0, 0), 9)
    assert refusal(engine, blurred) is Reason.BLURRED


def test_dark_and_bright(engine: FaceEngine, clear: Image) -> None:
    assert refusal(engine, cv2.convertScaleAbs(clear, alpha=0.12)) is Reason.TOO_DARK
    assert refusal(engine, cv2.convertScaleAbs(clear, alpha=0.25, beta=195)) is Reason.TOO_BRIGHT


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".bmp", ".pgm"])
def test_formats(clear: Image, extension: str) -> None:
    content = encoded(clear[:, :, 0] if extension == ".pgm" else clear, extension)
    assert decode_image(content).shape == clear.shape


def test_orientation_tag_is_honoured(clear: Image) -> None:
    lying = Pillow.fromarray(cv2.cvtColor(np.rot90(clear), cv2.COLOR_BGR2RGB))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    lying.save(buffer, "JPEG", exif=exif, quality=95)
    assert np.abs(decode_image(buffer.getvalue()).astype(int) - clear).mean() < 5


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0", b"GIF89a", b"%PDF-1.7", b"<svg/>"])
def test_bytes_that_are_no_image(content: bytes) -> None:
    with pytest.raises(NotAnImage):
        decode_image(content)


def test_cut_off_photo_never_crashes(clear: Image) -> None:
    content = encoded(clear)
    for part in (20, 40, 60):
        with pytest.raises(NotAnImage):
            decode_image(content[:part])


@pytest.mark.parametrize("side", [6_500, 14_000])
def test_pixel_bomb_is_refused_before_decoding(side: int) -> None:
    bomb = io.BytesIO()
    Pillow.new("1", (side, side)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 50_000
    with pytest.raises(NotAnImage, match="40 million"):
        decode_image(bomb.getvalue())
