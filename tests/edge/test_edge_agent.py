"""The whole box against a small real city on a loopback socket."""

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from edge_builders import CountingEngine, Image, SmallCity, camera, eventually

from edge.agent import EdgeAgent
from edge.settings import EdgeSettings
from edge.source_errors import SourceMissing, SourceStopped
from edge.uplink import BoxRefused, wire_bytes
from yingbin.galleries.protect import random_transform
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.wire import CameraState, FaceAnswer, FaceEvent, Outcome, Refused, encode

PACK = "pack-1"
Build = Callable[..., EdgeAgent]


def bundle_for(pack_id: str) -> BoxBundle:
    raw = base64.b64encode(random_transform(128).astype("<f4").tobytes()).decode()
    return BoxBundle("box-1", "branch-1", "city-1", pack_id, 128, raw)


def settings_for(url: str, source: Path | str, drain_timeout_s: float = 10, **changes: object) -> EdgeSettings:
    cameras = [{"camera_id": "cam-1", "source": str(source), "pace_real_time": False, **changes}]
    return EdgeSettings(
        city_url=url, key_file=Path("key"), bundle_file=Path("bundle"), cameras=cameras, drain_timeout_s=drain_timeout_s
    )


@pytest.fixture
def build(city: SmallCity, engine: CountingEngine, device_key: DeviceKey) -> Build:
    def make(source: Path | str, **changes: object) -> EdgeAgent:
        return EdgeAgent(settings_for(city.url, source, **changes), engine, bundle_for(PACK), device_key, PACK)

    return make


async def test_a_clip_runs_through_and_everybody_is_answered(
    build: Build, city: SmallCity, engine: CountingEngine, group_clip: Path
) -> None:
    agent = build(group_clip)
    await agent.run()
    summary = agent.summary()
    assert [(e.track, e.seq) for e in sorted(city.events, key=lambda e: e.track)] == [(n, 0) for n in range(6)]
    assert summary["face_events"] == summary["embeddings"] == summary["non_matches"] == engine.embedded == 6
    assert summary["scene_photos_sent"] == 0
    assert summary["cameras"]["cam-1"]["state"] == "ended"
    assert len(summary["tracks"]) == 6
    assert [status.state for status in city.statuses] == [CameraState.RUNNING, CameraState.ENDED]
    boot = city.proofs[0].boot_id
    assert {name for track in summary["tracks"] for name in track["events"]} == {
        f"box-1/{boot}/{number}/0" for number in range(6)
    }


async def test_an_event_is_small_on_the_wire_and_counted_with_its_header(
    build: Build, city: SmallCity, group_clip: Path
) -> None:
    agent = build(group_clip)
    await agent.run()
    sizes = sorted(wire_bytes(len(encode(event)), masked=True) for event in city.events)
    assert agent.summary()["bytes_per_event_max"] == sizes[-1] <= 1_000


async def test_the_photo_is_sent_only_when_asked_for(build: Build, city: SmallCity, group_clip: Path) -> None:
    city.answer = lambda e: FaceAnswer(e.camera_id, e.track, e.seq, Outcome.MATCHED, e.track == 3)
    agent = build(group_clip)
    await agent.run()
    (photo,) = city.photos
    assert photo.track == 3
    assert cv2.imdecode(np.frombuffer(photo.jpeg, np.uint8), cv2.IMREAD_COLOR).shape[1] == 640
    assert (agent.summary()["scene_photos_sent"], agent.summary()["non_matches"]) == (1, 0)


async def test_a_photo_of_one_frame_is_a_source_too(
    build: Build, city: SmallCity, group_photo: Image, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), group_photo)
    await build(path).run()
    assert len(city.events) == 6


async def test_C8_what_waited_when_the_bundle_was_changed_is_sent_with_the_name_of_its_domain(
    build: Build, city: SmallCity, group_clip: Path
) -> None:
    answers, city.answer = city.answer, _never
    agent = build(group_clip)
    running = asyncio.create_task(agent.run())
    await eventually(lambda: len(city.events) >= 6)
    agent.stop()
    await running
    (before,) = {proof.key_id for proof in city.proofs}
    waited, city.answer = list(city.events), answers
    city.events.clear()
    await build(group_clip).run()  # each agent is built with a bundle of its own
    by_domain = {key_id: [e for e in city.events if e.key_id == key_id] for key_id in (before, "")}
    assert {e.vector for e in by_domain[before]} == {e.vector for e in waited}
    assert len(by_domain[""]) == 6
    assert len(city.events) == 12
    assert city.proofs[-1].key_id != before


async def test_after_a_lost_line_unanswered_events_come_again_under_the_same_name(
    build: Build, city: SmallCity, group_clip: Path
) -> None:
    city.drop_after_events = 3
    agent = build(group_clip)
    await agent.run()
    boots = {proof.boot_id for proof in city.proofs}
    assert (len(city.proofs), len(boots)) == (2, 1)
    names = [(event.track, event.seq) for event in city.events]
    assert sorted(set(names)) == [(n, 0) for n in range(6)]
    assert len(names) > len(set(names))
    repeated = {name: [e for e in city.events if (e.track, e.seq) == name] for name in names}
    # The same look each time; only its time may be put right by what was learnt of the city's clock meanwhile.
    for events in repeated.values():
        assert len({encode(msgspec.structs.replace(event, seen_at_ms=0)) for event in events}) == 1
        assert max(event.seen_at_ms for event in events) - min(event.seen_at_ms for event in events) <= 1000
    assert agent.summary()["non_matches"] == 6


async def test_an_event_the_city_refuses_is_not_sent_again(build: Build, city: SmallCity, group_clip: Path) -> None:
    city.answer = lambda e: Refused("bad_vector", "no", "error-1", e.camera_id, e.track, e.seq)
    agent = build(group_clip)
    await agent.run()
    assert len(city.events) == 6
    assert {track["outcome"] for track in agent.summary()["tracks"]} == {"refused"}


@pytest.mark.parametrize("code", ["not_authenticated", "box_revoked"])
async def test_an_unknown_or_revoked_key_ends_the_box_with_a_clear_error(
    code: str, build: Build, city: SmallCity, group_clip: Path, engine: CountingEngine
) -> None:
    city.refuse = code
    with pytest.raises(BoxRefused, match=code):
        await build(group_clip).run()
    assert len(city.proofs) == 1
    assert engine.detected == 0


async def test_a_passing_refusal_is_tried_again(build: Build, city: SmallCity, group_clip: Path) -> None:
    city.refuse = "unavailable"
    running = asyncio.create_task(build(group_clip).run())
    await eventually(lambda: len(city.proofs) == 2)
    city.refuse = ""
    await running
    assert len(city.events) == 6


async def test_C3_a_camera_the_city_does_not_allow_computes_nothing_and_a_file_run_ends(
    build: Build, city: SmallCity, group_clip: Path, engine: CountingEngine
) -> None:
    city.cameras = (camera(assessment=None),)
    agent = build(group_clip, drain_timeout_s=0.2)
    await agent.run()
    assert (engine.detected, engine.embedded, city.events) == (0, 0, [])
    assert agent.summary()["cameras"]["cam-1"]["state"] == "not_assessed"


async def test_a_missing_file_is_reported_before_anything_starts(build: Build, city: SmallCity, tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        await build(tmp_path / "none.mp4").run()
    assert city.proofs == []


@pytest.fixture
def cut_clip(group_clip: Path, tmp_path: Path) -> Path:
    path = tmp_path / "cut.mp4"
    path.write_bytes(group_clip.read_bytes()[: group_clip.stat().st_size * 3 // 4])
    return path


async def test_a_file_cut_off_in_the_middle_is_used_and_reported(build: Build, city: SmallCity, cut_clip: Path) -> None:
    with pytest.raises(SourceStopped):
        await build(cut_clip).run()
    assert CameraState.STOPPED in [status.state for status in city.statuses]


async def test_stop_ends_an_endless_run(build: Build, city: SmallCity, group_clip: Path) -> None:
    agent = build(group_clip, loop=True)
    running = asyncio.create_task(agent.run())
    await eventually(lambda: len(city.events) >= 6)
    agent.stop()
    await asyncio.wait_for(running, 5)


async def test_garbage_from_the_city_does_not_end_the_box(
    build: Build, city: SmallCity, group_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, calls = city.talk, []

    async def rude_at_first(socket: object) -> None:
        calls.append(socket)
        if len(calls) == 1:
            await socket.send(b"\xc1 not msgpack")  # type: ignore[attr-defined]
        else:
            await talk(socket)  # type: ignore[arg-type]

    monkeypatch.setattr(city, "talk", rude_at_first)
    await build(group_clip).run()
    assert len(city.events) == 6


@contextlib.asynccontextmanager
async def edge_process(config: Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `yingbin edge run` as a process."""
    program = "from yingbin.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "edge", "run", "--config", str(config), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _never(_: FaceEvent) -> None:
    """Leave an event unanswered: the box would wait."""
