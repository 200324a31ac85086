"""The city dies and comes back under load; the real box agent talks to a real city process."""

import asyncio
import base64
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from city_house import House
from city_people import DIMENSION, face
from ports import free_port

from edge.agent import EdgeAgent
from edge.clock import box_now_ms
from edge.pipeline import Look
from edge.settings import EdgeSettings
from yingbin.galleries.protect import Vector, apply, encode_probe, encode_transform
from yingbin.ids import event_id
from yingbin.trust.devices import BoxBundle
from yingbin.wire import FaceEvent

CUSTOMERS = 30
HORIZON_S = 2


class Blind:
    """An engine that sees nobody: the looks come from the test."""

    def detect(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def embed(self, *_: Any) -> Vector:
        raise AssertionError("nobody was detected")


@pytest.fixture
def agent(open_house: Callable[..., House]) -> Iterator[tuple[House, EdgeAgent]]:
    port = free_port()
    house = open_house(in_process=False, started=False, port=port, alert_horizon_s=HORIZON_S, box_events_burst=20)
    for number in range(CUSTOMERS):
        house.province.enrol(house.view(f"guest-{number}", rm=""), face(100 + number), house.pack.pack_id)
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
        yield house, EdgeAgent(settings, Blind(), bundle, key, house.pack.pack_id)


def look(house: House, raw: Vector, track: int) -> Look:
    vector = encode_probe(apply(house.boxes["box-1"][1], raw))
    return Look(FaceEvent("cam-1", "pia-1", track, 0, 7, box_now_ms(), 80, 0.9, 4, vector), b"")


def rows(house: House, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(house.data / "city.db") as database:
        return database.execute(query).fetchall()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.005)


async def test_the_city_is_killed_twice_under_load_nobody_is_lost_or_comes_twice_and_who_is_late_does_not_ring(
    agent: tuple[House, EdgeAgent],
) -> None:
    house, box = agent
    await asyncio.to_thread(house.start)
    running = asyncio.create_task(box.run())

    async def arrive(guests: range) -> None:
        """Let each guest come in with a stranger behind him, 40 people a second."""
        for guest in guests:
            for track, person in ((2 * guest, face(100 + guest)), (2 * guest + 1, face(1000 + guest))):
                box._exchange.admit(look(house, person, track))
                await asyncio.sleep(0.025)

    await arrive(range(8))
    await until(lambda: not box._outbox)
    await arrive(range(8, 10))
    await asyncio.to_thread(house.kill)
    await arrive(range(10, 18))
    await asyncio.sleep(HORIZON_S)
    before = len(box._outbox)
    await asyncio.to_thread(house.start)
    await until(lambda: len(box._outbox) < before)
    await asyncio.to_thread(house.kill)  # in the middle of the backlog
    await arrive(range(18, 22))
    await asyncio.to_thread(house.start)
    await until(lambda: not box._outbox)
    await arrive(range(22, CUSTOMERS))
    await until(lambda: not box._outbox)
    box.stop()
    await running

    assert box.summary()["events_dropped"] == 0
    (boot,) = {name.split("/")[1] for (name,) in rows(house, "select event_id from seen_events")}
    assert sorted(rows(house, "select event_id from seen_events")) == sorted(
        (event_id("box-1", boot, track, 0),) for track in range(2 * CUSTOMERS)
    )
    visits = [customer for (customer,) in rows(house, "select customer_id from visits")]
    assert sorted(visits) == sorted(f"guest-{number}" for number in range(CUSTOMERS))
    rings = dict(rows(house, "select v.customer_id, c.rings from cards c join visits v on v.visit_id = c.visit_id"))
    assert not any(rings[f"guest-{number}"] for number in range(10, 18))
    assert all(rings[f"guest-{number}"] for number in (*range(8), *range(22, CUSTOMERS)))
