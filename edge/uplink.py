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

from yingbin.errors import NotAuthenticated, YingbinError
from yingbin.log import get_logger
from yingbin.trust.devices import DeviceKey, challenge_text
from yingbin.wire import (
    MAX_BOX_MESSAGE_BYTES,
    BadMessage,
    Challenge,
    CityMessage,
    FaceEvent,
    Proof,
    Refused,
    Welcome,
    decode_from_city,
    encode,
)

_HANDSHAKE_S: Final = 10.0
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
    key: DeviceKey


class Traffic(Protocol):
    """What the uplink carries; all calls come from its event loop."""

    def connected(self, welcome: Welcome) -> None:
        """Accept what the city says; everything unanswered will be asked for again by `outgoing`."""

    def outgoing(self) -> list[msgspec.Struct]:
        """Return what to send now, in order; each message is returned once a connection."""

    def received(self, message: CityMessage) -> None:
        """Handle an answer."""

    def sent_event(self, wire_bytes: int) -> None:
        """Note what one face event cost on the wire, WebSocket header included."""

    def disconnected(self) -> None:
        """Make whatever was sent and not answered ready to be sent again."""


class Uplink:
    """Keeps the connection up until cancelled or refused for good."""

    def __init__(
        self, url: str, credentials: Credentials, traffic: Traffic, *, ca: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._traffic = traffic
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
            challenge = _expect(await _receive(socket), Challenge)
            text = challenge_text(challenge.nonce, challenge.city_id, mine.box_id, mine.boot_id, mine.pack_id)
            await socket.send(encode(Proof(mine.box_id, mine.boot_id, mine.pack_id, mine.key.sign(text))))
            return _expect(await _receive(socket), Welcome)

    async def _exchange(self, socket: ClientConnection) -> None:
        """Send and receive until the connection is lost; the one that fails first ends the other."""
        sender = asyncio.create_task(self._send(socket))
        try:
            while True:
                message = await _receive(socket)
                if isinstance(message, Refused) and message.track < 0:
                    _give_up_or_retry(message)
                self._traffic.received(message)
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await sender

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for message in self._traffic.outgoing():
                raw = encode(message)
                await socket.send(raw)
                if isinstance(message, FaceEvent):
                    self._traffic.sent_event(wire_bytes(len(raw)))


class _TryAgain(YingbinError):
    """The city refused for a reason that may pass."""

    code = "unavailable"


def wire_bytes(payload: int) -> int:
    """Return the size of a client's WebSocket frame around `payload` bytes (RFC 6455, 5.2: header, length, mask)."""
    extended = 0 if payload < 126 else 2 if payload < 65_536 else 8
    return 2 + extended + 4 + payload


async def _receive(socket: ClientConnection) -> CityMessage:
    raw = await socket.recv(decode=False)
    return decode_from_city(raw)


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
