"""A tap at the ticket machine: HTTP in, the face of that moment to the city, the ticket out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from edge_builders import CountingEngine, SmallCity, camera, eventually, write_clip
from ports import free_port
from pydantic import ValidationError
from test_edge_agent import PACK, bundle_for, settings_for
from websockets.asyncio.server import ServerConnection

from edge.agent import EdgeAgent
from edge.settings import EdgeSettings
from yingbin.offers.queueing import QUEUE_OF_TIER
from yingbin.queue_wire import Queue, QueueClass, QueueReport
from yingbin.trust.devices import DeviceKey
from yingbin.wire import (
    Assessment,
    BoxMessage,
    CameraMode,
    CameraRole,
    TicketAnswer,
    TicketAsk,
    encode,
)

SECRET = "correct horse battery"
BEARER = {"Authorization": f"Bearer {SECRET}"}
FOREVER_MS = 4_000_000_000_000


class TicketCity(SmallCity):
    """Knows everybody who taps as a VIP, when `knows`; says nothing when not `speaks`."""

    knows, speaks = True, True
    asked: list[TicketAsk]
    reports: list[QueueReport]

    async def _take(self, socket: ServerConnection, message: BoxMessage) -> bool:
        if isinstance(message, QueueReport):
            self.reports.append(message)
            return True
        if not isinstance(message, TicketAsk):
            return await super()._take(socket, message)
        self.asked.append(message)
        if self.speaks:
            known = TicketAnswer(message.number, True, QueueClass.GREEN_CHANNEL, "陈*")
            unknown = TicketAnswer(message.number, False, QueueClass.STANDARD, "")
            await socket.send(encode(known if self.knows else unknown))
        return True


def ticket_camera(role: CameraRole = CameraRole.TICKET_MACHINE) -> object:
    assessment = Assessment("pia-1", FOREVER_MS, (role,), (CameraMode.FEATURE,), ("vip",))
    return camera(role=role, assessment=assessment)


@pytest.fixture
def city(city: SmallCity) -> TicketCity:
    city.__class__ = TicketCity
    assert isinstance(city, TicketCity)
    city.asked, city.reports, city.cameras = [], [], (ticket_camera(),)
    return city


Running = Callable[[Path], contextlib.AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def running(city: TicketCity, engine: CountingEngine, device_key: DeviceKey) -> Running:
    @contextlib.asynccontextmanager
    async def run(source: Path) -> AsyncIterator[httpx.AsyncClient]:
        port = free_port()
        plain = settings_for(city.url, source, loop=True, pace_real_time=True)
        settings = EdgeSettings(**{**plain.model_dump(), "ticketing_port": port, "ticketing_secret": SECRET})
        agent = EdgeAgent(settings, engine, bundle_for(PACK), device_key, PACK)
        task = asyncio.create_task(agent.run())
        try:
            await eventually(lambda: bool(city.statuses))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=20) as http:
                yield http
        finally:
            agent.stop()
            await task

    return run


async def tap(http: httpx.AsyncClient, business: str = "", **how: object) -> dict[str, object]:
    reply = await http.post("/v1/ticket", json={"camera_id": "cam-1", "business": business}, **how)  # type: ignore[arg-type]
    assert reply.status_code == 200, reply.text
    result: dict[str, object] = reply.json()
    return result


async def test_a_tap_is_answered_with_queue_name_and_hint(
    running: Running, city: TicketCity, group_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("edge.taps", "edge.ticketing"):  # on a busy machine the face takes its time
        monkeypatch.setattr(f"{module}.PATIENCE_S", 20.0)
    async with running(group_clip) as http:
        shown = await tap(http)
        assert (shown["recognised"], shown["queue_class"], shown["masked_name"]) == (True, "green_channel", "陈*")
        assert "贵宾" in str(shown["ticket_hint_zh"])
        vector = np.frombuffer(city.asked[0].vector, "<f2").astype(np.float32)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=0.01)
        assert (city.asked[0].camera_id, city.asked[0].assessment_id) == ("cam-1", "pia-1")
        numbers = [(await tap(http, business))["recognised"] for business in ("loan", "")]
        assert numbers == [True, True]
        assert [ask.business for ask in city.asked] == ["", "loan", ""]
        assert len({ask.number for ask in city.asked}) == 3


async def test_C4_unknown_unheard_and_offline_are_answered_alike_with_the_other_ways_and_the_same_queue(
    running: Running, city: TicketCity, group_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.ticketing._CITY_S", 0.3)
    async with running(group_clip) as http:
        city.knows = False
        unknown = await tap(http)
        city.speaks = False
        unheard = await tap(http)
        assert unknown == unheard
        assert (unknown["recognised"], unknown["use"]) == (False, ["card", "id", "qr"])
        assert unknown["queue_class"] == "standard"
        by_card = (await http.get("/v1/queue-classes")).json()
        assert by_card == {tier: queue.value for tier, queue in QUEUE_OF_TIER.items()}


async def test_C3_a_camera_of_another_role_computes_nothing_for_a_tap(
    running: Running, city: TicketCity, group_clip: Path
) -> None:
    city.cameras = (ticket_camera(CameraRole.ENTRANCE),)
    async with running(group_clip) as http:
        assert (await tap(http))["recognised"] is False
    assert city.asked == []


async def test_nobody_before_the_machine_is_nobody(running: Running, city: TicketCity, tmp_path: Path) -> None:
    empty = write_clip(tmp_path / "empty.mp4", [np.full((360, 640, 3), 90, np.uint8)] * 25)
    async with running(empty) as http:
        assert (await tap(http))["recognised"] is False
    assert city.asked == []


async def test_only_the_machine_may_call(running: Running, group_clip: Path) -> None:
    async with running(group_clip) as http:
        for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
            refused = await http.post("/v1/ticket", json={"camera_id": "cam-1"}, headers=headers)
            assert (refused.status_code, refused.json()["title"]) == (401, "not authenticated")
        assert (await http.post("/v1/ticket", json={"camera_id": "cam-9"})).status_code == 404
        assert (await http.post("/v1/ticket", json={"camera_id": "cam-1", "x": 1})).status_code == 422


async def test_how_long_the_queues_are_is_told_to_the_city(
    running: Running, city: TicketCity, group_clip: Path
) -> None:
    async with running(group_clip) as http:
        longest = {"queue_class": "standard", "waiting": 14, "counters": 2, "service_s": 300}
        reply = await http.put("/v1/queues", json={"queues": [longest, {"queue_class": "green_channel", "waiting": 0}]})
        assert (reply.status_code, reply.json()) == (200, {"told": True})
        await eventually(lambda: bool(city.reports))
        for wrong in ({**longest, "waiting": -1}, {**longest, "queue_class": "gold"}, {**longest, "who": "c-1"}):
            assert (await http.put("/v1/queues", json={"queues": [wrong]})).status_code == 422
        assert (await http.post("/v1/ticket", json={"camera_id": "cam-1", "business": "lottery"})).status_code == 422
    (told,) = city.reports
    assert told.queues == (Queue(QueueClass.STANDARD, 14, 2, 300), Queue(QueueClass.GREEN_CHANNEL, 0))


async def test_the_port_serves_ticketing_and_nothing_else(running: Running, group_clip: Path) -> None:
    async with running(group_clip) as http:
        for path in ("/healthz", "/metrics", "/openapi.json", "/docs"):
            assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("secret", [None, "short"])
def test_ticketing_without_a_secret_is_refused(secret: str | None) -> None:
    plain = settings_for("ws://127.0.0.1:1/v1/box", "0").model_dump()
    with pytest.raises(ValidationError, match="ticketing_secret"):
        EdgeSettings(**{**plain, "ticketing_port": 0, "ticketing_secret": secret})
