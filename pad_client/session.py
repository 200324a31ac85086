"""One tablet's side of the line, pure: messages in; what to show and what to answer out. No socket, no clock."""

from dataclasses import dataclass, field

import msgspec

from yingbin.errors import NotAuthenticated
from yingbin.pad_wire import (
    Acknowledge,
    CardMessage,
    CityToPad,
    Hello,
    PadMessage,
    PadRefused,
    Received,
    Welcome,
)

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0


class TokenExpired(NotAuthenticated):
    """The city no longer accepts this token; sign in again for a new one."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one message leads to. `show` is None for a repeat; `restart` asks for a new connection that replays all."""

    show: CityToPad | None
    replies: tuple[PadMessage, ...] = ()
    ring: bool = False
    restart: bool = False


@dataclass(slots=True)
class Session:
    """Remembers what was seen over reconnects: the last `seq`, the `seq` of every card, and who rang."""

    token: str = field(repr=False)
    acknowledge: bool = False
    last_seq: int = 0
    _seq_of_card: dict[str, int] = field(default_factory=dict)
    _rung: set[str] = field(default_factory=set)
    _failures: int = 0

    def hello(self) -> Hello:
        """Return the first message of a connection."""
        return Hello(token=self.token, last_seq=self.last_seq)

    def receive(self, message: CityToPad) -> Step:
        """Take in one message. Raises `TokenExpired` when the city wants a new token."""
        match message:
            case Welcome():
                return self._welcomed(message)
            case CardMessage():
                return self._card(message)
            case PadRefused(code=NotAuthenticated.code):
                raise TokenExpired(
                    f"{message.message} Sign in again for a new token (city's error id {message.error_id})."
                )
            case _:
                return Step(show=message)

    def delay_s(self, random: float) -> float:
        """Return the seconds to wait before the next attempt, given `random` in [0, 1).

        Doubles from 0.5 s to 10 s, less up to half of it so that tablets do not return all at once.
        Counts one failure; a `Welcome` starts again at half a second.
        """
        ceiling = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return ceiling * (0.5 + random / 2)

    def _welcomed(self, message: Welcome) -> Step:
        self._failures = 0
        if message.head_seq >= self.last_seq:
            return Step(show=message)
        # The city lost or replaced its database: what we hold is not its state, so ask for everything.
        self.last_seq = 0
        self._seq_of_card.clear()
        return Step(show=None, restart=True)

    def _card(self, message: CardMessage) -> Step:
        self.last_seq = max(self.last_seq, message.seq)
        received = Received(seq=message.seq)
        card = message.card
        if self._seq_of_card.get(card.card_id, -1) >= message.seq:
            return Step(show=None, replies=(received,))
        self._seq_of_card[card.card_id] = message.seq
        ring = message.ring and card.card_id not in self._rung
        if ring:
            self._rung.add(card.card_id)
        take = self.acknowledge and card.state == "open"
        replies: tuple[PadMessage, ...] = (received, Acknowledge(card_id=card.card_id)) if take else (received,)
        return Step(show=msgspec.structs.replace(message, ring=ring), replies=replies, ring=ring)
