from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from insightface.model_zoo import get_model

from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine, _prepare_faster
from yingbin.faces.face import Face, Image, align
from yingbin.faces.pack import ModelPack
from yingbin.faces.quality import assess


@pytest.mark.parametrize("input_size", [(640, 384), (640, 640), (320, 320), (384, 640), (960, 544)])
def test_six_people_are_found_at_any_input_size(
    engine: FaceEngine, group: Image, group_faces: list[Face], input_size: tuple[int, int]
) -> None:
    faces = sorted(engine.detect(group, input_size), key=lambda face: face.box[0])
    assert len(faces) == 6
    for face, reference in zip(faces, group_faces, strict=True):
        assert np.abs(face.landmarks - reference.landmarks).max() < 0.12 * reference.size_px


def test_shapes_and_types(engine: FaceEngine, group: Image, group_faces: list[Face]) -> None:
    for face in group_faces:
        assert face.box.shape == (4,)
        assert face.landmarks.shape == (5, 2)
        assert face.box.dtype == face.landmarks.dtype == np.float32
        assert 0.6 <= face.score <= 1
    vectors = engine.embed_many(group, group_faces)
    assert vectors.shape == (6, engine.pack.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert engine.embed_many(group, []).shape == (0, engine.pack.dimension)


def test_same_person_is_closer_than_any_other(engine: FaceEngine, group: Image, group_faces: list[Face]) -> None:
    """The second look is smaller, darker, softer and mirrored."""
    again = cv2.flip(
        cv2.GaussianBlur(cv2.convertScaleAbs(cv2.resize(group, None, fx=0.6, fy=0.6), alpha=0.7), None, 1), 1
    )
    mirrored = sorted(engine.detect(again, (640, 640)), key=lambda face: -face.box[0])
    scores = engine.embed_many(group, group_faces) @ engine.embed_many(again, mirrored).T
    same, different = np.diag(scores), scores[~np.eye(6, dtype=bool)]
    assert same.min() > 0.5
    assert same.min() > different.max() + 0.1


def test_nothing_is_found_where_nobody_is(engine: FaceEngine) -> None:
    assert engine.detect(np.full((360, 640, 3), 127, np.uint8)) == []
    assert engine.detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_sessions_use_one_thread(engine: FaceEngine) -> None:
    options = engine._detector.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_many_threads_may_share_one_engine(engine: FaceEngine, group: Image, group_faces: list[Face]) -> None:
    expected = engine.embed(group, group_faces[0])

    def look(size: tuple[int, int]) -> int:
        np.testing.assert_allclose(engine.embed(group, group_faces[0]), expected, atol=1e-5)
        return len(engine.detect(group, size))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(look, [(640, 384), (640, 640), (320, 320)] * 3)) == [6] * 9


@pytest.mark.parametrize(
    ("image", "input_size"),
    [
        (np.zeros((10, 10), np.uint8), (640, 384)),
        (np.zeros((10, 10, 3), np.float32), (640, 384)),
        (np.zeros((0, 10, 3), np.uint8), (640, 384)),
        (np.zeros((10, 10, 3), np.uint8), (640, 360)),
        (np.zeros((10, 10, 3), np.uint8), (0, 0)),
    ],
)
def test_unusable_input_is_refused(engine: FaceEngine, image: Image, input_size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput):
        engine.detect(image, input_size)


@given(scale=st.floats(0.3, 5), angle=st.floats(-180, 180), x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_alignment_undoes_scale_turn_and_shift(scale: float, angle: float, x: float, y: float) -> None:
    from yingbin.faces.face import _CANONICAL, _similarity

    turn = scale * np.exp(1j * np.radians(angle))
    moved = (_CANONICAL[:, 0] + 1j * _CANONICAL[:, 1]) * turn + complex(x, y)
    landmarks = np.stack([moved.real, moved.imag], axis=1).astype(np.float32)
    matrix = _similarity(landmarks)
    np.testing.assert_allclose(landmarks @ matrix[:, :2].T + matrix[:, 2], _CANONICAL, atol=1e-2)


def test_quality_falls_with_size_blur_and_smear(engine: FaceEngine, portrait: Image) -> None:
    face = max(engine.detect(portrait, (640, 640)), key=lambda f: f.score)
    good = assess(portrait, face)
    smear = np.full((1, 25), 1 / 25, np.float32)
    for worse in (cv2.GaussianBlur(portrait, (0, 0), 5), cv2.filter2D(portrait, -1, smear)):
        assert assess(worse, face).sharpness < good.sharpness / 2
        assert assess(worse, face).overall < good.overall
    small = Face(face.box / 4, face.landmarks / 4, face.score)
    assert assess(cv2.resize(portrait, None, fx=0.25, fy=0.25), small).overall < good.overall
    assert assess(portrait // 4, face).brightness < good.brightness / 3
    assert align(portrait, face).shape == (112, 112, 3)


def test_yaw_and_roll_have_signs_and_degrees(portrait: Image) -> None:
    eyes_mouth = [[40, 50], [70, 50], [0, 70], [42, 90], [68, 90]]

    def face(nose_x: float) -> Face:
        points = np.array(eyes_mouth, np.float32)
        points[2, 0] = nose_x
        return Face(np.array([30, 20, 80, 110], np.float32), points, 0.9)

    assert assess(portrait, face(55)).yaw == pytest.approx(0)
    assert assess(portrait, face(40)).yaw == pytest.approx(-45)
    assert assess(portrait, face(70)).yaw == pytest.approx(45)
    assert assess(portrait, face(85)).overall < assess(portrait, face(70)).overall < assess(portrait, face(55)).overall
    turned = Face(face(55).box, face(55).landmarks[:, ::-1] * np.array([-1, 1], np.float32) + [120, 0], 0.9)
    assert assess(portrait, turned).roll == pytest.approx(90)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (127.5, 128.0)])
def test_our_preparation_of_the_detector_s_input_equals_insightface_s(mean: float, std: float) -> None:
    detector = get_model(str(ModelPack.load().folder / "detection.onnx"), providers=["CPUExecutionProvider"])
    detector.input_mean, detector.input_std = mean, std
    image = np.random.default_rng(1).integers(0, 256, (96, 160, 3), np.uint8)
    theirs = detector._prepare_input_blob(image, (160, 96))
    _prepare_faster(detector)
    assert np.allclose(detector._prepare_input_blob(image, (160, 96)), theirs, atol=1e-5)
