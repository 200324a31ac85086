"""Looks the city has not answered yet: a pure, bounded queue (C2). What keeps it over a crash is `edge.outbox_store`.

A look leaves when it is answered or refused, when it is older than ten minutes, or when the box is full: then the
oldest further look goes first - the city has heard of that person - and only then the oldest first look; all are
counted. A few looks only are under way at a time, so that a backlog does not run into the city's limits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from yingbin.wire import FaceEvent, FaceLook

MAX_AGE_S: Final = 600.0
DEFAULT_CAPACITY: Final = 2048
WINDOW: Final = 32
"""Looks under way at a time."""
PAUSE_S: Final = (0.5, 8.0)
"""How long nothing is sent after the city said "not now": doubling, until it answers again."""

Key = tuple[str, int, int]
"""(boot, track, seq) of a look; the boot is empty for this one."""


def key_of(look: FaceLook) -> Key:
    """Return the name of a look within its box."""
    return look.boot_id, look.track, look.seq


@dataclass(frozen=True, slots=True)
class Kept:
    """A look and when it was admitted, monotonic seconds."""

    look: FaceLook
    since_s: float


class Outbox:
    """Send order is admission order; times are monotonic seconds, passed in."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._waiting: dict[Key, Kept] = {}
        self._unsent: dict[Key, None] = {}
        self._pause_s = PAUSE_S[0]
        self._silent_until_s = float("-inf")
        self.dropped = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, look: FaceLook, now_s: float) -> list[FaceLook]:
        """Admit a look; return those that had to go (too old, or no room)."""
        return self.restore(Kept(look, now_s), now_s)

    def restore(self, kept: Kept, now_s: float) -> list[FaceLook]:
        """Admit a look that was admitted before; call in the order of `since_s`, before any `add`."""
        gone = self.expire(now_s)
        while len(self._waiting) >= self._capacity:
            gone.append(self._forget(next((key for key in self._waiting if key[2] > 0), next(iter(self._waiting)))))
            self.dropped += 1
        self._waiting[key_of(kept.look)] = kept
        self._unsent[key_of(kept.look)] = None
        return gone

    def take_unsent(self, now_s: float) -> tuple[list[FaceLook], list[FaceLook]]:
        """Return (looks to send now, in order, now under way; looks that grew too old)."""
        gone = self.expire(now_s)
        if now_s < self._silent_until_s:
            return [], gone
        room = WINDOW - (len(self._waiting) - len(self._unsent))
        ready = [key for key, _ in zip(self._unsent, range(room), strict=False)]
        for key in ready:
            del self._unsent[key]
        return [self._waiting[key].look for key in ready], gone

    def connection_lost(self) -> None:
        """Whatever was sent and not answered must be sent again, under the same name."""
        self._unsent = dict.fromkeys(self._waiting)
        self._silent_until_s = float("-inf")

    def settle(self, key: Key) -> FaceLook | None:
        """Forget and return an answered or refused look. None when it was not waiting (a second answer)."""
        self._pause_s = PAUSE_S[0]
        return self._forget(key) if key in self._waiting else None

    def postpone(self, key: Key, now_s: float) -> None:
        """Note that the city cannot answer this look now: it keeps its place, and everything waits a little."""
        if key not in self._waiting:
            return
        under_way = (self._waiting.keys() - self._unsent.keys()) - {key}
        self._unsent = {waiting: None for waiting in self._waiting if waiting not in under_way}
        if now_s >= self._silent_until_s:  # several refusals of one window are one "not now"
            self._silent_until_s = now_s + self._pause_s
            self._pause_s = min(self._pause_s * 2, PAUSE_S[1])

    def withhold(self, camera_ids: Collection[str]) -> list[FaceLook]:
        """Forget and return looks with a vector of cameras that, as the city says by now, may send none."""
        waiting = self._waiting.items()
        barred = [
            key for key, kept in waiting if isinstance(kept.look, FaceEvent) and kept.look.camera_id in camera_ids
        ]
        return [self._forget(key) for key in barred]

    def expire(self, now_s: float) -> list[FaceLook]:
        """Forget and return looks older than `MAX_AGE_S`."""
        gone = []
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            if now_s - oldest.since_s <= MAX_AGE_S:
                break
            gone.append(self._forget(key))
            self.expired += 1
        return gone

    def _forget(self, key: Key) -> FaceLook:
        self._unsent.pop(key, None)
        return self._waiting.pop(key).look
