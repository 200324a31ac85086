"""Database work off the event loop: one writer at a time, and a word to the boards once a write is durable."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from anyio import to_thread
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yingbin.storage.database import Database

T = TypeVar("T")
_CHANGED: Final = "yingbin_changed_branches"
_READERS: Final = 4


class Store:
    """Runs units of work in threads. `on_commit` gets each branch whose cards changed, on the loop, once durable."""

    def __init__(self, database: Database, on_commit: Callable[[str], None]) -> None:
        self._database = database
        self._on_commit = on_commit
        self._writer = anyio.CapacityLimiter(1)
        self._readers = anyio.CapacityLimiter(_READERS)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction. Raises `StorageFull` or `Unavailable`; then nothing of it was kept.

        Cancelling the caller does not undo or silence a commit.
        """
        loop = asyncio.get_running_loop()

        def run() -> T:
            try:
                result, changed = self._transact(work)
            except IntegrityError:  # another instance stored the same key first: look again, once
                result, changed = self._transact(work)
            for branch in changed:
                loop.call_soon_threadsafe(self._on_commit, branch)
            return result

        return await to_thread.run_sync(run, limiter=self._writer, abandon_on_cancel=False)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a session for reading."""

        def run() -> T:
            with self._database.read() as session:
                return work(session)

        return await to_thread.run_sync(run, limiter=self._readers, abandon_on_cancel=False)

    def _transact(self, work: Callable[[Session], T]) -> tuple[T, set[str]]:
        with self._database.write() as session:
            result = work(session)
            changed: set[str] = session.info.get(_CHANGED, set())
        return result, changed


def mark_changed(session: Session, branch_id: str) -> None:
    """Note that cards of `branch_id` changed in this transaction."""
    session.info.setdefault(_CHANGED, set()).add(branch_id)
