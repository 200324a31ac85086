import cv2
import numpy as np
from edge_builders import Image, raster_of

from edge.motion import Change, compare
from edge.scene import HOLD_S, LONG_SIDE_PX, SceneStore, render, surroundings
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face
from yingbin.wire import MAX_SCENE_PHOTO_BYTES


def sharpness(image: Image, box: np.ndarray) -> float:
    left, top, right, bottom = box.clip(0).astype(int)
    return float(cv2.Laplacian(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY), cv2.CV_32F).var())


def test_other_faces_are_blurred_and_the_wanted_one_stays_recognisable(
    real_engine: FaceEngine, group_photo: Image
) -> None:
    faces = real_engine.detect(group_photo)
    assert len(faces) == 6
    for wanted in faces:
        scene = surroundings(raster_of(group_photo), wanted.box)
        others = [face.box for face in faces if face is not wanted]
        raw = render(scene, wanted.box, others)
        assert len(raw) <= MAX_SCENE_PHOTO_BYTES
        photo = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        assert max(photo.shape[:2]) <= LONG_SIDE_PX
        found = real_engine.detect(photo, (640, 480))
        assert len(found) == 1
        # The same landmarks in both pictures: what is measured is the photo, not the detector's jitter.
        scale = scene.scale * photo.shape[1] / scene.image.shape[1]
        landmarks = (wanted.landmarks - np.array([scene.left, scene.top], np.float32)) * np.float32(scale)
        there = Face(found[0].box, landmarks, wanted.score)
        assert float(real_engine.embed(group_photo, wanted) @ real_engine.embed(photo, there)) > 0.7
        shrunk = np.float32(photo.shape[1] / scene.image.shape[1])
        height, width = scene.image.shape[:2]
        for box in (scene.place(other) for other in others):
            if box.min() > 0 and box[2] < width and box[3] < height:
                assert sharpness(photo, box * shrunk) < 0.1 * sharpness(scene.image, box)


def test_a_small_face_keeps_its_pixels_in_the_photo() -> None:
    frame = np.zeros((1080, 1920, 3), np.uint8)
    scene = surroundings(raster_of(frame), np.array([900, 300, 940, 350], np.float32))
    assert scene.scale == 1.0
    placed = scene.place(np.array([900, 300, 940, 350], np.float32))
    assert placed[3] - placed[1] == 50
    assert 0 < placed[0] < scene.image.shape[1]


def test_the_photo_of_a_noisy_picture_still_fits() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    face = np.array([10, 10, 260, 260], np.float32)
    assert len(render(surroundings(raster_of(noise), face), face, [])) <= MAX_SCENE_PHOTO_BYTES


def test_boxes_that_reach_beyond_the_picture_do_no_harm(group_photo: Image) -> None:
    outside = np.array([-500, -500, -400, -400], np.float32)
    corner = np.array([-50, -50, 30, 30], np.float32)
    assert render(surroundings(raster_of(group_photo), corner), corner, [outside, corner + 5000])


def test_a_photo_is_taken_once_and_never_after_half_a_minute() -> None:
    store = SceneStore()
    store.keep(1, b"one", 0.0)
    store.keep(2, b"two", 10.0)
    store.keep(2, b"newer", 11.0)
    assert store.take(2, 12.0) == b"newer"
    assert store.take(2, 12.0) == b""
    assert store.take(1, HOLD_S + 0.1) == b""
    assert len(store) == 0


def test_C2_the_photo_of_somebody_not_enrolled_is_forgotten_at_once() -> None:
    store = SceneStore()
    store.keep(1, b"one", 0.0)
    store.forget(1)
    assert len(store) == 0


def test_motion_gate_and_cuts() -> None:
    random = np.random.default_rng(2)
    room = random.integers(30, 220, (36, 64), np.uint8)
    noisy = np.clip(room.astype(int) + random.integers(-2, 3, room.shape), 0, 255).astype(np.uint8)
    visitor = room.copy()
    visitor[10:12, 20:22] = 255 - visitor[10:12, 20:22]
    close = room.copy()
    close[:, 20:36] = 120
    assert compare(None, room) is Change.MOTION
    assert compare(room, noisy) is Change.STILL
    assert compare(room, visitor) is Change.MOTION
    assert compare(room, close) is Change.MOTION
    assert compare(room, random.integers(30, 220, (36, 64), np.uint8)) is Change.CUT
    assert compare(room, (room * 0.6).astype(np.uint8)) is Change.MOTION
