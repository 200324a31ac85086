"""Hands what one thread makes to one consumer: the newest only, or one at a time."""

import threading
from typing import Generic, TypeVar

from edge.source_errors import SourceError, SourceStopped

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Keeps one item, the newest or (`newest_only` false: the producer waits) the next."""

    def __init__(self, *, newest_only: bool) -> None:
        self._newest_only = newest_only
        self._changed = threading.Condition()
        self._item: T | None = None
        self._finished = self._abandoned = False
        self._error: SourceError | None = None

    def put(self, item: T) -> bool:
        """Offer an item; False when nobody wants any more."""
        with self._changed:
            if not self._newest_only:
                self._changed.wait_for(lambda: self._item is None or self._abandoned)
            self._item = item
            self._changed.notify_all()
            return not self._abandoned

    def finish(self, error: SourceError | None) -> None:
        """Say, as the producer, that nothing more comes, and why."""
        with self._changed:
            self._finished, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say, from any thread, that nothing more is wanted."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> T | None:
        """Return the next item, None at the end. Raises the producer's error, or `SourceStopped` after `timeout_s`."""
        with self._changed:
            if not self._changed.wait_for(self._ready, timeout_s):
                raise SourceStopped(f"no frame for {timeout_s:g} s")
            if self._abandoned:
                return None
            item, self._item = self._item, None
            self._changed.notify_all()
            if item is None and self._error is not None:
                raise self._error
            return item

    def _ready(self) -> bool:
        return self._item is not None or self._finished or self._abandoned
