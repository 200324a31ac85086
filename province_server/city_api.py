"""Routes for city servers, /v1/city: feed, search, portrait, outcomes. Bodies are msgpack, the portrait is JSON."""

import asyncio
import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from province_server.auth import Gate
from province_server.bundles import BundleService
from province_server.cards import Cards, city_of
from province_server.evidence import Evidence
from province_server.feed import Notifier
from province_server.materialise import FeedReader
from province_server.outcomes import OutcomeService
from province_server.records import Id
from province_server.search import RecentMatches, Search
from province_server.statistics import StatisticsService
from yingbin import wire
from yingbin.errors import NotAllowed
from yingbin.feed_wire import BranchDay, BundleInUse, FeedPage, OutcomeReport, SearchRequest
from yingbin.http import request_id
from yingbin.offers.portrait import portrait_lines
from yingbin.pad_wire import Money
from yingbin.storage.database import Database
from yingbin.storage.province import StaffRow
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import DONE, REFUSED, Entry

MSGPACK = "application/msgpack"
MAX_WAIT_S = 60


class PortraitService:
    """The money lines of a customer, for the city that has reason to show them."""

    def __init__(self, database: Database, cards: Cards, matches: RecentMatches, evidence: Evidence) -> None:
        self._database = database
        self._cards = cards
        self._matches = matches
        self._evidence = evidence

    def lines(self, city_id: str, customer_id: str, staff_id: str) -> tuple[Money, ...]:
        """Return the portrait of an enrolled customer of this city, or of one matched there lately, for its staff.

        Raises `NotAllowed` for anybody else, whether or not he exists. Either way the audit trail has who asked.
        """
        try:
            role, lines = self._lines(city_id, customer_id, staff_id)
        except NotAllowed:
            self._record(city_id, customer_id, staff_id, "", REFUSED)
            raise
        self._record(city_id, customer_id, staff_id, role, DONE)
        self._evidence.was_right(city_id, customer_id)
        return lines

    def _lines(self, city_id: str, customer_id: str, staff_id: str) -> tuple[str, tuple[Money, ...]]:
        with self._database.read() as session:
            staff = session.get(StaffRow, staff_id)
            branches = {staff.branch_id, staff.duty_branch_id} - {None} if staff and staff.active else set()
            if staff is None or city_id not in {city_of(session, str(branch)) for branch in branches}:
                raise NotAllowed("whoever asks is not of this city's staff")
            card = self._cards.card_view(session, customer_id)
            at_home = card is not None and city_of(session, card.home_branch_id) == city_id
            if card is None or not (at_home or self._matches.has(city_id, customer_id)):
                raise NotAllowed("this city was not told of such a customer")
            return staff.role, portrait_lines(self._cards.customer(session, customer_id).profile)

    def _record(self, city_id: str, customer_id: str, staff_id: str, role: str, outcome: str) -> None:
        entry = Entry(
            f"staff:{staff_id}", role, "portrait_shown", "customer", customer_id, {"city": city_id}, outcome,
            request_id.current.get(),
        )  # fmt: skip
        with self._database.write() as session:
            note(session, entry)


async def next_page(
    reader: FeedReader, notifier: Notifier, city_id: str, after: int, key_id: str, wait_s: float
) -> FeedPage:
    """Return the next page: at once with news, a snapshot, a newer key or a server that stops, else after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        with notifier.watch(city_id) as changed:
            page = await run_in_threadpool(reader.page, city_id, after, key_id)
            remaining_s = deadline - time.monotonic()
            renewing = page.key_id != page.newest_key_id
            if page.entries or page.snapshot or renewing or remaining_s <= 0 or notifier.closed:
                return page
            try:
                await asyncio.wait_for(changed.wait(), remaining_s)
            except TimeoutError:
                return page


def routes(
    reader: FeedReader,
    notifier: Notifier,
    search: Search,
    portraits: PortraitService,
    outcomes: OutcomeService,
    statistics: StatisticsService,
    bundles: BundleService,
    gate: Gate,
) -> APIRouter:
    """Return the routes for cities."""
    router = APIRouter(prefix="/v1/city", tags=["city"])
    city = Depends(gate.city())

    @router.get("/feed", response_class=Response)
    async def city_feed(
        city_id: Annotated[str, city],
        after: Annotated[int, Query(ge=0)] = 0,
        key_id: Annotated[str, Query(max_length=64)] = "",
        wait_s: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 0,
    ) -> Response:
        """Return changes after a revision, in the city's domain `key_id`; wait up to `wait_s` seconds for the first.

        The body is a `feed_wire.FeedPage`. A city that knows no key yet leaves it out.
        """
        page = await next_page(reader, notifier, city_id, after, key_id, wait_s)
        return Response(wire.encode(page), media_type=MSGPACK)

    @router.post("/search", response_class=Response)
    async def city_search(city_id: Annotated[str, city], request: Request) -> Response:
        """Search a `feed_wire.SearchRequest` in the whole province; answers `feed_wire.SearchReply`."""
        asked = wire.decode(await request.body(), SearchRequest)
        return Response(wire.encode(await run_in_threadpool(search.search, city_id, asked)), media_type=MSGPACK)

    @router.get(
        "/customers/{customer_id}/portrait",
        response_class=Response,
        responses={200: {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}}}},
    )
    def city_portrait(city_id: Annotated[str, city], customer_id: Id, staff_id: Annotated[Id, Query()]) -> Response:
        """Money lines as a JSON list of `pad_wire.Money`, after this manager confirmed the customer's identity."""
        lines = portraits.lines(city_id, customer_id, staff_id)
        return Response(msgspec.json.encode(lines), media_type="application/json")

    @router.post("/outcomes", status_code=204, response_class=Response)
    async def city_outcomes(city_id: Annotated[str, city], request: Request) -> Response:
        """Store a list of `feed_wire.OutcomeReport`; what is here already is ignored."""
        reports = wire.decode(await request.body(), list[OutcomeReport])
        await run_in_threadpool(outcomes.store, city_id, reports)
        return Response(status_code=204)

    @router.post("/bundles", status_code=204, response_class=Response)
    async def city_bundles(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep a list of `feed_wire.BundleInUse`; of a box the newest counts."""
        reports = wire.decode(await request.body(), list[BundleInUse])
        await run_in_threadpool(bundles.store, city_id, reports)
        return Response(status_code=204)

    @router.post("/statistics", status_code=204, response_class=Response)
    async def city_statistics(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep a list of `feed_wire.BranchDay`; of a day the newest counts."""
        days = wire.decode(await request.body(), list[BranchDay])
        await run_in_threadpool(statistics.store, city_id, days)
        return Response(status_code=204)

    return router
