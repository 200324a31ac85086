"""The real box agent before a city of the test, with a camera that sees nobody: the looks come from the test."""

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from city_house import House
from city_people import DIMENSION

from edge.agent import EdgeAgent
from edge.clock import box_now_ms
from edge.pipeline import Look
from edge.settings import EdgeSettings
from yingbin.galleries.protect import Vector, apply, encode_probe, encode_transform
from yingbin.trust.devices import BoxBundle
from yingbin.wire import FaceEvent


class Blind:
    """An engine that sees nobody: the looks come from the test."""

    def detect(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def embed(self, *_: Any) -> Vector:
        raise AssertionError("nobody was detected")


@contextlib.contextmanager
def real_box(house: House, port: int) -> Iterator[EdgeAgent]:
    """Make box-1 of a city at `port`; nothing runs yet."""
    key, transform = house.boxes["box-1"]
    raw = base64.b64encode(encode_transform(transform)).decode()
    bundle = BoxBundle("box-1", "branch-1", "hangzhou", house.pack.pack_id, DIMENSION, raw)
    with tempfile.TemporaryDirectory(prefix="yingbin-test-", dir="/dev/shm") as outbox:
        settings = EdgeSettings(
            city_url=f"ws://127.0.0.1:{port}/v1/box",
            key_file=Path("unused"),
            bundle_file=Path("unused"),
            outbox_dir=Path(outbox),
            cameras=[{"camera_id": "cam-1", "source": "rtsp://127.0.0.1:1/nobody"}],
        )
        yield EdgeAgent(settings, Blind(), bundle, key, house.pack.pack_id, house.pack.scores)


def look(house: House, raw: Vector, track: int) -> Look:
    vector = encode_probe(apply(house.boxes["box-1"][1], raw))
    return Look(FaceEvent("cam-1", "pia-1", track, 0, 7, box_now_ms(), 80, 0.9, 4, vector), b"")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.005)
