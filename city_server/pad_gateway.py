"""WebSocket `/v1/pad`: `Hello`, replay, then live cards; acknowledgements and outcomes back (see `yingbin.pad_wire`).

Every connection pulls from the board of its branch at its own pace, so replay and live are one path and a slow tablet
holds up nobody: it misses intermediate states, never the last one.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import anyio
import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from city_server import audience
from city_server.board import Board, Boards, Posted
from city_server.desk import Desk
from city_server.pad_refusals import TooSlow, about, close_code, refusal
from city_server.province import Province, ProvinceDown
from city_server.routing import rings_for
from city_server.sessions import Sessions
from city_server.settings import CitySettings
from city_server.store import Store
from city_server.trail import Trail
from yingbin import feed_wire, pad_wire, wire
from yingbin.errors import NotAuthenticated, YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.trust.staff import StaffToken

log = get_logger()
_WAITING: Final = 64
_BAD_MESSAGES: Final = 5


class PadGateway:
    """All connected tablets."""

    def __init__(
        self,
        settings: CitySettings,
        sessions: Sessions,
        boards: Boards,
        desk: Desk,
        store: Store,
        province: Province,
        trail: Trail,
        branch_of: Callable[[str], feed_wire.Branch | None],
        degraded: Callable[[], bool],
    ) -> None:
        self.settings = settings
        self.sessions = sessions
        self.boards = boards
        self.desk = desk
        self.store = store
        self.province = province
        self.trail = trail
        self.branch_of = branch_of
        self.degraded = degraded
        self.router = APIRouter()
        self.router.add_api_websocket_route("/v1/pad", self._serve)
        self._connections: set[_PadConnection] = set()

    def refresh(self) -> None:
        """Sign out whoever lost his role or branch by the feed."""
        for connection in self._connections:
            connection.look_again.set()

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        connection = _PadConnection(self, socket)
        try:
            await connection.greet()
            self._connections.add(connection)
            await connection.run()
        except WebSocketDisconnect:
            pass
        except YingbinError as error:
            await connection.refuse_and_close(error)
        finally:
            self._connections.discard(connection)


class _PadConnection:
    """One tablet: a reader, a sender, a heart, and a watch over the token."""

    _board: Board
    _staff: feed_wire.Staff
    _claims: StaffToken

    def __init__(self, gateway: PadGateway, socket: WebSocket) -> None:
        self._gateway = gateway
        self._socket = socket
        self._replies: deque[pad_wire.CityToPad] = deque()
        self._wake = asyncio.Event()
        self._sent_seq = 0
        self._rung: set[str] = set()
        self._shown: set[str] = set()
        self._ringing: dict[str, int] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self.look_again = asyncio.Event()

    async def greet(self) -> None:
        """Take `Hello` and answer `Welcome`. Raises `NotAuthenticated`, `NotAllowed` or `BadMessage`."""
        gateway = self._gateway
        try:
            with anyio.fail_after(gateway.settings.pad_hello_timeout_s):
                hello = pad_wire.decode_from_pad(await self._receive())
        except TimeoutError:
            raise NotAuthenticated("the tablet did not say who it is in time") from None
        if not isinstance(hello, pad_wire.Hello):
            raise NotAuthenticated("the first message must say who is here")
        self._staff, self._claims = gateway.sessions.read(hello.token)
        self._board = await gateway.boards.of(self._staff.branch_id, gateway.store)
        staff_id = self._staff.staff_id
        self._rung = await gateway.store.read(lambda session: gateway.desk.has_rung(session, staff_id))
        self._sent_seq = max(hello.last_seq, 0)
        branch = gateway.branch_of(self._staff.branch_id)
        self._replies.append(
            pad_wire.Welcome(
                staff_id=staff_id,
                display_name=self._staff.display_name,
                role=self._claims.role,
                branch_id=self._staff.branch_id,
                branch_zh=branch.name_zh if branch else "",
                branch_en=branch.name_en if branch else "",
                head_seq=self._board.head_seq,
                server_time_ms=now_ms(),
            )
        )
        log.info("pad_connected", staff_id=staff_id, branch_id=self._staff.branch_id, last_seq=hello.last_seq)

    async def run(self) -> None:
        """Serve until the tablet goes away or must go. Raises the reason."""
        self._board.follow(self._wake)
        self._wake.set()
        tasks = [asyncio.create_task(work()) for work in (self._send_all, self._read_all, self._beat, self._guard)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            self._board.unfollow(self._wake)
            for task in (*tasks, *self._fetches):
                task.cancel()
            await asyncio.gather(*tasks, *self._fetches, return_exceptions=True)
            log.info("pad_disconnected", staff_id=self._staff.staff_id)

    async def refuse_and_close(self, error: YingbinError) -> None:
        """Say why, and close with the code of that reason."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TooSlow):  # it may be gone already
            await self._send(refusal(error))
            await self._socket.close(close_code(error))

    async def _send_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._replies:
                await self._send(self._replies.popleft())
            news = self._board.since(self._sent_seq)
            messages = [message for posted in news if (message := self._card_message(posted)) is not None]
            await self._record_shown([message.card for message in messages])
            for message in messages:
                await self._send(message)
            if news:
                self._sent_seq = news[-1].seq

    async def _record_shown(self, cards: list[pad_wire.Card]) -> None:
        """Have it in the audit trail, once a connection, that this person sees these customers, before he does."""
        new = [card for card in cards if card.customer_id and card.card_id not in self._shown]
        await self._gateway.trail.shown(self._staff, new)
        self._shown.update(card.card_id for card in new)

    def _card_message(self, posted: Posted) -> pad_wire.CardMessage | None:
        card, who, role = posted.card, self._staff, self._claims.role
        if not audience.sees(role, who.staff_id, who.branch_id, card, posted.route.routed_to):
            return None
        rings = (
            posted.rings
            and card.state == "open"
            and card.card_id not in self._rung
            and rings_for(posted.route, who.staff_id, role)
        )
        if rings:
            self._rung.add(card.card_id)
            self._ringing[card.card_id] = posted.seq
        return pad_wire.CardMessage(posted.seq, rings, audience.shown(role, card))

    async def _read_all(self) -> None:
        malformed = 0
        while True:
            raw = await self._receive()
            concerning = ""
            try:
                message = pad_wire.decode_from_pad(raw)
                concerning = about(message)
                await self._handle(message)
            except NotAuthenticated:
                raise
            except wire.BadMessage as error:
                malformed += 1
                if malformed >= _BAD_MESSAGES:
                    raise
                self._reply(refusal(error, concerning))
            except YingbinError as error:
                self._reply(refusal(error, concerning))

    async def _handle(self, message: pad_wire.PadMessage) -> None:
        gateway, who = self._gateway, self._staff
        match message:
            case pad_wire.Hello():
                raise wire.BadMessage("`hello` is the first message of a connection only")
            case pad_wire.Received():
                await self._received(message.seq)
            case pad_wire.Acknowledge():
                await gateway.store.write(
                    lambda session: gateway.desk.acknowledge(session, message.card_id, who, now_ms())
                )
            case pad_wire.ConfirmIdentity():
                customer_id = await gateway.store.write(
                    lambda session: gateway.desk.confirm(session, message.card_id, who, now_ms())
                )
                fetch = asyncio.create_task(self._portrait(message.card_id, customer_id))
                self._fetches.add(fetch)
                fetch.add_done_callback(self._fetches.discard)
            case pad_wire.ReportOutcome():
                await gateway.store.write(lambda session: gateway.desk.report(session, message, who, now_ms()))
                self._reply(pad_wire.OutcomeStored(message.outcome_id))

            case pad_wire.AnswerInsight():
                await gateway.store.write(lambda session: gateway.desk.answer(session, message, who, now_ms()))
                self._reply(pad_wire.OutcomeStored(message.answer_id))

    async def _received(self, seq: int) -> None:
        heard = [card_id for card_id, at in self._ringing.items() if at <= seq]
        if not heard:
            return
        staff_id, desk = self._staff.staff_id, self._gateway.desk
        kept = [card_id for card_id in heard if self._board.get(card_id)]
        await self._gateway.store.write(lambda session: desk.rung(session, kept, staff_id))
        for card_id in heard:
            del self._ringing[card_id]

    async def _portrait(self, card_id: str, customer_id: str) -> None:
        try:
            page = await self._gateway.province.portrait(customer_id, self._staff.staff_id, card_id)
            portrait = pad_wire.Portrait(card_id=card_id, available=True, **msgspec.structs.asdict(page))
        except ProvinceDown as error:
            log.warning("portrait_failed", card_id=card_id, reason=error.message, error_id=error.error_id)
            portrait = pad_wire.Portrait(card_id=card_id, available=False, lines=())
        self._replies.append(portrait)
        self._wake.set()

    async def _beat(self) -> None:
        while True:
            self._reply(pad_wire.Beat(now_ms(), self._gateway.degraded()))
            await asyncio.sleep(pad_wire.BEAT_INTERVAL_S)

    async def _guard(self) -> None:
        """Raise when the token ends or the person's registration changes."""
        while True:
            left_s = self._claims.expires_at_ms / 1000 - time.time()
            if left_s <= 0:
                raise NotAuthenticated("the token has expired; sign in again")
            self._gateway.sessions.current(self._claims)
            with anyio.move_on_after(left_s):
                await self.look_again.wait()
            self.look_again.clear()

    def _reply(self, message: pad_wire.CityToPad) -> None:
        if len(self._replies) >= _WAITING:
            raise TooSlow("the tablet does not keep up; it may connect again and catch up")
        self._replies.append(message)
        self._wake.set()

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return message.get("text") or ""

    async def _send(self, message: msgspec.Struct) -> None:
        try:
            with anyio.fail_after(self._gateway.settings.pad_send_timeout_s):
                await self._socket.send_text(pad_wire.encode(message))
        except TimeoutError:
            raise TooSlow("the tablet does not keep up; it may connect again and catch up") from None
