"""Runs the real `yingbin edge run` against a small city of our own, and watches the process from outside."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.clips import FPS
from yingbin.errors import Unavailable
from yingbin.faces.pack import ModelPack
from yingbin.galleries.decide import judge, threshold
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import apply, decode_probe, encode_transform, random_transform
from yingbin.ids import now_ms
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.wire import (
    Assessment,
    Camera,
    CameraMode,
    CameraRole,
    CameraState,
    CameraStatus,
    Challenge,
    FaceAnswer,
    FaceEvent,
    Outcome,
    Welcome,
    decode_from_box,
    encode,
)

CORES: Final = 2
_BOX: Final = "bench-box"
_ROLE: Final = CameraRole.ENTRANCE
_PIA: Final = Assessment("bench-pia", 4_000_000_000_000, (_ROLE,), (CameraMode.FEATURE,), ("vip",))
_START_S: Final = 60.0
_STOP_S: Final = 30.0
_TICK_S: Final = 0.05
_SAMPLE_EVERY_S: Final = 1.0
_STAGGER_S: Final = 1.3
_YINGBIN: Final = "from yingbin.cli import main; main()"


class BoxFailed(Unavailable):
    """The box process did not start, or ended by itself."""

    code = "box_failed"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Who is enrolled: names, and one unit template a row, f32 (n, d)."""

    people: tuple[str, ...]
    templates: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A look that named somebody; `frame` is of the clip."""

    person: str
    frame: int


@dataclass(slots=True)
class BoxRun:
    """What was seen of one run. `cpu_s` (user and system) and `wall_s` count from the last camera's first frame."""

    startup_cpu_s: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    rss_mb: float = 0.0
    lateness_s: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    frames_share: float = 0.0
    ended_s: float = 0.0
    rss_samples_mb: list[float] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


class TrialCity:
    """Welcomes the box's cameras and answers every look by the product's own rules of decision."""

    def __init__(self, gallery: Gallery, pack: ModelPack, cameras: Sequence[str], run: BoxRun) -> None:
        self.running_since_s: dict[str, float] = {}
        self.transform = random_transform(pack.dimension)
        self._gallery = gallery
        self.pack = pack
        self._cameras = tuple(Camera(c, "bench-branch", _BOX, _ROLE, CameraMode.FEATURE, _PIA) for c in cameras)
        self._limit = threshold(pack.scores, len(gallery.people))
        self._run = run
        self._index = FlatIndex(pack.dimension)
        for number, (person, vector) in enumerate(zip(gallery.people, gallery.templates, strict=True)):
            self._index.add(str(number), person, apply(self.transform, vector))

    async def talk(self, socket: ServerConnection) -> None:
        """Serve one connection of the box."""
        await socket.send(encode(Challenge(bytes(32), "bench-city", now_ms())))
        await socket.recv(decode=False)
        await socket.send(encode(Welcome(self._cameras[:1], now_ms())))
        starting = asyncio.create_task(self._start_others(socket))
        try:
            async for raw in socket:
                message = decode_from_box(raw if isinstance(raw, bytes) else raw.encode())
                if isinstance(message, FaceEvent):
                    await socket.send(encode(self._answer(message)))
                elif isinstance(message, CameraStatus) and message.state is CameraState.RUNNING:
                    self.running_since_s.setdefault(message.camera_id, time.monotonic())
        except ConnectionClosed:
            pass
        finally:
            starting.cancel()

    async def _start_others(self, socket: ServerConnection) -> None:
        """Permit one camera more at a time: they show the same clip, and its cuts must not all come at once."""
        for count in range(2, len(self._cameras) + 1):
            await asyncio.sleep(_STAGGER_S)
            await socket.send(encode(Welcome(self._cameras[:count], now_ms())))

    def _answer(self, event: FaceEvent) -> FaceAnswer:
        self._run.lateness_s.append((now_ms() - event.seen_at_ms) / 1000)
        hit = self._index.search(decode_probe(event.vector, self.pack.dimension)[None])[0]
        outcome = judge(hit, self._limit, event.seq)
        if hit is not None and outcome is Outcome.MATCHED:
            self._run.sightings.append(Sighting(hit.customer_id, event.frame))
        return FaceAnswer(event.camera_id, event.track, event.seq, outcome, outcome is Outcome.MATCHED)


@dataclass(frozen=True, slots=True)
class Showing:
    """What the box is shown: `seconds` of `clip` in real time, again and again; with 0, once and as fast as it can."""

    clip: Path
    cameras: int
    seconds: float


async def run_box(showing: Showing, gallery: Gallery, pack: ModelPack) -> BoxRun:
    """Let one box watch. Raises `BoxFailed`."""
    run = BoxRun()
    names = [f"camera-{number + 1}" for number in range(showing.cameras)]
    city = TrialCity(gallery, pack, names, run)
    with _box_folder() as folder:
        async with serve(city.talk, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            config = _settle_in(folder, port, showing, names, city)
            with (folder / "box.log").open("wb") as errors:
                box = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", _YINGBIN, "edge", "run", "--config", str(config), "--json"),
                    stdout=PIPE,
                    stderr=errors,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
                reading = asyncio.create_task(_rest(box))
                try:
                    _share_cores(box.pid)
                    await _watch(box, city, showing, run)
                    out = await asyncio.wait_for(reading, _STOP_S)
                finally:
                    if box.returncode is None and not reading.done():
                        box.kill()
                    await box.wait()
            if box.returncode or not out.strip():
                raise BoxFailed(f"the box failed: {(folder / 'box.log').read_text('utf-8')[-400:]}")
            run.summary = json.loads(out.splitlines()[-1])
    run.frames_share = _least_share(run, city)
    return run


async def _watch(box: Process, city: TrialCity, showing: Showing, run: BoxRun) -> None:
    """Measure from the last camera's first frame to the end of the showing, and end it."""
    deadline_s = time.monotonic() + _START_S
    while len(city.running_since_s) < showing.cameras:
        if box.returncode is not None or time.monotonic() > deadline_s:
            raise BoxFailed("the box's cameras did not start")
        await asyncio.sleep(_TICK_S)
    run.startup_cpu_s, began_s = _cpu_s(box.pid), time.monotonic()
    sampled_s = began_s
    while box.returncode is None and (not showing.seconds or time.monotonic() - began_s < showing.seconds):
        await asyncio.sleep(_TICK_S)
        if time.monotonic() - sampled_s >= _SAMPLE_EVERY_S and box.returncode is None:
            sampled_s = time.monotonic()
            run.rss_samples_mb.append(_rss_mb(box.pid))
    run.ended_s = time.monotonic()
    if box.returncode is None:
        run.cpu_s, run.wall_s, run.rss_mb = _cpu_s(box.pid) - run.startup_cpu_s, run.ended_s - began_s, _rss_mb(box.pid)
        box.send_signal(signal.SIGTERM)


def _least_share(run: BoxRun, city: TrialCity) -> float:
    """Return the share of its frames that the camera which lost most has decoded."""
    done = {name: report["frames"] for name, report in run.summary["cameras"].items()}
    due = {name: (run.ended_s - since_s) * FPS for name, since_s in city.running_since_s.items()}
    return min((done[name] / max(frames, 1) for name, frames in due.items()), default=0.0)


async def _rest(box: Process) -> bytes:
    return await box.stdout.read() if box.stdout is not None else b""


@contextlib.contextmanager
def _box_folder() -> Iterator[Path]:
    """Make a private folder, in memory where there is such a place: unanswered looks must not touch a disk."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder inside it is made private by mkdtemp
    folder = Path(tempfile.mkdtemp(prefix="yingbin-bench-", dir=shared if shared.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle_in(folder: Path, port: int, showing: Showing, names: Sequence[str], city: TrialCity) -> Path:
    """Write key, bundle and settings; return the settings file."""
    DeviceKey.generate().save(folder / "box.key")
    secret = base64.b64encode(encode_transform(city.transform)).decode()
    bundle = BoxBundle(_BOX, "bench-branch", "bench-city", city.pack.pack_id, city.pack.dimension, secret)
    (folder / "bundle.json").touch(mode=0o600)
    (folder / "bundle.json").write_bytes(msgspec.json.encode(bundle))
    lines = [
        f'city_url = "ws://127.0.0.1:{port}/v1/box"',
        f"key_file = {json.dumps(str(folder / 'box.key'))}",
        f"bundle_file = {json.dumps(str(folder / 'bundle.json'))}",
        f"outbox_dir = {json.dumps(str(folder / 'outbox'))}",
    ]
    for name in names:
        lines += ["[[cameras]]", f'camera_id = "{name}"', f"source = {json.dumps(str(showing.clip))}"]
        lines += ["loop = true"] if showing.seconds else ["pace_real_time = false"]
    (folder / "edge.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "edge.toml"


def _share_cores(pid: int) -> None:
    """Keep the box to two cores, wherever the bench runs."""
    os.sched_setaffinity(pid, sorted(os.sched_getaffinity(0))[:CORES])


def _cpu_s(pid: int) -> float:
    """Return user and system time of a process and all its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
