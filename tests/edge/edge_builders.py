"""Clips made on the fly, an engine that counts, and a small real city on a loopback socket."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from edge.pixels import Raster
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face
from yingbin.ids import now_ms
from yingbin.trust.devices import challenge_text, verify_signature
from yingbin.wire import (
    Assessment,
    BoxMessage,
    Camera,
    CameraMode,
    CameraRole,
    CameraStatus,
    Challenge,
    ClockAsk,
    ClockTell,
    FaceAnswer,
    FaceEvent,
    FaceLook,
    Outcome,
    Proof,
    Refused,
    ScenePhoto,
    Welcome,
    decode_from_box,
    encode,
)

Image = NDArray[np.uint8]
FOREVER_MS = 4_000_000_000_000


class CountingEngine:
    """The real engine, with a count of what was computed."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self.detected = self.embedded = 0

    def detect(self, image: Image, input_size: tuple[int, int] = (640, 384)) -> list[Face]:
        self.detected += 1
        return self._engine.detect(image, input_size)

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        self.embedded += 1
        return self._engine.embed(image, face)


def raster_of(image: Image) -> Raster:
    """Return a BGR image as a decoder would deliver it."""
    return Raster(av.VideoFrame.from_ndarray(image, format="bgr24"))


def write_clip(path: Path, images: Sequence[Image], rate: int = 25) -> Path:
    """H.264 without B-frames, index at the front."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream("libx264", rate=rate, options={"bf": "0", "preset": "ultrafast", "g": "10"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def camera(camera_id: str = "cam-1", **changes: Any) -> Camera:
    """Return a fully assessed entrance camera, with changes."""
    assessment = Assessment("pia-1", FOREVER_MS, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), ("vip",))
    whole = Camera(camera_id, "branch-1", "box-1", CameraRole.ENTRANCE, CameraMode.FEATURE, assessment)
    return msgspec.structs.replace(whole, **changes)


@dataclass
class SmallCity:
    """Checks the box's proof as a city does, then answers every event by `answer`."""

    public_key: bytes
    cameras: tuple[Camera, ...] = ()
    refuse: str = ""
    answer: Callable[[FaceEvent], FaceAnswer | Refused | None] = lambda event: FaceAnswer(
        event.camera_id, event.track, event.seq, Outcome.NOT_ENROLLED, False, event.boot_id
    )
    drop_after_events: int = -1
    clock_ms: Callable[[], int] = now_ms
    proofs: list[Proof] = field(default_factory=list)
    events: list[FaceEvent] = field(default_factory=list)
    photos: list[ScenePhoto] = field(default_factory=list)
    statuses: list[CameraStatus] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/box"

    async def talk(self, socket: ServerConnection) -> None:
        nonce = bytes(32)
        await socket.send(encode(Challenge(nonce, "city-1", 0)))
        proof = decode_from_box(await socket.recv(decode=False))
        assert isinstance(proof, Proof)
        verify_signature(
            self.public_key,
            proof.signature,
            challenge_text(nonce, "city-1", proof.box_id, proof.boot_id, proof.pack_id, proof.key_id),
        )
        self.proofs.append(proof)
        if self.refuse:
            await socket.send(encode(Refused(self.refuse, "no", "error-1")))
            return
        await socket.send(encode(Welcome(self.cameras, self.clock_ms())))
        with contextlib.suppress(ConnectionClosed):
            async for raw in socket:
                assert isinstance(raw, bytes)
                if not await self._take(socket, decode_from_box(raw)):
                    return

    async def _take(self, socket: ServerConnection, message: BoxMessage) -> bool:
        if isinstance(message, ClockAsk):
            await socket.send(encode(ClockTell(message.number, self.clock_ms())))
        elif isinstance(message, ScenePhoto):
            self.photos.append(message)
        elif isinstance(message, CameraStatus):
            self.statuses.append(message)
        elif isinstance(message, FaceLook):
            self.events.append(message)
            if len(self.events) == self.drop_after_events:
                socket.transport.abort()
                return False
            reply = self.answer(message)
            if reply is not None:
                await socket.send(encode(reply))
        return True


async def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait for a condition; fails when it never comes true."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process or thread
            await asyncio.sleep(0.01)
