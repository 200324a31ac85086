"""The bandwidth bench: its arithmetic, its pulled camera on a real socket, and a short run of everything."""

import contextlib
import json
import socket
import subprocess
import sysconfig
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import pytest

from bench.bandwidth import NoReport, carried, figures_of_box, figures_of_stream
from bench.stream import PulledCamera

YINGBIN = Path(sysconfig.get_path("scripts")) / "yingbin"


def report(**changes: Any) -> dict[str, Any]:
    tracks = [
        {"events": ["a/0", "a/1"], "outcome": "matched"},
        {"events": ["b/0"], "outcome": "not_enrolled"},
        {"events": [], "outcome": "unsent"},
    ]
    whole = {"face_events": 3, "event_up_bytes": 1_110, "answer_down_bytes": 90, "tracks": tracks}
    whole |= {"bytes_per_event": 370, "bytes_per_event_max": 372}
    return {**whole, "scene_photos_sent": 1, "photo_up_bytes": 8_000, **changes}


def test_a_face_costs_its_looks_and_their_answers_and_the_photo_stands_apart() -> None:
    figures = figures_of_box(report(), visitors=1)
    assert (figures["bytes_per_face"], figures["bytes_per_s"]) == (600, 120)
    assert figures["times_below_7mbit"] == round(875_000 / 120, 1)
    assert figures["times_below_7mbit_with_tls_tcp_ip"] == round(875_000 / 180, 1)
    assert (figures["faces"], figures["recognised"], figures["events"]) == (2, 1, 3)
    assert (figures["photos"], figures["bytes_per_photo"]) == (1, 8_000)


def test_a_stream_flows_whether_anybody_comes_or_not() -> None:
    figures = figures_of_stream(report(scene_photos_sent=0, photo_up_bytes=0), 10.0, 8_750_000)
    assert (figures["bytes_per_s"], figures["bytes_per_face"]) == (875_000, 4_375_000)
    assert (figures["times_below_7mbit"], figures["bytes_per_photo"]) == (1, -1)


def test_what_carries_a_look_is_counted_by_segments() -> None:
    assert carried(report()) == 370 + 30 + 2 * 22 + 3 * 52
    assert carried(report(event_up_bytes=3 * 14_000)) == 14_000 + 30 + 2 * 22 + (10 + 2) * 52


def test_nobody_in_the_clip_is_an_error_and_not_a_division() -> None:
    with pytest.raises(NoReport):
        figures_of_box(report(tracks=[]), visitors=1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    noise = np.random.default_rng(2).integers(0, 256, (4, 90, 160, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(15):
            frame = av.VideoFrame.from_ndarray(noise[number % 4], format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_the_pulled_camera_sends_the_whole_clip_unchanged_and_counts_it(clip: Path, tmp_path: Path) -> None:
    with PulledCamera(clip) as camera:
        address = urlsplit(camera.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as reader:
            reader.sendall(b"GET /stream.ts HTTP/1.0\r\n\r\n")
            reader.settimeout(0.05)
            received = b""
            while not (camera.played.is_set() and len(received) == camera.sent_bytes):
                with contextlib.suppress(TimeoutError):
                    received += reader.recv(65_536)
    header, _, content = received.partition(b"\r\n\r\n")
    assert b"200 OK" in header
    (tmp_path / "pulled.ts").write_bytes(content)
    with av.open(str(clip)) as was, av.open(str(tmp_path / "pulled.ts")) as now:
        pictures = [[frame.to_ndarray() for frame in one.decode(video=0)] for one in (was, now)]
    assert len(pictures[0]) == len(pictures[1]) == 15
    assert all(np.array_equal(one, other) for one, other in zip(*pictures, strict=True))


def test_a_pulled_camera_nobody_pulls_closes_at_once(clip: Path) -> None:
    with PulledCamera(clip) as camera:
        assert camera.sent_bytes == 0


@pytest.mark.long
@pytest.mark.timeout(240)
def test_all_three_modes_on_one_clip() -> None:
    command = [str(YINGBIN), "bench", "bandwidth", "--json", "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stderr
    modes = json.loads(run.stdout.splitlines()[-1])["modes"]
    assert list(modes) == ["feature", "picture", "video"]
    assert modes["feature"]["bytes_per_event_max"] <= 1_000
    assert modes["picture"]["bytes_per_event_max"] <= 40 * 1024 + 300
    assert modes["feature"]["times_below_7mbit_with_tls_tcp_ip"] >= 3_500
    costs = [mode["bytes_per_face"] for mode in modes.values()]
    assert costs == sorted(costs)
    assert all(mode["recognised"] >= 2 for mode in modes.values())
