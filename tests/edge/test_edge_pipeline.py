from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from edge_builders import FOREVER_MS, CountingEngine, Image, camera, write_clip

from edge.camera import CameraHooks, CameraWorker, refusal
from edge.detection import detector_size
from edge.pipeline import BoxIdentity, Look, Pipeline
from edge.report import TrackReport
from edge.source import Source
from yingbin.faces.engine import FaceEngine
from yingbin.galleries.decide import MAX_LOOKS
from yingbin.galleries.protect import apply, decode_probe, random_transform
from yingbin.wire import Assessment, CameraMode, CameraRole, CameraState, CameraStatus, Outcome


@pytest.fixture
def over() -> list[TrackReport]:
    return []


@pytest.fixture
def pipeline(
    engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int], over: list[TrackReport]
) -> Pipeline:
    return Pipeline("cam-1", engine, identity, numbers, on_track_over=over.append)


def play(pipeline: Pipeline, path: Path) -> list[Look]:
    looks = []
    for frame in Source(str(path), pace=False).frames():
        looks += pipeline.process(frame, "pia-1")
    return looks + pipeline.end_of_stream("pia-1")


def test_every_person_is_embedded_once_not_on_every_frame(
    pipeline: Pipeline, engine: CountingEngine, group_clip: Path, over: list[TrackReport]
) -> None:
    looks = play(pipeline, group_clip)
    assert sorted(look.event.track for look in looks) == list(range(6))
    assert engine.embedded == pipeline.report.embeddings == 6
    assert engine.detected <= 11
    for look in looks:
        pipeline.answered(look.event.track, 0, Outcome.NOT_ENROLLED)
    assert pipeline.last_looks("pia-1") == []
    assert pipeline.idle
    assert {track.outcome for track in over} == {"not_enrolled"}
    assert all(track.events == [f"box-1/b00t/{track.track}/0"] for track in over)
    assert all(0 < track.first_px40_ms <= track.first_px60_ms for track in over)


def test_the_vector_is_the_boxs_transform_of_a_unit_template(
    engine: CountingEngine, numbers: Iterator[int], group_clip: Path
) -> None:
    secret = random_transform(128)
    plain, turned = (
        play(
            Pipeline(
                "cam-1",
                engine,
                BoxIdentity("box-1", "b00t", matrix),
                iter(range(100)),
                on_track_over=lambda _: None,
            ),
            group_clip,
        )
        for matrix in (np.eye(128, dtype=np.float32), secret)
    )
    for one, other in zip(plain, turned, strict=True):
        expected = apply(secret, decode_probe(one.event.vector, 128))
        assert float(expected @ decode_probe(other.event.vector, 128)) > 0.999


def test_better_shots_are_fused_and_counted(pipeline: Pipeline, engine: CountingEngine, group_clip: Path) -> None:
    events = []
    for frame in Source(str(group_clip), pace=False).frames():
        for look in pipeline.process(frame, "pia-1"):
            events.append(look.event)
            pipeline.answered(look.event.track, look.event.seq, Outcome.BETTER_SHOT)
    looks = pipeline.end_of_stream("pia-1")
    while looks:
        events += [look.event for look in looks]
        for look in looks:
            pipeline.answered(look.event.track, look.event.seq, Outcome.BETTER_SHOT)
        looks = pipeline.last_looks("pia-1")
    for track in range(6):
        mine = [event for event in events if event.track == track]
        assert [event.seq for event in mine] == list(range(len(mine)))
        assert [event.shots for event in mine] == list(range(1, len(mine) + 1))
        assert len(mine) <= MAX_LOOKS
    assert engine.embedded == len(events)
    assert pipeline.idle


def test_a_scene_cut_never_carries_an_identity_over(pipeline: Pipeline, group_photo: Image, tmp_path: Path) -> None:
    mirrored = np.ascontiguousarray(group_photo[:, ::-1])
    looks = play(pipeline, write_clip(tmp_path / "cut.mp4", [group_photo] * 10 + [mirrored] * 10))
    before = {look.event.track for look in looks if look.event.frame < 10}
    after = {look.event.track for look in looks if look.event.frame >= 10}
    assert (len(before), len(after)) == (6, 6)
    assert not before & after


def poster(photo: Image, frames: int) -> list[Image]:
    """Return a picture on a wall as a camera sees it: the photo at half its size, with sensor noise."""
    noise = np.random.default_rng(5)
    small = photo[:884:2, ::2].astype(np.int16)
    return [np.clip(small + noise.normal(0, 2, small.shape), 0, 255).astype(np.uint8) for _ in range(frames)]


def test_a_poster_is_looked_at_once_whatever_the_city_wants(
    pipeline: Pipeline, group_photo: Image, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "poster.mp4", poster(group_photo, 80), rate=10)
    looks: list[Look] = []
    for frame in Source(str(clip), pace=False).frames():
        new = pipeline.process(frame, "pia-1")
        looks += new
        for look in new:
            pipeline.answered(look.event.track, look.event.seq, Outcome.BETTER_SHOT)
    assert sorted(look.event.track for look in looks) == list(range(6))


@pytest.mark.parametrize("outcome", [Outcome.NOT_ENROLLED, Outcome.MATCHED, Outcome.BETTER_SHOT])
def test_a_track_that_splits_and_rejoins_is_one_person(
    pipeline: Pipeline,
    real_engine: FaceEngine,
    group_photo: Image,
    tmp_path: Path,
    over: list[TrackReport],
    outcome: Outcome,
) -> None:
    images = poster(group_photo, 50)
    left, top, right, bottom = real_engine.detect(images[0])[0].box.astype(int)
    for image in images[8:20] + images[28:40]:
        image[top - 20 : bottom + 20, left - 20 : right + 20] = 128
    looks: list[Look] = []
    for frame in Source(str(write_clip(tmp_path / "hidden.mp4", images, rate=10)), pace=False).frames():
        new = pipeline.process(frame, "pia-1")
        looks += new
        for look in new:
            pipeline.answered(look.event.track, look.event.seq, outcome)
    pipeline.end_of_stream("pia-1")
    pipeline.abandon()
    assert len(over) == 6
    assert {look.event.track for look in looks} == {track.track for track in over} == set(range(6))
    assert max(look.event.seq for look in looks) == (2 if outcome is Outcome.BETTER_SHOT else 0)


def test_a_face_that_the_tracker_cannot_follow_is_still_one_person(
    pipeline: Pipeline, real_engine: FaceEngine, group_photo: Image, tmp_path: Path, over: list[TrackReport]
) -> None:
    left, top, right, bottom = real_engine.detect(group_photo)[0].box.astype(int)
    face = group_photo[top - 30 : bottom + 30, left - 30 : right + 30]
    images = []
    for x in [40] * 10 + [400] * 4 + [40] * 10:
        wall = np.repeat(np.linspace(0, 255, 360).astype(np.uint8)[:, None, None], 640, axis=1).repeat(3, axis=2)
        wall[60 : 60 + face.shape[0], x : x + face.shape[1]] = face
        images.append(wall)
    looks: list[Look] = []
    for frame in Source(str(write_clip(tmp_path / "jump.mp4", images, rate=10)), pace=False).frames():
        new = pipeline.process(frame, "pia-1")
        looks += new
        for look in new:
            pipeline.answered(look.event.track, look.event.seq, Outcome.NOT_ENROLLED)
    pipeline.end_of_stream("pia-1")
    pipeline.abandon()
    assert [(look.event.track, look.event.seq) for look in looks] == [(0, 0)]
    assert len({track.track for track in over}) == len(over)
    assert [track.track for track in over if track.events] == [0]


def test_a_still_empty_room_is_hardly_ever_searched(pipeline: Pipeline, engine: CountingEngine, tmp_path: Path) -> None:
    room = np.random.default_rng(3).integers(80, 90, (240, 320, 3), np.uint8)
    play(pipeline, write_clip(tmp_path / "room.mp4", [room] * 75))
    assert engine.detected <= 4


def test_the_detector_sees_small_faces_at_the_smallest_size_that_will_do() -> None:
    assert detector_size(1280, 720, 40) == (640, 384)
    assert detector_size(640, 360, 40) == (640, 384)
    assert detector_size(1080, 1920, 40) == (416, 736)
    assert detector_size(320, 240, 40) == (320, 256)
    for width, height in ((1920, 1080), (2560, 1440)):
        assert detector_size(width, height, 40)[0] / width * 40 >= 14


def changed(**changes: object) -> Assessment:
    whole = {
        "assessment_id": "pia-1",
        "expires_at_ms": FOREVER_MS,
        "roles": (CameraRole.ENTRANCE,),
        "modes": (CameraMode.FEATURE,),
        "galleries": ("vip",),
    }
    return Assessment(**{**whole, **changes})  # type: ignore[arg-type]


NOT_COVERED = {
    "unknown camera": None,
    "no assessment": camera(assessment=None),
    "expired": camera(assessment=changed(expires_at_ms=1_000)),
    "another role": camera(assessment=changed(roles=(CameraRole.TICKET_MACHINE,))),
    "another mode": camera(assessment=changed(modes=(CameraMode.PICTURE,))),
    "no gallery": camera(assessment=changed(galleries=())),
    "mode of a later version": camera(mode=CameraMode.VIDEO, assessment=changed(modes=tuple(CameraMode))),
}


@pytest.mark.parametrize("role", CameraRole)
@pytest.mark.parametrize("mode", CameraMode)
def test_C3_role_and_mode_must_be_covered(role: CameraRole, mode: CameraMode) -> None:
    for assessed_role in CameraRole:
        for assessed_mode in CameraMode:
            assessment = changed(roles=(assessed_role,), modes=(assessed_mode,))
            allowed = not refusal(camera(role=role, mode=mode, assessment=assessment), 0)
            assert allowed == (role is assessed_role and mode is assessed_mode and mode is not CameraMode.VIDEO)


@pytest.mark.parametrize("case", NOT_COVERED)
def test_C3_without_a_covering_assessment_nothing_is_computed(
    case: str, pipeline: Pipeline, engine: CountingEngine, group_clip: Path
) -> None:
    statuses: list[CameraStatus] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(str(group_clip), pace=False),
        pipeline,
        CameraHooks(look=lambda look: pytest.fail("a look left the box"), status=statuses.append),
        drain_timeout_s=0.1,
        clock_ms=lambda: 2_000,
    )
    worker.allow(NOT_COVERED[case])
    worker.start()
    worker.join(0.5)
    assert worker.settled
    worker.halt()
    worker.join(5)
    assert (engine.detected, engine.embedded, pipeline.report.frames) == (0, 0, 0)
    assert [status.state for status in statuses] == [CameraState.NOT_ASSESSED]
    assert statuses[0].detail


def test_C3_an_assessment_that_expires_while_running_stops_the_computing(
    pipeline: Pipeline, engine: CountingEngine, group_clip: Path
) -> None:
    statuses: list[CameraStatus] = []
    looks: list[Look] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(str(group_clip), loop=True, pace=False),
        pipeline,
        CameraHooks(look=looks.append, status=statuses.append),
        drain_timeout_s=1,
        clock_ms=lambda: 0 if pipeline.report.frames < 5 else 5_000,
    )
    worker.allow(camera(assessment=changed(expires_at_ms=1_000)))
    worker.start()
    for _ in range(600):
        if len(statuses) >= 2:
            break
        worker.join(0.1)
    worker.join(0.5)  # nothing more comes
    worker.halt()
    worker.join(5)
    assert pipeline.report.frames == 5
    assert engine.embedded == len(looks)
    assert [status.state for status in statuses] == [CameraState.RUNNING, CameraState.NOT_ASSESSED]
    assert "expired" in statuses[-1].detail
    assert pipeline.idle
