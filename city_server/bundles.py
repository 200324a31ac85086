"""Which bundle each box connected with last and until when its line lived, until the province knows both.

The first shows who may finish a box's renewal when, the second which box is gone.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from yingbin.ids import now_ms
from yingbin.report_wire import BundleInUse

SEEN_EVERY_MS: Final = 5 * 60_000
"""How often the province hears of a box that stays connected; the line's own pings end a dead one in 20 s."""


class Bundles:
    """In memory: after a restart of the city every box connects again."""

    def __init__(self) -> None:
        self._online: dict[str, BundleInUse] = {}
        self._untold: dict[str, BundleInUse] = {}

    def connected(self, box_id: str, key_id: str) -> None:
        """Note a connection."""
        at_ms = now_ms()
        self._online[box_id] = self._untold[box_id] = BundleInUse(box_id, key_id, at_ms, at_ms)

    def lost(self, box_id: str) -> None:
        """Note that a box's line has ended."""
        one = self._online.pop(box_id, None)
        if one is not None:
            self._untold[box_id] = msgspec.structs.replace(one, seen_at_ms=now_ms())

    def untold(self) -> list[BundleInUse]:
        """Return what the province does not know yet."""
        at_ms = now_ms()
        for box_id, one in self._online.items():
            if at_ms - one.seen_at_ms >= SEEN_EVERY_MS:
                self._online[box_id] = self._untold[box_id] = msgspec.structs.replace(one, seen_at_ms=at_ms)
        return list(self._untold.values())

    def told(self, bundles: Sequence[BundleInUse]) -> None:
        """Note that the province has these; a later connection of the same box still waits."""
        for one in bundles:
            if self._untold.get(one.box_id) == one:
                del self._untold[one.box_id]
