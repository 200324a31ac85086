"""The city's replica of the province: follows the feed, stores it sealed, keeps it in memory, survives restarts."""

import asyncio
import random
from collections.abc import Callable

import anyio
from anyio import to_thread
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server.gate import Gate
from city_server.memory import Memory, checksum
from city_server.province import Province, ProvinceDown
from city_server.store import Store
from yingbin.errors import YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import FeedPosition, ReplicaRow
from yingbin.trust.seal import Sealer
from yingbin.wire import FeedEntry, FeedKind, FeedPage

log = get_logger()
_FIRST_PAUSE_S = 0.2


class Replica:
    """Holds `memory` (replaced whole by a snapshot) and `gate`. `changed` is called on the loop after each page."""

    def __init__(self, store: Store, sealer: Sealer, empty: Callable[[], Memory]) -> None:
        self._store = store
        self._sealer = sealer
        self._empty = empty
        self._position = 0
        self._moved = asyncio.Event()
        self._draft: Memory | None = None
        self.memory = empty()
        self.gate = Gate()
        self.changed: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Read the stored replica into memory."""

        def work(session: Session) -> None:
            position = session.get(FeedPosition, 1)
            if position is None:
                return
            rows = session.scalars(select(ReplicaRow).order_by(ReplicaRow.revision))
            self.memory.apply(
                FeedEntry(row.revision, FeedKind(row.kind), row.key, self._sealer.open(row.sealed, _context(row)))
                for row in rows
            )
            self._position = position.up_to
            self.gate.lease_until_ms = position.lease_until_ms

        await self._store.read(work)
        log.info("replica_loaded", up_to=self._position, lease_until_ms=self.gate.lease_until_ms)

    async def follow(self, province: Province, wait_s: int, retry_max_s: float) -> None:
        """Apply the feed for ever; an unreachable province is asked again with growing, jittered pauses."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                # After an outage the head is asked for at once: only an answer shows whether changes wait.
                page = await province.feed(self._position, wait_s if self.gate.connected else 0)
                await self.take(page)
            except YingbinError as error:
                if isinstance(error, ProvinceDown):
                    self.gate.lost()
                    self._announce()
                log.warning("feed_failed", code=error.code, reason=error.message, error_id=error.error_id)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
                pause_s = min(pause_s * 2, retry_max_s)
            else:
                pause_s = _FIRST_PAUSE_S
                if page.snapshot and page.head == 0:  # an empty province answers at once, whatever we are ready to wait
                    await asyncio.sleep(pause_s)

    async def take(self, page: FeedPage) -> None:
        """Check a page, store it in one transaction, then apply it. A damaged page is dropped for a snapshot."""
        self.gate.reached(behind=bool(page.entries) or page.snapshot or page.up_to < page.head)
        try:
            if checksum(page.entries) != page.checksum:
                raise _PageDamaged(f"feed page up to {page.up_to} does not have its checksum; asking for a snapshot")
            await self._store.write(lambda session: self._keep(session, page))
            memory = self._empty() if page.snapshot else self._draft or self.memory
            await to_thread.run_sync(memory.apply, page.entries)
        except YingbinError:
            # Whatever went wrong between the disk and memory, a snapshot puts right.
            self.gate.reached(behind=True)
            self._position, self._draft = 0, None
            raise
        self._position = page.up_to
        at_head = page.up_to >= page.head
        self.gate.applied(page.lease_until_ms, at_head=at_head)
        if memory is not self.memory and not at_head:  # in half a snapshot every box looks revoked: keep it back
            self._draft = memory
            return
        self.memory, self._draft = memory, None
        self._announce()

    async def searchable(self, wait_s: float) -> bool:
        """Return whether matching is allowed, waiting up to `wait_s` while the head is being applied."""
        with anyio.move_on_after(wait_s):
            while not self.gate.is_open(now_ms()) and not self.gate.is_shut(now_ms()):
                self._moved.clear()
                await self._moved.wait()
        return self.gate.is_open(now_ms())

    def _announce(self) -> None:
        self._moved.set()
        self.changed()

    def _keep(self, session: Session, page: FeedPage) -> None:
        if page.snapshot:
            session.execute(delete(ReplicaRow))
        for entry in page.entries:
            if entry.payload is None:
                session.execute(delete(ReplicaRow).where(ReplicaRow.kind == entry.kind, ReplicaRow.key == entry.key))
                continue
            row = ReplicaRow(kind=entry.kind, key=entry.key, revision=entry.revision)
            row.sealed = self._sealer.seal(entry.payload, _context(row))
            session.merge(row)
        lease_until_ms = page.lease_until_ms if page.up_to >= page.head else 0
        session.merge(FeedPosition(id=1, up_to=page.up_to, lease_until_ms=lease_until_ms))


class _PageDamaged(YingbinError):
    """A feed page is not what the province sent."""

    code = "feed_damaged"


def _context(row: ReplicaRow) -> str:
    return f"replica/{row.kind}/{row.key}"
