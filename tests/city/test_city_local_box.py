"""Local recognition from end to end: the real box against a real city process, with a province and a tablet."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from city_house import House, face
from city_local import enrol, local_camera, withdraw
from city_real_box import look, real_box, until
from ports import free_port

from edge.agent import EdgeAgent
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import apply, encode_probe

ONLINE_S = 5


class Scene:
    """A house with one local camera at branch-1, where ma and song are customers, and its box."""

    def __init__(self, house: House, box: EdgeAgent) -> None:
        self.house, self.box = house, box

    def seen(self, seed: int, track: int) -> None:
        """Let the camera see somebody."""
        self.box._exchange.admit(look(self.house, face(seed), track))

    @property
    def ready(self) -> bool:
        """Whether the box would search now."""
        gallery = self.box._local._gallery
        return gallery is not None and gallery.gate.is_open(self.box._clock.now_ms())

    @property
    def held(self) -> int:
        return self.box.figures().gallery

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.house.data / "city.db") as database:
            return [row[0] for row in database.execute(query).fetchall()]


@pytest.fixture
async def scene(open_house: Callable[..., House]) -> AsyncIterator[Scene]:
    port = free_port()
    house = open_house(in_process=False, started=False, port=port)
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    enrol(house, "ma", face(11))
    enrol(house, "song", face(12))
    with real_box(house, port) as box:
        await asyncio.to_thread(house.start)
        async with running(box):
            scene = Scene(house, box)
            await until(lambda: scene.ready)
            yield scene


@asynccontextmanager
async def running(box: EdgeAgent) -> AsyncIterator[None]:
    task = asyncio.create_task(box.run())
    try:
        yield
    finally:
        box.stop()
        await task


async def test_C2_C5_a_hit_is_a_card_a_stranger_is_nothing_and_who_withdraws_is_a_stranger(scene: Scene) -> None:
    assert scene.held == 2
    pad = await asyncio.to_thread(scene.house.pad, "rm-1")
    scene.seen(11, track=1)
    scene.seen(999, track=2)
    message = await asyncio.to_thread(pad.card)
    assert (message.card.customer_id, message.card.recognised_by) == ("ma", "city")
    await until(lambda: not scene.box._exchange.pending)
    assert [name.split("/")[2] for name in scene.rows("select event_id from seen_events")] == ["1"]
    assert scene.box.summary()["face_events"] == 1

    withdraw(scene.house, "song")
    async with asyncio.timeout(ONLINE_S):
        await until(lambda: scene.held == 1)
    scene.seen(12, track=3)
    assert not scene.box._outbox
    enrol(scene.house, "he", face(13))
    await until(lambda: scene.held == 2)
    scene.seen(13, track=4)
    assert (await asyncio.to_thread(pad.card)).card.customer_id == "he"
    assert scene.rows("select customer_id from visits order by customer_id") == ["he", "ma"]

    await asyncio.to_thread(scene.house.kill)
    vectors = [encode_probe(apply(scene.house.boxes["box-1"][1], face(seed))) for seed in (999, 12)]
    vectors += [encode_probe(apply(scene.house.province.r_city, face(999)))]
    for path in [one for one in scene.house.folder.rglob("*") if one.is_file()]:
        raw = path.read_bytes()
        assert not any(vector[at : at + 16] in raw for vector in vectors for at in (0, 64, 128)), path


async def test_C5_who_withdrew_while_the_line_was_down_is_not_recognised_once_it_is_up(scene: Scene) -> None:
    await asyncio.to_thread(scene.house.kill)
    await until(lambda: not scene.box._exchange.online)
    withdraw(scene.house, "ma")
    scene.seen(11, track=1)  # the box cannot know: it finds him under its lease, and the city will refuse it
    scene.seen(12, track=2)
    assert len(scene.box._outbox) == 2
    await asyncio.to_thread(scene.house.start)
    await until(lambda: scene.box._exchange.online)
    scene.seen(11, track=3)  # waits until the city has said what changed
    await until(lambda: scene.held == 1 and not scene.box._exchange.pending)
    scene.seen(11, track=4)
    scene.seen(12, track=5)
    await until(lambda: not scene.box._exchange.pending)
    assert scene.rows("select customer_id from visits") == ["song"]
    assert sorted(name.split("/")[2] for name in scene.rows("select event_id from seen_events")) == ["2", "5"]
