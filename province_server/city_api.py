"""Routes for city servers, /v1/city: feed, search, portrait, outcomes. Bodies are msgpack, the portrait is JSON."""

import asyncio
import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from province_server.auth import Gate
from province_server.bundles import BundleService
from province_server.feed import Notifier
from province_server.insights.answers import AnswerService
from province_server.materialise import FeedReader
from province_server.outcomes import OutcomeService
from province_server.portraits.service import PortraitService
from province_server.records import Id
from province_server.search import Search
from province_server.statistics import StatisticsService
from yingbin import wire
from yingbin.errors import InvalidInput
from yingbin.feed_wire import FeedPage
from yingbin.portrait_wire import InsightAnswer
from yingbin.report_wire import BranchDay, BundleInUse, OutcomeReport
from yingbin.search_wire import SearchRequest

MSGPACK = "application/msgpack"
MAX_WAIT_S = 60


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
    answers: AnswerService,
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
        """Search a `search_wire.SearchRequest` in the whole province; answers `search_wire.SearchReply`."""
        asked = wire.decode(await request.body(), SearchRequest)
        return Response(wire.encode(await run_in_threadpool(search.search, city_id, asked)), media_type=MSGPACK)

    @router.get(
        "/customers/{customer_id}/portrait",
        response_class=Response,
        responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    def city_portrait(
        city_id: Annotated[str, city],
        customer_id: Id,
        staff_id: Annotated[Id, Query()],
        card_id: Annotated[str, Query(max_length=64, description="of the visit; without it a day is one visit")] = "",
    ) -> Response:
        """Return a `portrait_wire.PortraitPage` as JSON, after this manager confirmed the customer's identity."""
        page = portraits.page(city_id, customer_id, staff_id, card_id)
        return Response(msgspec.json.encode(page), media_type="application/json")

    @router.post("/facts/{fact_id}/answer", status_code=204, response_class=Response)
    async def city_fact_answer(city_id: Annotated[str, city], fact_id: Id, request: Request) -> Response:
        """Take in a `portrait_wire.InsightAnswer` (JSON): the customer says that it is so, or that it is not."""
        try:
            answer = msgspec.json.decode(await request.body(), type=InsightAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"the answer cannot be read: {error}") from error
        await run_in_threadpool(answers.take, city_id, fact_id, answer)
        return Response(status_code=204)

    @router.post("/outcomes", status_code=204, response_class=Response)
    async def city_outcomes(city_id: Annotated[str, city], request: Request) -> Response:
        """Store a list of `report_wire.OutcomeReport`; what is here already is ignored."""
        reports = wire.decode(await request.body(), list[OutcomeReport])
        await run_in_threadpool(outcomes.store, city_id, reports)
        return Response(status_code=204)

    @router.post("/bundles", status_code=204, response_class=Response)
    async def city_bundles(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep a list of `report_wire.BundleInUse`; of a box the newest counts."""
        reports = wire.decode(await request.body(), list[BundleInUse])
        await run_in_threadpool(bundles.store, city_id, reports)
        return Response(status_code=204)

    @router.post("/statistics", status_code=204, response_class=Response)
    async def city_statistics(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep a list of `report_wire.BranchDay`; of a day the newest counts."""
        days = wire.decode(await request.body(), list[BranchDay])
        await run_in_threadpool(statistics.store, city_id, days)
        return Response(status_code=204)

    return router
