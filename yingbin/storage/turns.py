"""A lock that is handed on in the order of asking."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from yingbin.errors import Unavailable


class Turns:
    """Lets one thread at a time through, first come, first served; not reentrant.

    SQLite lets one write at a time and keeps no queue: who waits looks again after pauses of up to 0.1 s, and whoever
    writes one thing after the other is nearly always there before him.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self, patience_s: float) -> Iterator[None]:
        """Wait for one's turn and keep it for the context. Raises `Unavailable` after `patience_s`."""
        self._take(patience_s)
        try:
            yield
        finally:
            self._hand_on()

    def _take(self, patience_s: float) -> None:
        mine = threading.Lock()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=patience_s):
            return
        with self._guard:
            if mine in self._waiting:  # otherwise it came in the very last moment
                self._waiting.remove(mine)
                raise Unavailable("others have been writing to the database for too long; try again")

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
