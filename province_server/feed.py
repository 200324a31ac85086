"""The feed's log: what changed for which city, in an order every reader sees alike, and who waits for it.

A row names a thing, not its content: the content is read with the page, so a later change supersedes an earlier one and
one row a thing is enough.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.storage.province import City, FeedRow


def publish(session: Session, city_id: str, kind: FeedKind, key: str) -> None:
    """Record that (kind, key) changed for a city, in the caller's transaction."""
    publish_all(session, city_id, [(kind, key)])


def publish_all(session: Session, city_id: str, things: Sequence[tuple[FeedKind, str]]) -> None:
    """Record that things, each (kind, key) and none twice, changed for a city, in the caller's transaction.

    Taking the revisions locks the city's row until commit: they become visible in order, and none is skipped.
    """
    last = session.scalars(
        update(City)
        .where(City.city_id == city_id)
        .values(feed_revision=City.feed_revision + len(things))
        .returning(City.feed_revision)
        .execution_options(synchronize_session=False)
    ).one()
    for changed in {kind for kind, _ in things}:
        keys = [key for kind, key in things if kind is changed]
        session.execute(
            delete(FeedRow)
            .where(FeedRow.city_id == city_id, FeedRow.kind == changed, FeedRow.key.in_(keys))
            .execution_options(synchronize_session=False)
        )
    first = last - len(things) + 1
    rows = [
        {"city_id": city_id, "revision": revision, "kind": kind, "key": key}
        for revision, (kind, key) in enumerate(things, first)
    ]
    session.execute(insert(FeedRow), rows)


def changes(session: Session, city_id: str, after: int, limit: int) -> tuple[list[FeedRow], int, bool]:
    """Return rows after a revision in order, the head, and whether this begins a snapshot.

    A city that is ahead of the head (this province was restored from a backup) starts again with a snapshot.
    """
    head = session.scalars(select(City.feed_revision).where(City.city_id == city_id)).one()
    start = after if 0 < after <= head else 0
    rows = session.scalars(
        select(FeedRow)
        .where(FeedRow.city_id == city_id, FeedRow.revision > start, FeedRow.revision <= head)
        .order_by(FeedRow.revision)
        .limit(limit)
    ).all()
    return list(rows), head, start == 0


class Notifier:
    """Wakes the feed requests that wait for a city. `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._asked_at_ms: dict[str, int] = {}
        self.closed = False

    @contextmanager
    def watch(self, city_id: str) -> Iterator[asyncio.Event]:
        """Return an event that is set by the next `wake`; enter before reading, so that no change is missed."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._asked_at_ms[city_id] = now_ms()
            self._waiting.setdefault(city_id, set()).add(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting[city_id].discard(entry)

    def asked_at_ms(self, city_id: str) -> int | None:
        """Return when a city last asked for its feed, None when it has not since this process began."""
        return self._asked_at_ms.get(city_id)

    def wake(self, city_id: str) -> None:
        """Say that something was committed for a city."""
        with self._lock:
            for loop, event in self._waiting.get(city_id, ()):
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Send everybody home: the server stops."""
        self.closed = True
        for city_id in list(self._waiting):
            self.wake(city_id)
