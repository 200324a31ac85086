"""May the replica be searched now? Pure; time is passed in (DESIGN 7, C5).

- The lease: the province says until when the replica may be used without word from it; after that nothing is matched.
- The head: whoever reaches the province must first apply everything up to its head, since a withdrawal may be in it.
- A city that starts while the province cannot be reached goes on with its stored replica as long as the lease runs;
  until the first attempt has shown which of the two it is, it does not search. Half a snapshot has no lease.
"""

from enum import Enum


class _State(Enum):
    UNKNOWN = "unknown"
    BEHIND = "behind"
    CURRENT = "current"


class Gate:
    """State of the replica: whether the province answers, the lease, and whether changes are known to wait."""

    def __init__(self) -> None:
        self.lease_until_ms = 0
        self.connected = False
        self._state = _State.UNKNOWN

    def reached(self, *, behind: bool) -> None:
        """Note that the province answered; `behind`: there are changes that are not applied yet."""
        self.connected = True
        if behind:
            self._state = _State.BEHIND

    def applied(self, lease_until_ms: int, *, at_head: bool) -> None:
        """Note that a page was stored and is in memory."""
        self.lease_until_ms = lease_until_ms
        self._state = _State.CURRENT if at_head else _State.BEHIND

    def lost(self) -> None:
        """Note that the province did not answer; what is held serves until the lease ends, unless changes are known."""
        self.connected = False
        if self._state is _State.UNKNOWN:
            self._state = _State.CURRENT

    def is_open(self, now_ms: int) -> bool:
        """Return whether to search now."""
        return self._state is _State.CURRENT and now_ms < self.lease_until_ms

    def is_shut(self, now_ms: int) -> bool:
        """Return whether waiting will not help: the lease has ended and the province does not renew it."""
        return self._state is _State.CURRENT and now_ms >= self.lease_until_ms
