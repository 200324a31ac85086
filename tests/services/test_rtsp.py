"""A camera against a real RTSP server on loopback: both transports and codecs, a dying server, a damaging line."""

import contextlib
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import insightface
import numpy as np
import pytest
from ports import free_port
from tcp_line import damaging_line
from udp_line import udp_line

from edge.camera import CameraHooks, CameraWorker
from edge.frame import Frame
from edge.pipeline import BoxIdentity, Look, Pipeline
from edge.source import Source
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack
from yingbin.wire import Assessment, Camera, CameraMode, CameraRole, CameraState, CameraStatus, Outcome

pytestmark = pytest.mark.services

DEADLINE_S = 60.0
SERVER = Path(__file__).with_name("rtsp_server.py")
ASSESSED = Assessment("pia-1", 4_000_000_000_000, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), ("vip",))
CAMERA = Camera("cam-1", "branch-1", "box-1", CameraRole.ENTRANCE, CameraMode.FEATURE, ASSESSED)


def write_clip(path: Path, codec: str, seconds: int, rate: int = 10) -> Path:
    """Six people in a picture that drifts by a pixel a frame, 640 lines wide."""
    photo = cv2.imread(str(Path(insightface.__file__).parent / "data/images/t1.jpg"))
    assert photo is not None
    small = cv2.resize(photo, (960, 664))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"bf": "0", "preset": "ultrafast", "g": "10"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 960, 664, "yuv420p"
        for number in range(seconds * rate):
            shift = 20 - abs(number % 40 - 20)
            image = np.ascontiguousarray(np.roll(small, shift, axis=1), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("rtsp") / "clip.h264.mp4", "libx264", seconds=120)


@pytest.fixture(scope="module")
def clip_h265(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("rtsp") / "clip.h265.mp4", "libx265", seconds=20)


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.load(ModelPack.load())


class RtspServer:
    """A server process; `stop` kills it without a farewell, `start` brings it back at the same address."""

    def __init__(self, path: Path) -> None:
        self.port = free_port()
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        command = ["/usr/bin/python3", str(SERVER), str(self.port), str(self._path)]
        self._process = subprocess.Popen(command)
        wait_for(self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "install gir1.2-gst-rtsp-server-1.0, see .ci/run"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextlib.contextmanager
def serving(path: Path) -> Iterator[RtspServer]:
    server = RtspServer(path)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for a condition, generously; fails when it never comes true."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


class Box:
    """A camera thread with the real engine; every look is answered at once."""

    def __init__(self, address: str, engine: FaceEngine, **options: Any) -> None:
        self.looks: list[Look] = []
        self.states: list[CameraState] = []
        pipeline = Pipeline(
            "cam-1",
            engine,
            BoxIdentity("box-1", "b00t", np.eye(128, dtype=np.float32)),
            itertools.count(),
            on_track_over=lambda _: None,
        )
        self.worker = CameraWorker(
            "cam-1",
            lambda: Source(address, open_timeout_s=5, stall_timeout_s=3, **options),
            pipeline,
            CameraHooks(look=self._look, status=self._status),
            drain_timeout_s=1,
        )
        self.worker.allow(CAMERA)

    def _look(self, look: Look) -> None:
        self.looks.append(look)
        self.worker.answer(look.event.track, look.event.seq, Outcome.NOT_ENROLLED)

    def _status(self, status: CameraStatus) -> None:
        self.states.append(status.state)

    def sees_somebody(self) -> None:
        """Wait until faces are found; those of before a loss do not count."""
        wait_for(lambda: bool(self.looks))

    def noticed_the_loss(self) -> None:
        wait_for(lambda: self.worker.state in {CameraState.STOPPED, CameraState.UNREACHABLE})
        self.looks.clear()


@contextlib.contextmanager
def watching(address: str, engine: FaceEngine, **options: Any) -> Iterator[Box]:
    box = Box(address, engine, **options)
    box.worker.start()
    try:
        yield box
    finally:
        box.worker.halt()
        box.worker.join(DEADLINE_S)
    assert not box.worker.is_alive()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_come_over_both_transports_in_real_time(clip: Path, transport: Any) -> None:
    with serving(clip) as server:
        source = Source(server.address, rtsp_transport=transport)
        frames: list[Frame] = list(itertools.islice(source.frames(), 12))
    assert all(frame.image().shape == (664, 960, 3) for frame in frames)
    times = [frame.time_s for frame in frames]
    assert times == sorted(times)
    assert np.allclose(np.diff([frame.time_s for frame in frames]) / 0.1, np.round(np.diff(times) / 0.1), atol=0.1)


def test_h265(clip_h265: Path) -> None:
    with serving(clip_h265) as server:
        frames = list(itertools.islice(Source(server.address).frames(), 5))
    assert frames[0].image().shape == (664, 960, 3)


def test_a_camera_that_is_not_there_is_unreachable_and_found_when_it_comes(clip: Path, engine: FaceEngine) -> None:
    server = RtspServer(clip)
    with watching(server.address, engine) as box:
        wait_for(lambda: box.worker.state is CameraState.UNREACHABLE)
        server.start()
        try:
            box.sees_somebody()
        finally:
            server.stop()
    assert box.states[:2] == [CameraState.UNREACHABLE, CameraState.RUNNING]


def kill_and_restart(clip: Path, engine: FaceEngine, times: int, **options: Any) -> Box:
    with serving(clip) as server, watching(server.address, engine, **options) as box:
        box.sees_somebody()
        for _ in range(times):
            server.stop()
            box.noticed_the_loss()
            server.start()
            box.sees_somebody()
    assert box.states.count(CameraState.RUNNING) >= times + 1
    return box


@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_server_killed_and_restarted_is_found_again(clip: Path, engine: FaceEngine, transport: str) -> None:
    kill_and_restart(clip, engine, 2, rtsp_transport=transport)


@pytest.mark.long
def test_a_server_killed_and_restarted_twenty_times(clip: Path, engine: FaceEngine) -> None:
    threads = threading.active_count()
    box = kill_and_restart(clip, engine, 20)
    assert box.worker.pipeline.report.reconnects >= 20
    wait_for(lambda: threading.active_count() <= threads)


@pytest.mark.timeout(300)
def test_corrupted_packets_cost_pictures_and_never_the_camera(clip: Path, engine: FaceEngine) -> None:
    with (
        serving(clip) as server,
        damaging_line(server.port, every_bytes=100_000) as port,
        watching(f"rtsp://127.0.0.1:{port}/live", engine) as box,
    ):
        box.sees_somebody()
        report = box.worker.pipeline.report
        frames = report.frames
        wait_for(lambda: report.frames >= frames + 100)
        assert report.detections > 10
        assert box.worker.is_alive()


@pytest.mark.timeout(300)
def test_lost_and_damaged_udp_packets_cost_pictures_are_counted_and_touch_no_other_camera(
    clip: Path, engine: FaceEngine
) -> None:
    with (
        serving(clip) as server,
        udp_line(server.port) as line,
        watching(f"rtsp://127.0.0.1:{line.port}/live", engine, rtsp_transport="udp") as box,
        watching(server.address, engine) as beside,  # over TCP: a busy machine itself loses datagrams
    ):
        box.sees_somebody()
        beside.sees_somebody()
        report, other = box.worker.pipeline.report, beside.worker.pipeline.report
        line.harm(40)
        wait_for(lambda: line.to_harm == 0)
        assert (line.lost, line.changed) == (20, 20)
        wait_for(lambda: report.damaged > 0)
        frames, faces, beside_frames = report.frames, report.faces, other.frames
        wait_for(lambda: report.frames >= frames + 30 and other.frames >= beside_frames + 30)
        assert report.faces > faces
    assert box.states == beside.states == [CameraState.RUNNING]
    assert (report.reconnects, other.reconnects, other.damaged) == (0, 0, 0)


def test_a_dead_camera_does_not_slow_the_one_beside_it(clip: Path, engine: FaceEngine) -> None:
    with serving(clip) as server, watching(f"rtsp://127.0.0.1:{free_port()}/live", engine) as dead:
        with watching(server.address, engine) as good:
            good.sees_somebody()
            report = good.worker.pipeline.report
            frames, began_s = report.frames, time.monotonic()
            wait_for(lambda: report.frames >= frames + 30)
        assert time.monotonic() - began_s < DEADLINE_S / 2
        assert good.states == [CameraState.RUNNING]
    assert set(dead.states) == {CameraState.UNREACHABLE}
