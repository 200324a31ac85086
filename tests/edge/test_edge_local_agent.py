"""The whole box with local recognition against a small real city: what leaves it, what survives a kill."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from edge_builders import FOREVER_MS, CountingEngine, Image, SmallCity, camera, eventually
from test_edge_agent import PACK, edge_process, settings_for
from websockets.asyncio.server import ServerConnection, serve

from edge import pipeline
from edge.agent import EdgeAgent
from edge.outbox_store import KeptOutbox, OutboxStore
from edge.uplink import BoxRefused
from yingbin.faces.engine import FaceEngine
from yingbin.galleries.protect import Transform, apply, encode_probe, encode_template, normalise, random_transform
from yingbin.ids import now_ms
from yingbin.local_wire import GalleryAsk, GalleryMember, GalleryPage, LocalHit, fingerprint, gallery_digest
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.trust.seal import Sealer
from yingbin.wire import (
    Assessment,
    BoxMessage,
    Camera,
    CameraMode,
    CameraRole,
    CameraState,
    FaceAnswer,
    FaceEvent,
    Outcome,
    ScenePhoto,
    encode,
)

FACES = 6
HOUR_MS = 3_600_000


def left_in(folder: Path) -> list[Path]:
    """Return the galleries that lie on tmpfs."""
    return list(folder.glob("*gallery*"))


def local_camera() -> Camera:
    covered = Assessment("pia-1", FOREVER_MS, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), ("vip",), True)
    return camera(local_recognition=True, assessment=covered)


@dataclass
class LocalCity(SmallCity):
    """Answers `GalleryAsk` as a city does, and keeps every message it was sent, as bytes."""

    members: tuple[GalleryMember, ...] = ()
    has_gallery: bool = True
    line: ServerConnection | None = None
    asks: list[GalleryAsk] = field(default_factory=list)
    pages: list[GalleryPage] = field(default_factory=list)
    heard: list[BoxMessage] = field(default_factory=list)

    @property
    def digest(self) -> bytes:
        return gallery_digest({one.customer_id: fingerprint(one) for one in self.members})

    async def _take(self, socket: ServerConnection, message: BoxMessage) -> bool:
        self.heard.append(message)
        if not isinstance(message, GalleryAsk):
            return await super()._take(socket, message)
        self.asks.append(message)
        if self.has_gallery:
            known = message.digest == self.digest
            page = GalleryPage(not known, () if known else self.members, (), self.digest, self.clock_ms() + HOUR_MS)
            self.pages.append(page)
            await socket.send(encode(page))
        self.line = socket
        return True

    async def tell(self, page: GalleryPage) -> None:
        """Send the box a page it has not asked for."""
        assert self.line
        await self.line.send(encode(page))

    @property
    def hits(self) -> list[LocalHit]:
        return [one for one in self.heard if isinstance(one, LocalHit)]


@pytest.fixture
def transform() -> Transform:
    return random_transform(128)


@pytest.fixture
def bundle(transform: Transform) -> BoxBundle:
    raw = base64.b64encode(transform.astype("<f4").tobytes()).decode()
    return BoxBundle("box-1", "branch-1", "city-1", PACK, 128, raw)


@pytest.fixture
def enrolled(real_engine: FaceEngine, group_photo: Image, transform: Transform) -> tuple[GalleryMember, ...]:
    """Enrol the leftmost and the rightmost person of the group, mapped into the box's domain as the city does."""
    faces = sorted(real_engine.detect(group_photo, (1280, 896)), key=lambda one: float(one.box[0]))
    assert len(faces) == FACES
    vectors = {name: real_engine.embed(group_photo, face) for name, face in (("left", faces[0]), ("right", faces[-1]))}
    return tuple(
        GalleryMember(name, "vip", encode_template(normalise(apply(transform, vector))))
        for name, vector in vectors.items()
    )


@pytest.fixture
async def city(device_key: DeviceKey, enrolled: tuple[GalleryMember, ...]) -> AsyncIterator[LocalCity]:
    small = LocalCity(device_key.public_bytes, (local_camera(),), members=enrolled)
    small.answer = lambda e: FaceAnswer(e.camera_id, e.track, e.seq, Outcome.MATCHED, e.seq == 0, e.boot_id)
    async with serve(small.talk, "127.0.0.1", 0) as server:
        small.port = next(iter(server.sockets)).getsockname()[1]
        yield small


Build = Callable[..., EdgeAgent]


@pytest.fixture
def build(
    city: LocalCity, engine: CountingEngine, device_key: DeviceKey, bundle: BoxBundle, real_engine: FaceEngine
) -> Build:
    def make(source: Path, **changes: Any) -> EdgeAgent:
        settings = settings_for(city.url, source, **changes)
        return EdgeAgent(settings, engine, bundle, device_key, PACK, real_engine.pack.scores)

    return make


async def test_C2_of_six_people_the_two_enrolled_are_reported_and_of_the_rest_nothing_leaves(
    build: Build, city: LocalCity, group_clip: Path, monkeypatch: pytest.MonkeyPatch, outbox_folder: Path
) -> None:
    vectors: list[bytes] = []

    def watched(vector: Any) -> bytes:
        vectors.append(encode_probe(vector))
        return vectors[-1]

    monkeypatch.setattr(pipeline, "encode_probe", watched)
    agent = build(group_clip)
    await agent.run()
    assert {hit.customer_id for hit in city.hits} == {"left", "right"}
    assert len({hit.track for hit in city.hits}) == 2
    assert sorted(photo.track for photo in city.photos) == sorted({hit.track for hit in city.hits})
    said = {type(message).__name__ for message in city.heard}
    assert said == {"ClockAsk", "GalleryAsk", "CameraStatus", "LocalHit", "ScenePhoto"}
    assert len(vectors) >= FACES
    wire = [encode(message) for message in city.heard]
    windows = {vector[at : at + 8] for vector in vectors for at in range(0, len(vector), 8)}
    assert not any(window in raw for raw in wire for window in windows)
    summary = agent.summary()
    assert summary["face_events"] == len(city.hits)
    assert summary["non_matches"] == FACES - 2
    assert [track["outcome"] for track in summary["tracks"]].count("matched") == 2
    assert left_in(outbox_folder) == [], "a graceful end leaves no template and no look"


async def test_C3_without_a_branch_gallery_the_camera_computes_nothing_and_tells_the_city(
    build: Build, city: LocalCity, engine: CountingEngine, group_clip: Path
) -> None:
    city.has_gallery = False
    agent = build(group_clip, drain_timeout_s=0.5)
    await agent.run()
    assert (engine.detected, engine.embedded, city.events) == (0, 0, [])
    assert [status.state for status in city.statuses] == [CameraState.NO_GALLERY]
    assert "gallery" in city.statuses[0].detail
    assert agent.summary()["cameras"]["cam-1"]["state"] == "no_gallery"


async def test_C3_a_box_that_does_not_run_the_local_camera_holds_no_template(
    build: Build, city: LocalCity, group_clip: Path
) -> None:
    city.cameras = (camera(), msgspec.structs.replace(local_camera(), camera_id="cam-2"))
    await build(group_clip).run()
    assert city.asks == []
    assert len(city.events) == FACES


async def test_C5_when_the_lease_ends_a_running_camera_stops_computing(
    build: Build, city: LocalCity, engine: CountingEngine, group_clip: Path, outbox_folder: Path
) -> None:
    agent = build(group_clip, loop=True, pace_real_time=True)
    running = asyncio.create_task(agent.run())
    await eventually(lambda: bool(city.hits))
    city.has_gallery = False  # it is asked for again at once
    await city.tell(GalleryPage(False, (), (), city.digest, city.clock_ms()))
    await eventually(lambda: city.statuses[-1].state is CameraState.NO_GALLERY)
    assert left_in(outbox_folder) == []
    before = engine.detected
    await asyncio.sleep(0.5)
    assert engine.detected == before
    await city.tell(GalleryPage(True, city.members, (), city.digest, city.clock_ms() + HOUR_MS))
    await eventually(lambda: city.statuses[-1].state is CameraState.RUNNING)
    agent.stop()
    await running


async def test_C5_a_stolen_box_that_reports_to_its_city_forgets_everybody(
    build: Build, city: LocalCity, group_clip: Path, outbox_folder: Path
) -> None:
    running = asyncio.create_task(build(group_clip, loop=True).run())
    await eventually(lambda: bool(city.hits))
    assert len(left_in(outbox_folder)) == 1
    city.refuse = "box_revoked"
    assert city.line
    city.line.transport.abort()
    with pytest.raises(BoxRefused):
        await running
    assert left_in(outbox_folder) == []


async def test_C2_vectors_that_waited_from_before_the_camera_became_local_are_withheld(
    build: Build, city: LocalCity, group_clip: Path, device_key: DeviceKey, bundle: BoxBundle, outbox_folder: Path
) -> None:
    store = OutboxStore(
        outbox_folder, Sealer(device_key.derive(f"outbox/{bundle.pack_id}")), "box-1", "before", bundle.key_id
    )
    earlier = KeptOutbox(10, store)
    earlier.open(0.0)
    vector = FaceEvent("cam-1", "pia-1", 1, 0, 0, now_ms(), 60, 0.5, 1, b"\1" * 256)
    hit = LocalHit("cam-1", "pia-1", 2, 0, 0, now_ms(), 60, 0.5, 1, "left")
    loop_s = asyncio.get_running_loop().time()
    for look in (vector, hit):
        earlier.add(look, loop_s)
    earlier.close()
    await build(group_clip).run()
    assert not any(isinstance(message, FaceEvent) for message in city.heard)
    assert [one.boot_id for one in city.hits if one.track == 2][:1] == ["before"]


@pytest.fixture
def config(tmp_path: Path, device_key: DeviceKey, bundle: BoxBundle, real_engine: FaceEngine, group_clip: Path) -> Path:
    device_key.save(tmp_path / "box.key")
    path = tmp_path / "bundle.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(bundle, pack_id=real_engine.pack.pack_id)))
    path.chmod(0o600)
    config = tmp_path / "edge.toml"
    config.write_text(
        f'key_file = "{tmp_path}/box.key"\nbundle_file = "{path}"\n'
        f'[[cameras]]\ncamera_id = "cam-1"\nsource = "{group_clip}"\nloop = true\n'
    )
    return config


async def test_C5_killed_it_comes_back_with_its_sealed_gallery_which_the_city_only_has_to_confirm(
    config: Path, city: LocalCity, outbox_folder: Path
) -> None:
    async with edge_process(config, YINGBIN_EDGE_CITY_URL=city.url) as process:
        await eventually(lambda: len({hit.customer_id for hit in city.hits}) == 2)
        process.kill()
        await process.wait()
    (kept,) = left_in(outbox_folder)
    raw = kept.read_bytes()
    for member in city.members:
        assert not any(member.vector[at : at + 8] in raw for at in range(0, len(member.vector), 8))
        assert member.customer_id.encode() not in raw
    assert [page.snapshot for page in city.pages] == [True]

    seen = len(city.hits)
    async with edge_process(config, YINGBIN_EDGE_CITY_URL=city.url) as process:
        await eventually(lambda: any(not hit.boot_id for hit in city.hits[seen:]))
        process.terminate()
        await process.wait()
    assert [ask.digest for ask in city.asks] == [b"", city.digest]
    assert [len(page.members) for page in city.pages] == [2, 0]
    assert left_in(outbox_folder) == [], "a graceful end leaves nothing"


async def test_C2_hits_wait_for_an_answer_and_strangers_are_over_at_once(
    build: Build, city: LocalCity, group_clip: Path, engine: CountingEngine
) -> None:
    city.answer = lambda _: None
    agent = build(group_clip, loop=True)
    running = asyncio.create_task(agent.run())
    await eventually(lambda: engine.embedded >= FACES and len(city.hits) >= 2)
    agent.stop()
    await running
    assert {hit.customer_id for hit in city.hits} == {"left", "right"}
    assert not any(isinstance(message, FaceEvent | ScenePhoto) for message in city.heard)
