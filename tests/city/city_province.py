"""A small real province over HTTP."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import msgspec
import numpy as np
import uvicorn
from city_people import DIMENSION
from city_sockets import in_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from city_server.memory import checksum
from yingbin import feed_wire, pad_wire, report_wire, search_wire, wire
from yingbin.galleries.protect import (
    Vector,
    apply,
    encode_template,
    random_transform,
)
from yingbin.ids import now_ms
from yingbin.portrait_wire import InsightAnswer, PortraitPage
from yingbin.trust.audit.exchange import Exchange
from yingbin.trust.audit.record import SignedHead
from yingbin.trust.devices import DeviceKey
from yingbin.trust.staff import read_city_token

HOUR_MS = 3_600_000


class Province:
    """The routes a city uses, over a list of feed entries."""

    def __init__(self, city_public_key: bytes) -> None:
        self.r_city = random_transform(DIMENSION)
        self.entries: list[feed_wire.FeedEntry] = []
        self.lease_ms = 24 * HOUR_MS
        self.down = False
        self.page_entries = 10_000
        self.down_after: int | None = None
        """The feed fails for whoever has come so far."""
        self.search_status = 0
        """What every search is answered with, unless 0."""
        self.search_takes_s = 0.0
        self.drips = False
        """Whether a search's answer comes a byte at a time."""
        self.hits: Callable[[list[search_wire.SearchHit]], list[search_wire.SearchHit]] = lambda hits: hits
        """What the province says instead of the truth."""
        self.corrupt_pages = 0
        self.asked_after: list[int] = []
        self.elsewhere: dict[str, tuple[Vector, feed_wire.CardView]] = {}
        self.searches = 0
        self.batches: list[int] = []
        self.outcomes: dict[str, report_wire.OutcomeReport] = {}
        self.bundles: dict[str, str] = {}
        self.days: list[report_wire.BranchDay] = []
        self.answered: list[report_wire.WatchAnswered] = []
        self.heads: list[SignedHead] = []
        self.kept_heads: list[SignedHead] = []
        """What the province says, once each, that it keeps of the city's trail."""
        self.portraits: list[tuple[str, str]] = []
        self.portrait_visits: list[str] = []
        self.portrait = PortraitPage(lines=())
        """What is shown beside the money."""
        self.answers: list[tuple[str, InsightAnswer]] = []
        self.facts_gone: set[str] = set()
        self.public_key = city_public_key
        self._server: tuple[uvicorn.Server, threading.Thread] | None = None
        self.address = ""

    def start(self) -> None:
        app = FastAPI()
        app.add_api_route("/v1/city/feed", self._feed, methods=["GET"])
        app.add_api_route("/v1/city/search", self._search, methods=["POST"])
        app.add_api_route("/v1/city/outcomes", self._outcomes, methods=["POST"])
        app.add_api_route("/v1/city/audit", self._audit, methods=["POST"])
        app.add_api_route("/v1/city/bundles", self._bundles, methods=["POST"])
        app.add_api_route("/v1/city/watch-responses", self._watch_responses, methods=["POST"])
        app.add_api_route("/v1/city/statistics", self._statistics, methods=["POST"])
        app.add_api_route("/v1/city/facts/{fact_id}/answer", self._answer, methods=["POST"])
        app.add_api_route("/v1/city/customers/{customer_id}/portrait", self._portrait, methods=["GET"])
        server, thread, self.address = in_thread(app)
        self._server = (server, thread)

    def stop(self) -> None:
        assert self._server
        self._server[0].should_exit = True
        self._server[1].join(10)

    def put(self, kind: feed_wire.FeedKind, key: str, thing: msgspec.Struct | None) -> None:
        payload = None if thing is None else wire.encode(thing)
        self.entries.append(feed_wire.FeedEntry(len(self.entries) + 1, kind, key, payload))

    def enrol(self, view: feed_wire.CardView, raw: Vector, pack_id: str) -> None:
        self.put(feed_wire.FeedKind.CARD_VIEW, view.customer_id, view)
        template = feed_wire.Template(
            f"t-{view.customer_id}", view.customer_id, pack_id, view.gallery, encode_template(apply(self.r_city, raw))
        )
        self.put(feed_wire.FeedKind.TEMPLATE, template.template_id, template)

    def _check(self, request: Request) -> Response | None:
        if self.down:
            return Response(status_code=503)
        token = request.headers["authorization"].removeprefix("Bearer ")
        read_city_token(token, lambda _: self.public_key, "yingbin-province", now_s=time.time())
        return None

    def _feed(self, request: Request, after: int, wait_s: int) -> Response:
        self.asked_after.append(after)
        end = time.monotonic() + min(wait_s, 0.2)
        while time.monotonic() < end and len(self.entries) <= after and not self.down:
            time.sleep(0.01)
        refused = self._check(request)
        if refused:
            return refused
        if self.down_after is not None and after >= self.down_after:
            return Response(status_code=503)
        entries = tuple(self.entries[after : after + self.page_entries])
        digest = checksum(entries)
        if self.corrupt_pages and entries:
            self.corrupt_pages -= 1
            digest = bytes(32)
        head = len(self.entries)
        lease_until_ms = now_ms() + self.lease_ms
        up_to = after + len(entries)
        page = feed_wire.FeedPage(after == 0, entries, up_to, head, digest, lease_until_ms, "k", "k")
        return Response(wire.encode(page))

    async def _search(self, request: Request) -> Response:
        self.searches += 1
        refused = self._check(request)
        if refused:
            return refused
        if self.search_status:
            return Response(status_code=self.search_status)
        await asyncio.sleep(self.search_takes_s)
        asked = wire.decode(await request.body(), search_wire.SearchRequest)
        self.batches.append(len(asked.probes))
        hits = []
        for probe in asked.probes:
            vector = np.frombuffer(probe.vector, "<f2").astype(np.float32)
            found = [view for raw, view in self.elsewhere.values() if float(apply(self.r_city, raw) @ vector) > 0.8]
            hits.append(
                search_wire.SearchHit(wire.Outcome.MATCHED, found[0])
                if found
                else search_wire.SearchHit(wire.Outcome.NOT_ENROLLED, None)
            )
        answer = wire.encode(search_wire.SearchReply(tuple(self.hits(hits))))
        return StreamingResponse(_drops(answer)) if self.drips else Response(answer)

    async def _bundles(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        for one in wire.decode(await request.body(), list[report_wire.BundleInUse]):
            self.bundles[one.box_id] = one.key_id
        return Response(status_code=204)

    async def _outcomes(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        for one in wire.decode(await request.body(), list[report_wire.OutcomeReport]):
            self.outcomes[one.outcome_id] = one
        return Response(status_code=204)

    async def _watch_responses(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        self.answered += wire.decode(await request.body(), list[report_wire.WatchAnswered])
        return Response(status_code=204)

    async def _statistics(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        self.days += wire.decode(await request.body(), list[report_wire.BranchDay])
        return Response(status_code=204)

    async def _audit(self, request: Request) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        told = wire.decode(await request.body(), Exchange)
        if told.head is not None:
            self.heads.append(told.head)
        kept = self.kept_heads.pop() if self.kept_heads else None
        return Response(wire.encode(Exchange(None, kept, DeviceKey.generate().public_bytes)))

    async def _answer(self, request: Request, fact_id: str) -> Response:
        refused = self._check(request)
        if refused:
            return refused
        if fact_id in self.facts_gone:
            return Response(status_code=404)
        answer = msgspec.json.decode(await request.body(), type=InsightAnswer)
        self.answers.append((fact_id, answer))
        return Response(status_code=204)

    def _portrait(self, request: Request, customer_id: str, staff_id: str, card_id: str) -> Response:
        self.portraits.append((customer_id, staff_id))
        self.portrait_visits.append(card_id)
        refused = self._check(request)
        if refused:
            return refused
        money = pad_wire.Money("活期存款", "Demand deposit", 12_345_600, f"core/{customer_id}", "2026-01-01")
        return Response(msgspec.json.encode(msgspec.structs.replace(self.portrait, lines=(money,))))


async def _drops(answer: bytes) -> AsyncIterator[bytes]:
    for byte in answer:
        yield bytes([byte])
        await asyncio.sleep(0.9)
