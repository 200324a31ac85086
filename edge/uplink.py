"""The box's one WebSocket to its city: prove the key, send what waits, hear the answers, come back after every loss."""

import asyncio
import contextlib
import random
import ssl
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from edge.clock import ASK_EVERY_S, CityClock, box_now_ms
from yingbin.errors import NotAuthenticated, YingbinError
from yingbin.log import get_logger
from yingbin.trust.devices import DeviceKey, challenge_text
from yingbin.wire import (
    MAX_BOX_MESSAGE_BYTES,
    BadMessage,
    Challenge,
    CityMessage,
    ClockAsk,
    ClockTell,
    Proof,
    Refused,
    Welcome,
    decode_from_city,
    encode,
)

_HANDSHAKE_S: Final = 10.0
_TICK_S: Final = 0.25
_BACK_OFF_S: Final = (0.5, 30.0)
_FOR_GOOD: Final = frozenset({"not_authenticated", "box_revoked", "wrong_pack"})
"""Refusals that trying again cannot cure."""

log = get_logger()


class BoxRefused(NotAuthenticated):
    """The city refuses this box for good: unknown or revoked key, or the wrong model pack."""

    code = "box_refused"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `Proof` states and signs."""

    box_id: str
    boot_id: str
    pack_id: str
    key_id: str
    key: DeviceKey


class Traffic(Protocol):
    """What the uplink carries; all calls come from its event loop."""

    def connected(self, welcome: Welcome) -> None:
        """Accept what the city says; everything unanswered will be asked for again by `outgoing`."""

    def outgoing(self) -> list[msgspec.Struct]:
        """Return what to send now, in order; each message is returned once a connection."""

    def received(self, message: CityMessage) -> None:
        """Handle an answer."""

    def sent(self, message: msgspec.Struct, wire_bytes: int) -> None:
        """Note what a message to the city cost on the wire, WebSocket header included."""

    def heard(self, message: CityMessage, wire_bytes: int) -> None:
        """Note what a message of the city cost on the wire, WebSocket header included."""

    def disconnected(self) -> None:
        """Make whatever was sent and not answered ready to be sent again."""


class Uplink:
    """Keeps the connection up until cancelled or refused for good."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        traffic: Traffic,
        clock: CityClock,
        *,
        ca: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._traffic = traffic
        self._clock = clock
        self._asked_ms: int | None = None
        self._ca = ca
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something to send. Call from the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Connect again and again, with jittered back-off. Raises `BoxRefused`; otherwise ends only by cancellation."""
        failures = 0
        while True:
            try:
                await self._session()
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, BadMessage, _TryAgain) as error:
                log.warning("uplink_down", reason=type(error).__name__, detail=_detail(error))
                was_up = isinstance(error, ConnectionClosed | BadMessage)
                failures = 0 if was_up else failures + 1
            ceiling = min(_BACK_OFF_S[0] * 2.0**failures, _BACK_OFF_S[1])
            await asyncio.sleep(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing

    async def _session(self) -> None:
        # No compression: vectors do not compress, and byte counts stay exact.
        async with connect(
            self._url,
            ssl=self._ca,
            compression=None,
            max_size=MAX_BOX_MESSAGE_BYTES,
            open_timeout=_HANDSHAKE_S,
        ) as socket:
            self._traffic.connected(await self._prove(socket))
            self._wake.set()
            log.info("uplink_up", box_id=self._credentials.box_id)
            try:
                await self._exchange(socket)
            finally:
                self._traffic.disconnected()

    async def _prove(self, socket: ClientConnection) -> Welcome:
        mine = self._credentials
        async with asyncio.timeout(_HANDSHAKE_S):
            challenge = _expect(await self._receive(socket), Challenge)
            stated = (mine.box_id, mine.boot_id, mine.pack_id, mine.key_id)
            text = challenge_text(challenge.nonce, challenge.city_id, *stated)
            asked_ms = box_now_ms()
            await self._transmit(socket, Proof(*stated, mine.key.sign(text)))
            welcome = _expect(await self._receive(socket), Welcome)
            self._clock.measured(asked_ms, welcome.city_time_ms, box_now_ms())
            return welcome

    async def _exchange(self, socket: ClientConnection) -> None:
        """Send and receive until the connection is lost; the one that fails first ends the other."""
        self._asked_ms = None
        sender = asyncio.create_task(self._send(socket))
        try:
            while True:
                message = await self._receive(socket)
                if isinstance(message, Refused) and message.track < 0:
                    _give_up_or_retry(message)
                if isinstance(message, ClockTell):
                    self._told(message)
                else:
                    self._traffic.received(message)
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await sender

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            if self._asked_ms is None or box_now_ms() - self._asked_ms >= ASK_EVERY_S * 1000:
                self._asked_ms = box_now_ms()
                await self._transmit(socket, ClockAsk(self._asked_ms))
            with contextlib.suppress(TimeoutError):  # what was put off comes due without anybody waking us
                async with asyncio.timeout(_TICK_S):  # `wait_for` may swallow the cancellation at a lost line
                    await self._wake.wait()
            self._wake.clear()
            for message in self._traffic.outgoing():
                await self._transmit(socket, message)

    def _told(self, answer: ClockTell) -> None:
        if answer.number == self._asked_ms:
            self._clock.measured(self._asked_ms, answer.city_time_ms, box_now_ms())

    async def _transmit(self, socket: ClientConnection, message: msgspec.Struct) -> None:
        raw = encode(message)
        await socket.send(raw)
        self._traffic.sent(message, wire_bytes(len(raw), masked=True))

    async def _receive(self, socket: ClientConnection) -> CityMessage:
        raw = await socket.recv(decode=False)
        message = decode_from_city(raw)
        self._traffic.heard(message, wire_bytes(len(raw), masked=False))
        return message


class _TryAgain(YingbinError):
    """The city refused for a reason that may pass."""

    code = "unavailable"


def wire_bytes(payload: int, *, masked: bool) -> int:
    """Return the size of a WebSocket frame around `payload` bytes; a client's is masked (RFC 6455, 5.2)."""
    extended = 0 if payload < 126 else 2 if payload < 65_536 else 8
    return 2 + extended + (4 if masked else 0) + payload


M = TypeVar("M", Challenge, Welcome)


def _expect(message: CityMessage, kind: type[M]) -> M:
    if isinstance(message, Refused):
        _give_up_or_retry(message)
    if not isinstance(message, kind):
        raise BadMessage(f"the city sent {type(message).__name__} where {kind.__name__} was due")
    return message


def _give_up_or_retry(refused: Refused) -> None:
    if refused.code in _FOR_GOOD:
        raise BoxRefused(
            f"the city refuses this box ({refused.code}): {refused.message} [city error {refused.error_id}]"
        )
    raise _TryAgain(f"{refused.code}: {refused.message}")


def _detail(error: Exception) -> str:
    return error.message if isinstance(error, YingbinError) else str(error)
