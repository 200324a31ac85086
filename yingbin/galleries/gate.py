"""May a copy of galleries be searched now? Pure; time is passed in (DESIGN 7, C5).

For a city's replica of the province, and for a box's branch gallery of the city: "above" is whom it was copied from.

- The lease: the tier above says until when the copy may be used without word from it; after that nothing is matched.
- The head: whoever reaches the tier above must first apply everything up to its head, since a withdrawal may be in it.
- A copy that was kept over a restart while the tier above cannot be reached serves as long as the lease runs; until
  the first attempt has shown which of the two it is, it is not searched. Half a snapshot has no lease.
"""

from enum import Enum


class _State(Enum):
    UNKNOWN = "unknown"
    BEHIND = "behind"
    CURRENT = "current"


class Gate:
    """State of the copy: whether the tier above answers, the lease, and whether changes are known to wait."""

    def __init__(self) -> None:
        self.lease_until_ms = 0
        self.connected = False
        self._state = _State.UNKNOWN

    def reached(self, *, behind: bool) -> None:
        """Note that the tier above answered; `behind`: there are changes that are not applied yet."""
        self.connected = True
        if behind:
            self._state = _State.BEHIND

    def applied(self, lease_until_ms: int, *, at_head: bool) -> None:
        """Note that a page was stored and is in memory."""
        self.lease_until_ms = lease_until_ms
        self._state = _State.CURRENT if at_head else _State.BEHIND

    def lost(self) -> None:
        """Note that the line up is down; what is held serves until the lease ends, unless changes are known."""
        self.connected = False
        if self._state is _State.UNKNOWN:
            self._state = _State.CURRENT

    def is_open(self, now_ms: int) -> bool:
        """Return whether to search now."""
        return self._state is _State.CURRENT and now_ms < self.lease_until_ms

    def is_shut(self, now_ms: int) -> bool:
        """Return whether waiting will not help: the lease has ended and nobody renews it."""
        return self._state is _State.CURRENT and now_ms >= self.lease_until_ms
