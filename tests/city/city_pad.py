"""A tablet as the wire sees it."""

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec
from city_sockets import wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from yingbin import pad_wire
from yingbin.ids import new_id

if TYPE_CHECKING:
    from city_house import House

T = TypeVar("T")


class PadClient:
    """A tablet: collects what arrives, in a thread, and says `Received` only when told to."""

    def __init__(self, house: "House", token: str, last_seq: int = 0) -> None:
        self.socket: ClientConnection = connect(f"ws://{house.address}/v1/pad", max_size=None, legacy=True)
        self._inbox: list[pad_wire.CityToPad] = []
        self.send(pad_wire.Hello(token, last_seq))
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for raw in self.socket:
                self._inbox.append(pad_wire.decode_from_city(raw))

    def send(self, message: msgspec.Struct) -> None:
        self.socket.send(pad_wire.encode(message))

    def next(self, kind: type[T], check: Callable[[T], bool] = lambda _: True) -> T:
        """Take the first message of a kind that passes `check`, waiting for it; the others stay."""

        def take() -> T | None:
            found = next((one for one in self._inbox if isinstance(one, kind) and check(one)), None)
            if found is not None:
                self._inbox.remove(found)
            return found

        return wait_for(take)

    def card(self, check: Callable[[pad_wire.CardMessage], bool] = lambda _: True) -> pad_wire.CardMessage:
        """Take the first card that passes `check`; the cards before it are passed over."""
        while True:
            message = self.next(pad_wire.CardMessage)
            if check(message):
                return message

    def quiet(self) -> list[pad_wire.CardMessage]:
        """Take the cards that arrive until the city has answered something asked now."""
        marker = new_id()
        self.send(pad_wire.Acknowledge(marker))
        self.next(pad_wire.PadRefused, lambda refused: refused.about == marker)
        cards = [one for one in self._inbox if isinstance(one, pad_wire.CardMessage)]
        for card in cards:
            self._inbox.remove(card)
        return cards

    def close_code(self) -> int:
        """Wait for the city to hang up."""
        wait_for(lambda: self.socket.close_code)
        return self.socket.close_code or 0

    def close(self) -> None:
        self.socket.close()
