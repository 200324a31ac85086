"""Health, metrics, the installer's page, the watchdogs: the whole box against a small real city."""

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from edge_builders import CountingEngine, Image, SmallCity, camera, eventually, write_clip
from test_edge_agent import PACK, bundle_for, settings_for

from edge.agent import EdgeAgent
from edge.mounting import Mounting, angles
from edge.operations import Doorkeeper
from edge.settings import EdgeSettings
from edge.supervisor import ServiceManager
from yingbin.errors import NotAllowed, NotAuthenticated
from yingbin.faces.face import Face
from yingbin.trust.devices import DeviceKey
from yingbin.wire import CameraState

Build = Callable[..., EdgeAgent]


@pytest.fixture
def build(city: SmallCity, engine: CountingEngine, device_key: DeviceKey) -> Build:
    def make(source: Path | str, *, engine: Any = engine, **changes: Any) -> EdgeAgent:
        plain = settings_for(city.url, source, loop=True, pace_real_time=True)
        settings = plain.model_copy(update={"operations_port": 0, **changes})
        return EdgeAgent(settings, engine, bundle_for(PACK), device_key, PACK)

    return make


def port_of(out: str) -> int:
    ready = next(line for line in out.splitlines() if "operations_ready" in line)
    return int(ready.rsplit("port=", 1)[1].split()[0])


class Running:
    """An agent in this event loop, and a client for its endpoint."""

    def __init__(self, agent: EdgeAgent, capsys: pytest.CaptureFixture[str]) -> None:
        self._agent, self._capsys = agent, capsys
        self.printed = ""

    async def __aenter__(self) -> httpx.AsyncClient:
        self._task = asyncio.create_task(self._agent.run())
        await eventually(self._announced)
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(self.printed)}")
        return self._client

    def _announced(self) -> bool:
        if self._task.done():
            self._task.result()
        self.printed += self._capsys.readouterr().out
        return "operations_ready" in self.printed and ("installer_page" in self.printed or not self._wants_page())

    def _wants_page(self) -> bool:
        return self._agent._settings.installer_page

    def code(self) -> str:
        printed = next(line for line in self.printed.splitlines() if line.startswith('{"installer_page"'))
        return str(json.loads(printed)["one_time_code"])

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        self._agent.stop()
        await asyncio.wait_for(self._task, 20)


async def until(client: httpx.AsyncClient, path: str, condition: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Ask until the answer fits."""
    async with asyncio.timeout(30):
        while not condition(reply := await client.get(path)):  # noqa: ASYNC110 - asks another task over HTTP
            await asyncio.sleep(0.05)
    return reply


def fps_in(metrics: str) -> float:
    return next((float(line.split()[1]) for line in metrics.splitlines() if line.startswith("yingbin_edge_fps{")), 0.0)


async def test_health_and_metrics_of_a_running_box(
    build: Build, city: SmallCity, group_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Running(build(group_clip), capsys) as client:
        health = await until(client, "/healthz", lambda reply: reply.status_code == 200)
        assert health.json()["status"] == "ok"
        await eventually(lambda: len(city.events) >= 6)
        assert (await until(client, "/metrics", lambda reply: fps_in(reply.text) > 0)).status_code == 200
        metrics = (await client.get("/metrics")).text
        assert (await client.get("/installer/")).status_code == 404
        assert (await client.get("/healthz", headers={"Host": "evil.example"})).status_code == 400
    values = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("yingbin_edge"))
    assert values['yingbin_edge_camera_state{camera="cam-1",state="running"}'] == "1.0"
    assert values["yingbin_edge_city_connected"] == "1.0"
    for name in ("frames_total", "faces_total", "detect_seconds_count", "detect_seconds_sum", "embed_seconds_count"):
        assert float(values[f'yingbin_edge_{name}{{camera="cam-1"}}']) > 0, name
    assert float(values["yingbin_edge_events_total"]) >= 6
    assert float(values['yingbin_edge_reconnects_total{camera="cam-1"}']) == 0


async def test_health_names_what_is_wrong(build: Build, city: SmallCity, capsys: pytest.CaptureFixture[str]) -> None:
    async with Running(build("http://127.0.0.1:9/stream", open_timeout_s=2.0), capsys) as client:
        reply = await until(client, "/healthz", lambda reply: "cannot be opened" in reply.text)
        assert reply.status_code == 503
        assert "cam-1" in reply.json()["detail"]
    assert CameraState.UNREACHABLE in [status.state for status in city.statuses]


async def test_the_installer_page_needs_the_printed_code_and_shows_boxes_with_face_heights(
    build: Build, city: SmallCity, group_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Running(build(group_clip, installer_page=True), capsys)
    async with running as client:
        code = running.code()
        assert (await client.get("/installer/")).status_code == 200
        assert (await client.get("/v1/installer/cameras")).status_code == 401
        assert (await client.get("/v1/installer/cameras/cam-1")).status_code == 401
        assert (await client.post("/v1/installer/session", json={"code": "wrong"})).status_code == 403
        assert (await client.post("/v1/installer/session", json={"code": f"{code[:4]} {code[4:]}"})).status_code == 204
        assert (await client.post("/v1/installer/session", json={"code": code})).status_code == 403
        assert [one["camera_id"] for one in (await client.get("/v1/installer/cameras")).json()] == ["cam-1"]
        reply = await until(client, "/v1/installer/cameras/cam-1", lambda reply: len(reply.json()["faces"]) == 6)
        assert (await client.get("/v1/installer/cameras/other")).status_code == 404
    view = reply.json()
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(view["jpeg"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[:2] == (view["height"], view["width"])
    for face in view["faces"]:
        shown_px = face["box"][3] - face["box"][1]
        assert face["px"] == pytest.approx(shown_px * 886 / view["height"], rel=0.05)
    assert [check["name"] for check in view["checks"]] == ["size", "light", "steep", "aside", "tilt"]
    assert running.printed.count(code) == 1


async def test_C3_a_camera_that_is_not_assessed_shows_the_installer_nothing(
    build: Build, city: SmallCity, group_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city.cameras = (camera(assessment=None),)
    agent = build(group_clip, installer_page=True)
    running = Running(agent, capsys)
    async with running as client:
        await client.post("/v1/installer/session", json={"code": running.code()})
        await until(client, "/v1/installer/cameras", lambda reply: reply.json()[0]["state"] == "not_assessed")
        assert (await client.get("/v1/installer/cameras/cam-1")).json()["jpeg"] == ""


def test_a_code_is_good_for_five_tries_and_one_browser() -> None:
    door = Doorkeeper()
    with pytest.raises(NotAuthenticated):
        door.check("")
    session = door.admit(door.code)
    door.check(session)
    with pytest.raises(NotAllowed, match="used up"):
        door.admit(door.code)
    door = Doorkeeper()
    for _ in range(5):
        with pytest.raises(NotAllowed, match="wrong code"):
            door.admit("no")
    with pytest.raises(NotAllowed, match="used up"):
        door.admit(door.code)


class HangingEngine(CountingEngine):
    """Hangs in its third detection, until the test is over."""

    def __init__(self, engine: CountingEngine) -> None:
        super().__init__(engine._engine)
        self.over = threading.Event()

    def detect(self, image: Image, input_size: tuple[int, int] = (640, 384)) -> list[Face]:
        faces = super().detect(image, input_size)
        if self.detected == 3:
            self.over.wait(60)
        return faces


async def test_a_camera_thread_that_hangs_is_replaced(
    build: Build, city: SmallCity, engine: CountingEngine, group_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hanging = HangingEngine(engine)
    agent = build(group_clip, engine=hanging, watchdog_timeout_s=1.5)
    async with Running(agent, capsys):
        await eventually(lambda: hanging.detected >= 8)
        hanging.over.set()
    assert agent.summary()["cameras"]["cam-1"]["reconnects"] == 1


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        told = ServiceManager()
        told.ready()
        for second in (0.0, 1.0, 4.9, 5.0):
            told.alive(second)
        told.stopping()
        heard = [manager.recv(100).decode() for _ in range(4)]
    assert heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_manager_that_is_not_there_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("", str(tmp_path / "gone"), "@gone"):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        ServiceManager().ready()


def face_at(nose: tuple[float, float]) -> Face:
    points = np.array([[35, 40], [65, 40], nose, [40, 75], [60, 75]], np.float32)
    return Face(np.array([20, 10, 80, 90], np.float32), points, 0.9)


def test_angles_of_a_face() -> None:
    assert angles(face_at((50, 57.5))) == pytest.approx((0, 0, 0), abs=1)
    steep, aside, _ = angles(face_at((50, 66)))
    assert steep > 20
    assert aside == pytest.approx(0, abs=1)
    assert angles(face_at((62, 57.5)))[1] > 35
    turned = face_at((50, 57.5))
    turn = cv2.getRotationMatrix2D((50, 50), -30, 1)
    points = np.asarray(turned.landmarks @ turn[:, :2].T + turn[:, 2], np.float32)
    assert angles(Face(turned.box, points, 0.9)) == pytest.approx((0, 0, 30), abs=1)


@pytest.mark.parametrize(
    ("level", "nose", "near", "bad"),
    [
        (120, (50, 57.5), [True] * 5, set()),
        (30, (50, 57.5), [True] * 5, {"light"}),
        (240, (50, 57.5), [True] * 5, {"light"}),
        (120, (50, 68), [True] * 5, {"steep"}),
        (120, (64, 57.5), [True] * 5, {"aside"}),
        (120, (50, 57.5), [True, False, False], {"size"}),
    ],
)
def test_what_is_wrong_with_a_mounting(level: int, nose: tuple[float, float], near: list[bool], bad: set[str]) -> None:
    mounting = Mounting()
    assert {check.good for check in mounting.checks([])} == {None}
    for _ in range(12):
        mounting.saw(np.full((100, 100, 3), level, np.uint8), [face_at(nose)])
    checks = mounting.checks(near)
    assert {check.name for check in checks if check.good is False} == bad
    assert all(check.good is not None for check in checks)


@pytest.mark.parametrize("values", [{"installer_page": True}, {"watchdog_timeout_s": 15.0}])
def test_settings_that_contradict_each_other(values: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"city_url": "wss://c/v1/box", "key_file": "k", "bundle_file": "b"}
    with pytest.raises(ValueError, match=next(iter(values))):
        EdgeSettings(**whole, cameras=[{"camera_id": "c", "source": "0"}], **values)


@pytest.fixture
def night_clip(tmp_path: Path) -> Path:
    """Sensor noise in the dark, as a camera without a lamp shows it."""
    noise = np.random.default_rng(3)
    pictures = [np.clip(noise.normal(9, 7, (720, 1280, 3)), 0, 255).astype(np.uint8) for _ in range(25)]
    return write_clip(tmp_path / "night.mp4", pictures)


async def test_night_alarms_nobody(
    city: SmallCity, engine: CountingEngine, device_key: DeviceKey, night_clip: Path
) -> None:
    agent = EdgeAgent(settings_for(city.url, night_clip), engine, bundle_for(PACK), device_key, PACK)
    await agent.run()
    assert engine.detected > 0
    assert (city.events, agent.summary()["tracks"]) == ([], [])


@pytest.fixture
def crowd_clip(tmp_path: Path, group_photo: Image) -> Path:
    """Thirty faces in one frame: the group photo five times."""
    framed = cv2.copyMakeBorder(group_photo, 80, 80, 80, 80, cv2.BORDER_CONSTANT)  # no face grows over a seam
    small = cv2.resize(framed, (960, 664))
    pair = np.concatenate([small, small], axis=1)
    rows = np.concatenate([pair, pair, np.concatenate([small, np.zeros_like(small)], axis=1)], axis=0)
    pictures = [np.asarray(rows, np.uint8)] * 15
    return write_clip(tmp_path / "crowd.mp4", pictures)


async def test_thirty_faces_in_one_frame_are_thirty_tracks(
    city: SmallCity, engine: CountingEngine, device_key: DeviceKey, crowd_clip: Path
) -> None:
    agent = EdgeAgent(settings_for(city.url, crowd_clip), engine, bundle_for(PACK), device_key, PACK)
    await agent.run()
    assert len({event.track for event in city.events if event.face_px >= 60}) == 30  # smaller: what hangs on the wall
