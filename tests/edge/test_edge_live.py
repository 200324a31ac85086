"""Live sources over HTTP: silence, a frozen picture, a stream that comes back."""

import contextlib
import http.server
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from edge_builders import CountingEngine, camera

from edge.camera import CameraHooks, CameraWorker
from edge.frame import Frame
from edge.pipeline import BoxIdentity, Pipeline
from edge.source import Source
from edge.source_errors import SourceStopped
from yingbin.wire import CameraState, CameraStatus


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers without a word on stderr."""

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(handler: type[Quiet]) -> Iterator[str]:
    """Answer on loopback, each request in a thread of its own; yield the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def stream_address(clip: Path, tmp_path: Path) -> Iterator[str]:
    """Serve an HTTP stream that falls silent after its first half, each time somebody connects."""
    stream = tmp_path / "clip.ts"
    with av.open(str(clip)) as source, av.open(str(stream), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    half = stream.read_bytes()[: stream.stat().st_size // 2]
    over = threading.Event()

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(half)
            over.wait(20)

    with serving(Handler) as address:
        yield f"{address}/stream.ts"
        over.set()


def test_a_live_stream_that_falls_silent_is_noticed(stream_address: str) -> None:
    frames: list[Frame] = []
    with pytest.raises(SourceStopped):
        frames.extend(Source(stream_address, stall_timeout_s=1).frames())
    assert frames


@pytest.fixture
def mjpeg_address() -> Iterator[str]:
    """Serve a camera's multipart stream: at /moving twelve JPEGs, then its end; at /still one and the same for ever."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):
                for shade in range(0, 240, 20) if self.path == "/moving" else itertools.repeat(120):
                    jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), shade, np.uint8))[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    time.sleep(0.1)

    with serving(Handler) as address:
        yield address


def test_mjpeg_over_http_is_timed_by_its_arrival(mjpeg_address: str) -> None:
    frames: list[Frame] = []
    began_s = time.monotonic()
    with pytest.raises(SourceStopped):
        frames.extend(Source(f"{mjpeg_address}/moving", stall_timeout_s=5).frames())
    spent_s = time.monotonic() - began_s
    shades = [round(float(frame.thumbnail().mean()) / 20) for frame in frames]
    assert shades == sorted(set(shades))
    assert len(frames) >= 5
    span_s = frames[-1].time_s - frames[0].time_s
    assert 0.09 * (shades[-1] - shades[0]) - 0.3 <= span_s <= spent_s  # at 25 a second it would be 0.04 a frame


def test_a_frozen_camera_is_reported_once(
    mjpeg_address: str, engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int]
) -> None:
    told: list[CameraStatus] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(f"{mjpeg_address}/still"),
        Pipeline("cam-1", engine, identity, numbers, on_track_over=lambda _: None),
        CameraHooks(look=lambda _: None, status=told.append),
        drain_timeout_s=1,
        frozen_after_s=1,
    )
    worker.allow(camera())
    worker.start()
    for _ in range(200):
        if len(told) >= 2:
            break
        worker.join(0.1)
    worker.join(1.5)
    worker.halt()
    worker.join(5)
    assert [status.state for status in told] == [CameraState.RUNNING, CameraState.FROZEN]
    assert "restart the camera" in told[1].detail


def test_a_live_camera_that_stopped_is_tried_again(
    stream_address: str, engine: CountingEngine, identity: BoxIdentity, numbers: Iterator[int]
) -> None:
    statuses: list[CameraState] = []
    worker = CameraWorker(
        "cam-1",
        lambda: Source(stream_address, stall_timeout_s=0.5),
        Pipeline("cam-1", engine, identity, numbers, on_track_over=lambda _: None),
        CameraHooks(look=lambda _: None, status=lambda status: statuses.append(status.state)),
        drain_timeout_s=1,
    )
    worker.allow(camera())
    worker.start()
    for _ in range(100):
        if len(statuses) >= 3:
            break
        worker.join(0.1)
    worker.halt()
    worker.join(5)
    assert statuses[:3] == [CameraState.RUNNING, CameraState.STOPPED, CameraState.RUNNING]
