"""The city dies and comes back under load; the real box agent talks to a real city process."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from city_house import House
from city_people import face
from city_real_box import look, real_box, until
from ports import free_port

from edge.agent import EdgeAgent
from yingbin.ids import event_id

CUSTOMERS = 30
HORIZON_S = 2


@pytest.fixture
def agent(open_house: Callable[..., House]) -> Iterator[tuple[House, EdgeAgent]]:
    port = free_port()
    house = open_house(in_process=False, started=False, port=port, alert_horizon_s=HORIZON_S, box_events_burst=20)
    for number in range(CUSTOMERS):
        house.province.enrol(house.view(f"guest-{number}", rm=""), face(100 + number), house.pack.pack_id)
    with real_box(house, port) as box:
        yield house, box


def rows(house: House, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(house.data / "city.db") as database:
        return database.execute(query).fetchall()


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
