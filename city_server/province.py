"""Asking the province: misses in batches, the portrait after confirmation, outcomes until acknowledged."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Final, TypeVar

import httpx
import msgspec

from city_server.breaker import Breaker
from city_server.settings import CitySettings
from yingbin import feed_wire, report_wire, search_wire, wire
from yingbin.errors import Unavailable
from yingbin.log import get_logger
from yingbin.portrait_wire import InsightAnswer, PortraitPage
from yingbin.trust.audit.exchange import Exchange
from yingbin.trust.devices import DeviceKey
from yingbin.trust.staff import issue_city_token

log = get_logger()
T = TypeVar("T")
AUDIENCE = "yingbin-province"
_PASSING: Final = frozenset({401, 408, 429})


class ProvinceDown(Unavailable):
    """The province did not answer, or answered with something that cannot be used."""

    code = "province_down"


class ProvinceRefused(ProvinceDown):
    """The province answers, and does not do what was asked: a camera is not assessed, a limit is spent."""

    code = "province_refused"
    passing = True
    """Whether the same request may be taken later: it was too much, or not proved who asks; not for what it says."""


class Province:
    """The province's API for cities. Every call raises `ProvinceDown` when it fails."""

    def __init__(self, settings: CitySettings, key: DeviceKey) -> None:
        self._city_id = settings.city_id
        self._key = key
        self._timeout_s = settings.province_timeout_s
        verify = ssl.create_default_context(cafile=settings.province_ca_file) if settings.province_ca_file else True
        self._http = httpx.AsyncClient(base_url=settings.province_url, timeout=self._timeout_s, verify=verify)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def feed(self, after: int, wait_s: int, key_id: str) -> feed_wire.FeedPage:
        """Return the changes after a revision in a domain of the city, waiting up to `wait_s` seconds for the first."""
        params: dict[str, int | str] = {"after": after, "wait_s": wait_s, "key_id": key_id}
        raw = await self._ask("GET", "/v1/city/feed", params=params, timeout=wait_s + self._timeout_s)
        return _usable(raw, feed_wire.FeedPage)

    async def search(self, request: search_wire.SearchRequest) -> search_wire.SearchReply:
        """Search a batch of misses in the whole province."""
        reply = _usable(
            await self._ask("POST", "/v1/city/search", content=wire.encode(request)), search_wire.SearchReply
        )
        if len(reply.hits) != len(request.probes):
            raise ProvinceDown("the province answered with another number of hits than probes")
        return reply

    async def portrait(self, customer_id: str, staff_id: str, card_id: str) -> PortraitPage:
        """Return the portrait of a customer whose identity this member of staff has confirmed at this card."""
        params: dict[str, int | str] = {"staff_id": staff_id, "card_id": card_id}
        raw = await self._ask("GET", f"/v1/city/customers/{customer_id}/portrait", params=params)
        try:
            return msgspec.json.decode(raw, type=PortraitPage)
        except msgspec.DecodeError as error:
            raise ProvinceDown("the province's portrait cannot be read") from error

    async def answer(self, fact_id: str, answer: InsightAnswer) -> None:
        """Deliver what a customer said of a question; the province ignores what it already has."""
        await self._ask("POST", f"/v1/city/facts/{fact_id}/answer", content=msgspec.json.encode(answer))

    async def report(self, outcomes: Sequence[report_wire.OutcomeReport]) -> None:
        """Deliver outcomes; the province ignores those it already has."""
        await self._ask("POST", "/v1/city/outcomes", content=msgspec.msgpack.encode(list(outcomes)))

    async def report_days(self, days: Sequence[report_wire.BranchDay]) -> None:
        """Deliver what branches did on some days; the province keeps the newest of each."""
        await self._ask("POST", "/v1/city/statistics", content=msgspec.msgpack.encode(list(days)))

    async def report_watch(self, answered: Sequence[report_wire.WatchAnswered]) -> None:
        """Deliver how soon alerts of watch lists were acknowledged; the province ignores those it already has."""
        await self._ask("POST", "/v1/city/watch-responses", content=msgspec.msgpack.encode(list(answered)))

    async def report_bundles(self, bundles: Sequence[report_wire.BundleInUse]) -> None:
        """Deliver which bundles boxes use; the province keeps the newest of each box."""
        await self._ask("POST", "/v1/city/bundles", content=msgspec.msgpack.encode(list(bundles)))

    async def exchange_heads(self, told: Exchange) -> Exchange:
        """Send the head of this city's audit trail; return the province's, and which of ours it keeps."""
        return _usable(await self._ask("POST", "/v1/city/audit", content=wire.encode(told)), Exchange)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, int | str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - handed to httpx, which also bounds the connect
    ) -> bytes:
        token = issue_city_token(self._key, self._city_id, AUDIENCE, now_s=time.time())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/msgpack"}
        try:
            # httpx limits each read, which is right for a long page of the feed; where somebody waits for the answer, a
            # province that sends a byte at a time is as good as down.
            async with asyncio.timeout(self._timeout_s if timeout is None else None):
                reply = await self._http.request(
                    method, path, params=params, content=content, headers=headers, timeout=timeout or self._timeout_s
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProvinceDown(f"the province does not answer {path.split('/')[3]}: {type(error).__name__}") from error
        if reply.is_success:
            return reply.content
        said = f"the province answered {path.split('/')[3]} with status {reply.status_code}"
        if not reply.is_client_error:
            raise ProvinceDown(said)
        refused = ProvinceRefused(said)
        refused.passing = reply.status_code in _PASSING
        raise refused


def _usable(raw: bytes, kind: type[T]) -> T:
    try:
        return wire.decode(raw, kind)
    except wire.BadMessage as error:
        raise ProvinceDown(f"the province's answer cannot be used: {error.message}") from error


class ProvinceSearch:
    """Collects the misses of all boxes for a few milliseconds and asks once; while the breaker is open, nobody."""

    def __init__(self, province: Province, settings: CitySettings, pack_id: str) -> None:
        self._province = province
        self._pack_id = pack_id
        self._wait_s = settings.province_batch_wait_ms / 1000
        self._size = settings.province_batch_size
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_open_s)
        self._pending: list[tuple[search_wire.Probe, asyncio.Future[search_wire.SearchHit | None]]] = []
        self._flushes: set[asyncio.Task[None]] = set()

    @property
    def degraded(self) -> bool:
        """Whether the city works alone."""
        return self._breaker.is_open

    async def search(self, probe: search_wire.Probe) -> search_wire.SearchHit | None:
        """Return what the province says, or None when it could not be asked."""
        future: asyncio.Future[search_wire.SearchHit | None] = asyncio.get_running_loop().create_future()
        self._pending.append((probe, future))
        if len(self._pending) == 1 or len(self._pending) >= self._size:
            flush = asyncio.create_task(self._flush(0.0 if len(self._pending) >= self._size else self._wait_s))
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
        return await future

    async def _flush(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        batch, self._pending = self._pending[: self._size], self._pending[self._size :]
        if not batch:
            return
        hits: Sequence[search_wire.SearchHit | None] = [None] * len(batch)
        if self._breaker.allow(time.monotonic()):
            try:
                request = search_wire.SearchRequest(self._pack_id, tuple(probe for probe, _ in batch))
                hits = (await self._province.search(request)).hits
                self._breaker.succeeded()
            except ProvinceRefused as error:  # one camera's or one moment's trouble, not a reason to ask no more
                self._breaker.succeeded()
                log.warning("province_search_refused", reason=error.message)
            except ProvinceDown as error:
                self._breaker.failed(time.monotonic())
                log.warning("province_search_failed", reason=error.message, degraded=self._breaker.is_open)
        for (_, future), hit in zip(batch, hits, strict=True):
            if not future.done():
                future.set_result(hit)
