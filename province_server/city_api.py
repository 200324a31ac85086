"""Routes for city servers, /v1/city: feed, search, portrait, outcomes. Bodies are msgpack, the portrait is JSON."""

import asyncio
import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from province_server.auth import Gate
from province_server.cards import Cards, city_of
from province_server.feed import Notifier
from province_server.materialise import FeedReader
from province_server.outcomes import OutcomeService
from province_server.records import Id
from province_server.search import RecentMatches, Search
from yingbin import wire
from yingbin.errors import NotAllowed
from yingbin.feed_wire import FeedPage, OutcomeReport, SearchRequest
from yingbin.offers.portrait import portrait_lines
from yingbin.pad_wire import Money
from yingbin.storage.database import Database

MSGPACK = "application/msgpack"
MAX_WAIT_S = 60


class PortraitService:
    """The money lines of a customer, for the city that has reason to show them."""

    def __init__(self, database: Database, cards: Cards, matches: RecentMatches) -> None:
        self._database = database
        self._cards = cards
        self._matches = matches

    def lines(self, city_id: str, customer_id: str) -> tuple[Money, ...]:
        """Return the portrait of an enrolled customer of this city, or of one matched there lately.

        Raises `NotAllowed` for anybody else, whether or not he exists.
        """
        with self._database.read() as session:
            card = self._cards.card_view(session, customer_id)
            at_home = card is not None and city_of(session, card.home_branch_id) == city_id
            if card is None or not (at_home or self._matches.has(city_id, customer_id)):
                raise NotAllowed("this city was not told of such a customer")
            return portrait_lines(self._cards.customer(session, customer_id).profile)


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
    gate: Gate,
) -> APIRouter:
    """Return the routes for cities."""
    router = APIRouter(prefix="/v1/city", tags=["city"])
    city = Depends(gate.city())

    @router.get("/feed", response_class=Response)
    async def feed(
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
    async def find(city_id: Annotated[str, city], request: Request) -> Response:
        """Search a `feed_wire.SearchRequest` in the whole province; answers `feed_wire.SearchReply`."""
        asked = wire.decode(await request.body(), SearchRequest)
        return Response(wire.encode(await run_in_threadpool(search.search, city_id, asked)), media_type=MSGPACK)

    @router.get("/customers/{customer_id}/portrait", response_class=Response)
    def portrait(city_id: Annotated[str, city], customer_id: Id) -> Response:
        """Money lines as a JSON list of `pad_wire.Money`, after the manager confirmed the customer's identity."""
        lines = portraits.lines(city_id, customer_id)
        return Response(msgspec.json.encode(lines), media_type="application/json")

    @router.post("/outcomes", status_code=204, response_class=Response)
    async def report(city_id: Annotated[str, city], request: Request) -> Response:
        """Store a list of `feed_wire.OutcomeReport`; what is here already is ignored."""
        reports = wire.decode(await request.body(), list[OutcomeReport])
        await run_in_threadpool(outcomes.store, city_id, reports)
        return Response(status_code=204)

    return router
