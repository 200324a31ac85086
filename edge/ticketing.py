"""The endpoint the ticket machine calls when a customer taps "use my face". Off unless `ticketing_port` is set.

Whoever is not recognised - unknown, not consenting, badly lit, line down - gets the same answer: use a card, an ID or a
QR code. The queue follows from the tier, however the customer shows who he is (C4): `/v1/queue-classes` is the table.
It also tells the city how long the branch's queues are (`/v1/queues`): the next card takes it into account.
Nothing else is served here: health and metrics are at the operations port.
"""

import asyncio
import contextlib
import hmac
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel, ConfigDict, Field

from edge import local_http
from edge.settings import EdgeSettings
from edge.taps import PATIENCE_S, Tapped, Taps
from yingbin.errors import BadConfiguration, NotAuthenticated, NotFound
from yingbin.http.app import bare_app
from yingbin.http.serve import bind, require_tls_or_loopback
from yingbin.log import get_logger
from yingbin.offers.queueing import QUEUE_OF_TIER
from yingbin.queue_wire import Business, Queue, QueueClass, QueueReport
from yingbin.wire import TicketAnswer, TicketAsk

_CITY_S: Final = 2.5
"""A customer waits no longer for the city: his card is quicker."""

log = get_logger()

Send = Callable[[TicketAsk | QueueReport], bool]
"""Sends to the city; False when the line is down."""


class Tap(BaseModel):
    """Whose camera: the one above the machine that was tapped. `business`: what the customer chose there, if he did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera_id: str = Field(min_length=1, max_length=200)
    business: Business = ""


class QueueState(BaseModel):
    """One queue now: customers waiting, counters open for it, mean seconds of a service; 0 where it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue_class: QueueClass
    waiting: int = Field(ge=0, le=10_000)
    counters: int = Field(default=0, ge=0, le=1_000)
    service_s: int = Field(default=0, ge=0, le=86_400)


class Queues(BaseModel):
    """Every queue of the branch, told again whenever one changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queues: tuple[QueueState, ...] = Field(min_length=1, max_length=16)


class Told(BaseModel):
    """Whether the line to the city was up; a report is not kept, the next one is newer."""

    told: bool


class Ticket(BaseModel):
    """What the machine shows. `masked_name` is empty and `use` names the other ways when nobody was recognised."""

    recognised: bool
    queue_class: QueueClass
    masked_name: str
    ticket_hint_zh: str
    ticket_hint_en: str
    use: tuple[str, ...]


_HINTS: Final[Mapping[QueueClass, tuple[str, str]]] = {
    QueueClass.GREEN_CHANNEL: ("请取号,贵宾通道优先办理", "Take your ticket: green channel"),
    QueueClass.STANDARD: ("请取号", "Take your ticket"),
}
_OTHER_WAYS: Final = ("card", "id", "qr")
_USE_A_CARD: Final = Ticket(
    recognised=False,
    queue_class=QueueClass.STANDARD,
    masked_name="",
    ticket_hint_zh="请使用银行卡、身份证或二维码取号,排队等级相同",
    ticket_hint_en="Please use your card, ID or QR code: it gives the same queue",
    use=_OTHER_WAYS,
)


class TicketDesk:
    """Joins a tap, the face at that moment, and the city's answer. Lives in the box's event loop."""

    def __init__(self, taps: Mapping[str, Taps], send: Send) -> None:
        self._taps = taps
        self._send = send
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[TicketAnswer]] = {}

    async def tapped(self, camera_id: str, business: Business = "") -> Ticket:
        """Return what to show. Raises `NotFound` for a camera this box does not have."""
        taps = self._taps.get(camera_id)
        if taps is None:
            raise NotFound(f"this box has no camera {camera_id}; check the ticket machine's settings")
        face: Tapped | None = None
        with contextlib.suppress(TimeoutError):  # the camera delivers no picture
            face = await asyncio.wait_for(asyncio.wrap_future(taps.ask()), PATIENCE_S + 0.5)
        answer = await self._ask_city(camera_id, face, business) if face else None
        log.info("ticket_tap", camera_id=camera_id, face=face is not None, answered=answer is not None)
        if answer is None or not answer.recognised:
            return _USE_A_CARD
        hint_zh, hint_en = _HINTS[answer.queue_class]
        return Ticket(
            recognised=True,
            queue_class=answer.queue_class,
            masked_name=answer.masked_name,
            ticket_hint_zh=hint_zh,
            ticket_hint_en=hint_en,
            use=(),
        )

    def report(self, queues: Queues) -> bool:
        """Tell the city how long the queues are; False when the line is down."""
        told = (Queue(one.queue_class, one.waiting, one.counters, one.service_s) for one in queues.queues)
        return self._send(QueueReport(tuple(told)))

    def answered(self, answer: TicketAnswer) -> None:
        """Take the city's answer; one that comes too late is nobody's."""
        waiting = self._asked.pop(answer.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _ask_city(self, camera_id: str, face: Tapped, business: Business) -> TicketAnswer | None:
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            if not self._send(TicketAsk(number, camera_id, face.assessment_id, 1, face.vector, business)):
                return None
            return await asyncio.wait_for(self._asked[number], _CITY_S)
        except TimeoutError:
            return None
        finally:
            self._asked.pop(number, None)


def create(desk: TicketDesk, secret: str) -> FastAPI:
    """Return the app; every request must bear the secret."""

    def check(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode()):
            raise NotAuthenticated("the ticket machine must send the box's ticketing secret as a bearer token")

    app = bare_app("Yingbin ticketing")
    guarded = [Depends(check)]

    @app.post("/v1/ticket", dependencies=guarded)
    async def ticket(tap: Tap) -> Ticket:
        """Recognise who has just tapped, if he consented to it."""
        return await desk.tapped(tap.camera_id, tap.business)

    @app.put("/v1/queues", dependencies=guarded)
    async def queues(state: Queues) -> Told:
        """Take how long the branch's queues are now."""
        return Told(told=desk.report(state))

    @app.get("/v1/queue-classes", dependencies=guarded)
    async def queue_classes() -> dict[str, QueueClass]:
        """Return tier -> queue, for customers who show a card, an ID or a QR code; other tiers are standard."""
        return dict(QUEUE_OF_TIER)

    return app


@contextlib.asynccontextmanager
async def serving(desk: TicketDesk, settings: EdgeSettings) -> AsyncIterator[None]:
    """Serve in this event loop while the context lasts. Raises `BadConfiguration`."""
    if settings.ticketing_port is None or settings.ticketing_secret is None:
        raise BadConfiguration("ticketing needs `ticketing_port` and `ticketing_secret`")
    require_tls_or_loopback(settings.ticketing_host, settings.ticketing_tls_certificate_file)
    listener = bind(settings.ticketing_host, settings.ticketing_port)
    app = create(desk, settings.ticketing_secret.get_secret_value())
    certificate, key = settings.ticketing_tls_certificate_file, settings.ticketing_tls_key_file
    async with local_http.serving(app, listener, certificate_file=certificate, key_file=key):
        log.info("ticketing_ready", address=":".join(map(str, listener.getsockname()[:2])))
        yield
