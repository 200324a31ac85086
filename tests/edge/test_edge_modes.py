"""Feature, picture, video: what leaves the box in each mode, and who may run which (C3)."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from edge_builders import FOREVER_MS, CountingEngine, Image, SmallCity, camera
from numpy.typing import NDArray
from test_edge_agent import PACK, bundle_for, settings_for

from edge.agent import EdgeAgent
from edge.camera import refusal
from edge.looks import face_picture
from edge.pipeline import BoxIdentity, Pipeline
from edge.settings import EdgeSettings, HostedAt
from edge.source import Source
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face
from yingbin.galleries.protect import decode_probe
from yingbin.trust.devices import DeviceKey
from yingbin.wire import (
    MAX_FACE_PICTURE_BYTES,
    Assessment,
    CameraMode,
    CameraRole,
    FaceAnswer,
    FaceEvent,
    FacePicture,
    Outcome,
    ScenePhoto,
    decode_from_box,
    encode,
)


def assessed(mode: CameraMode, *modes: CameraMode) -> Assessment:
    return Assessment("pia-1", FOREVER_MS, (CameraRole.ENTRANCE,), modes or (mode,), ("vip",))


def box(city: SmallCity, engine: CountingEngine, key: DeviceKey, clip: Path, at: HostedAt) -> EdgeAgent:
    settings = settings_for(city.url, clip, drain_timeout_s=0.2 if not allowed(city, at) else 10)
    return EdgeAgent(settings.model_copy(update={"hosted_at": at}), engine, bundle_for(PACK), key, PACK)


def allowed(city: SmallCity, at: HostedAt) -> bool:
    return not refusal(city.cameras[0], 0, at)


def opened(jpeg: bytes, landmarks: bytes) -> tuple[Image, NDArray[np.float32]]:
    picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return picture, np.frombuffer(landmarks, "<f4").reshape(5, 2)


@pytest.mark.parametrize("at", HostedAt)
@pytest.mark.parametrize("mode", CameraMode)
def test_C3_a_mode_runs_only_where_it_belongs_and_under_an_assessment_that_names_it(
    mode: CameraMode, at: HostedAt
) -> None:
    for named in CameraMode:
        may = not refusal(camera(mode=mode, assessment=assessed(named)), 0, at)
        assert may == (named is mode and (mode is CameraMode.VIDEO) == (at is HostedAt.CITY))
    everything = camera(mode=mode, assessment=assessed(mode, *CameraMode))
    assert bool(refusal(everything, 0, at)) == ((mode is CameraMode.VIDEO) != (at is HostedAt.CITY))
    assert refusal(camera(mode=mode, assessment=None), 0, at)


def test_C3_a_box_stands_at_the_branch_unless_its_settings_say_otherwise() -> None:
    settings = settings_for("ws://127.0.0.1:1/v1/box", "clip.mp4")
    assert settings.hosted_at is HostedAt.BRANCH
    assert EdgeSettings(**{**settings.model_dump(), "hosted_at": "city"}).hosted_at is HostedAt.CITY


@pytest.mark.parametrize(
    ("mode", "at"),
    [(CameraMode.VIDEO, HostedAt.BRANCH), (CameraMode.FEATURE, HostedAt.CITY), (CameraMode.PICTURE, HostedAt.CITY)],
)
async def test_C3_in_the_wrong_place_nothing_is_computed(
    mode: CameraMode, at: HostedAt, city: SmallCity, engine: CountingEngine, device_key: DeviceKey, group_clip: Path
) -> None:
    city.cameras = (camera(mode=mode, assessment=assessed(mode, *CameraMode)),)
    await box(city, engine, device_key, group_clip, at).run()
    assert (engine.detected, engine.embedded, city.events) == (0, 0, [])
    assert [at.value in status.detail and mode.value in status.detail for status in city.statuses] == [True]


async def test_in_picture_mode_faces_leave_instead_of_vectors_and_the_rest_is_the_same(
    city: SmallCity, engine: CountingEngine, device_key: DeviceKey, group_clip: Path, group_photo: Image
) -> None:
    city.cameras = (camera(mode=CameraMode.PICTURE, assessment=assessed(CameraMode.PICTURE)),)
    city.answer = lambda e: FaceAnswer(e.camera_id, e.track, e.seq, Outcome.MATCHED, e.track == 3, e.boot_id)
    agent = box(city, engine, device_key, group_clip, HostedAt.BRANCH)
    await agent.run()
    assert {type(event) for event in city.events} == {FacePicture}
    assert sorted((event.track, event.seq) for event in city.events) == [(n, 0) for n in range(6)]
    assert engine.embedded == 0
    for event in city.events:
        assert isinstance(event, FacePicture)
        assert len(event.jpeg) <= MAX_FACE_PICTURE_BYTES
        picture, points = opened(event.jpeg, event.landmarks)
        (face,) = engine.detect(picture, (320, 320))
        assert 0.3 < face.size_px / picture.shape[0] < 0.9
        assert float(np.abs(face.landmarks - points).max()) < 0.2 * face.size_px
    assert [photo.track for photo in city.photos] == [3]

    summary = agent.summary()
    assert (summary["face_events"], summary["embeddings"], summary["scene_photos_sent"]) == (6, 0, 1)
    pictures = sum(len(event.jpeg) for event in city.events)
    assert pictures < summary["event_up_bytes"] < pictures + 6 * 200
    (photo,) = city.photos
    assert summary["photo_up_bytes"] > len(photo.jpeg)
    assert summary["up_bytes"] > summary["event_up_bytes"] + summary["photo_up_bytes"]
    assert 0 < summary["answer_down_bytes"] < summary["down_bytes"]


async def test_a_video_camera_hosted_at_the_city_sends_vectors_as_any_box(
    city: SmallCity, engine: CountingEngine, device_key: DeviceKey, group_clip: Path
) -> None:
    city.cameras = (camera(mode=CameraMode.VIDEO, assessment=assessed(CameraMode.VIDEO)),)
    await box(city, engine, device_key, group_clip, HostedAt.CITY).run()
    assert {type(event) for event in city.events} == {FaceEvent}
    assert len(city.events) == 6


def test_further_pictures_follow_the_same_rules_and_stand_alone(
    engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int], group_clip: Path
) -> None:
    def events(mode: CameraMode) -> list[FaceEvent | FacePicture]:
        pipeline = Pipeline("cam-1", engine, identity, numbers, on_track_over=lambda _: None)
        pipeline.mode = mode
        found = []
        for frame in Source(str(group_clip), pace=False).frames():
            for look in pipeline.process(frame, "pia-1"):
                found.append(look.event)
                pipeline.answered(look.event.track, look.event.seq, Outcome.BETTER_SHOT)
        return found

    vectors, pictures = events(CameraMode.FEATURE), events(CameraMode.PICTURE)
    assert [(e.seq, e.frame, e.face_px, e.quality) for e in pictures] == [
        (e.seq, e.frame, e.face_px, e.quality) for e in vectors
    ]
    assert {event.shots for event in pictures} == {1}
    for vector, picture in zip(vectors, pictures, strict=True):
        if isinstance(vector, FaceEvent) and isinstance(picture, FacePicture) and vector.shots == 1:
            image, points = opened(picture.jpeg, picture.landmarks)
            there = Face(np.zeros(4, np.float32), points.copy(), 1.0)
            assert float(engine.embed(image, there) @ decode_probe(vector.vector, 128)) > 0.98


def test_what_the_city_makes_of_the_picture_is_what_the_box_would_have_sent(
    real_engine: FaceEngine, group_photo: Image
) -> None:
    for face in real_engine.detect(group_photo, (1280, 896)):
        picture, points = opened(**face_picture(group_photo, face, []))
        there = Face(np.zeros(4, np.float32), points.copy(), 1.0)
        assert float(real_engine.embed(picture, there) @ real_engine.embed(group_photo, face)) > 0.99


def test_a_neighbour_is_blurred_out_of_the_picture(engine: CountingEngine, group_photo: Image) -> None:
    faces = engine.detect(group_photo, (1280, 896))
    wanted, *others = sorted(faces, key=lambda face: abs(float(face.box[0]) - group_photo.shape[1] / 2))
    # A box as wide as the photo, so that everybody is in the picture.
    wide = Face(np.array([0, 0, group_photo.shape[1], 1], np.float32), wanted.landmarks, 1.0)
    everybody, _ = opened(**face_picture(group_photo, wide, []))
    alone, _ = opened(**face_picture(group_photo, wide, [face.box for face in others]))
    assert (everybody.shape, everybody.std() > 0) == (alone.shape, True)
    for face in others:
        left, top, right, bottom = (face.box * 160 / group_photo.shape[1]).astype(int)
        if bottom <= alone.shape[0]:
            assert alone[top:bottom, left:right].std() < everybody[top:bottom, left:right].std()


@pytest.mark.parametrize("side", [8, 60, 400, 2000])
def test_no_picture_is_ever_too_large(side: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    face = Face(np.array([0, 0, side, side], np.float32), np.zeros((5, 2), np.float32), 0.9)
    jpeg = face_picture(noise, face, [])["jpeg"]
    assert jpeg.startswith(b"\xff\xd8")
    assert len(jpeg) <= MAX_FACE_PICTURE_BYTES


def test_a_picture_survives_the_wire() -> None:
    picture = FacePicture("cam-1", "pia-1", 1, 0, 7, 8, 80, 0.5, 1, bytes(MAX_FACE_PICTURE_BYTES), bytes(40))
    assert decode_from_box(encode(picture)) == picture
    names = [[field.name for field in msgspec.structs.fields(kind)] for kind in (FaceEvent, FacePicture)]
    assert names[0][:9] == names[1][:9]
    assert isinstance(decode_from_box(encode(ScenePhoto("cam-1", 1, b""))), ScenePhoto)
