"""Events the city has not answered yet: a pure, bounded queue in memory (C2: a stranger's vector never touches a disk).

An event leaves when it is answered or refused, when it is older than ten minutes, or when the box is full: then the
oldest look of the oldest track goes first, and is counted.
"""

from dataclasses import dataclass
from typing import Final

from yingbin.wire import FaceEvent

MAX_AGE_S: Final = 600.0
DEFAULT_CAPACITY: Final = 512

Key = tuple[int, int]
"""(track, seq): names an event within one boot of one box."""


@dataclass(slots=True)
class _Waiting:
    event: FaceEvent
    since_s: float
    sent: bool


class Outbox:
    """Send order is admission order; times are monotonic seconds, passed in."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._waiting: dict[Key, _Waiting] = {}
        self.dropped = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: FaceEvent, now_s: float) -> list[FaceEvent]:
        """Admit an event; return those that had to go (too old, or no room)."""
        gone = self.expire(now_s)
        while len(self._waiting) >= self._capacity:
            oldest_track = next(iter(self._waiting))[0]
            first_look = min(key for key in self._waiting if key[0] == oldest_track)
            gone.append(self._waiting.pop(first_look).event)
            self.dropped += 1
        self._waiting[event.track, event.seq] = _Waiting(event, now_s, sent=False)
        return gone

    def take_unsent(self, now_s: float) -> tuple[list[FaceEvent], list[FaceEvent]]:
        """Return (events to send now, in order, marked as sent; events that grew too old)."""
        gone = self.expire(now_s)
        ready = [waiting for waiting in self._waiting.values() if not waiting.sent]
        for waiting in ready:
            waiting.sent = True
        return [waiting.event for waiting in ready], gone

    def connection_lost(self) -> None:
        """Whatever was sent and not answered must be sent again, under the same (boot, track, seq)."""
        for waiting in self._waiting.values():
            waiting.sent = False

    def settle(self, track: int, seq: int) -> FaceEvent | None:
        """Forget and return an answered or refused event. None when it was not waiting (a second answer)."""
        waiting = self._waiting.pop((track, seq), None)
        return waiting.event if waiting else None

    def expire(self, now_s: float) -> list[FaceEvent]:
        """Forget and return events older than `MAX_AGE_S`."""
        old = [key for key, waiting in self._waiting.items() if now_s - waiting.since_s > MAX_AGE_S]
        self.expired += len(old)
        return [self._waiting.pop(key).event for key in old]
