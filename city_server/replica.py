"""The city's replica of the province: follows the feed, stores it sealed, keeps it in memory, survives restarts.

While the city's key is renewed there are two: the one that serves goes on following the feed in the old domain, page by
page with the heir, which is filled in the new one. At the head of the feed the heir takes over as a whole, so probe and
templates are always of one domain, matching never pauses, and no withdrawal waits for the renewal.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio import to_thread
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server.memory import Memory, checksum
from city_server.province import Province, ProvinceDown
from city_server.store import Store
from yingbin.errors import YingbinError
from yingbin.feed_wire import FeedEntry, FeedKind, FeedPage
from yingbin.galleries.gate import Gate
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import FeedPosition, ReplicaRow
from yingbin.trust.seal import Sealer

log = get_logger()
_FIRST_PAUSE_S = 0.2


@dataclass(slots=True)
class _Heir:
    """A replica in the newest domain, on its way to the head of the feed."""

    memory: Memory
    position: int = 0


class Replica:
    """Holds `memory` (replaced whole by a snapshot) and `gate`. `changed` is called on the loop after each page."""

    def __init__(self, store: Store, sealer: Sealer, empty: Callable[[], Memory]) -> None:
        self._store = store
        self._sealer = sealer
        self._empty = empty
        self._position = 0
        self._moved = asyncio.Event()
        self._draft: Memory | None = None
        self._heir: _Heir | None = None
        self.memory = empty()
        self.gate = Gate()
        self.changed: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Read the stored replica into memory."""

        def work(session: Session) -> None:
            position = session.get(FeedPosition, 1)
            if position is None:
                return
            session.execute(delete(ReplicaRow).where(ReplicaRow.key_id != position.key_id))  # of an heir, unfinished
            rows = session.scalars(select(ReplicaRow).order_by(ReplicaRow.revision))
            self.memory.key_id = position.key_id
            self.memory.apply(
                FeedEntry(row.revision, FeedKind(row.kind), row.key, self._sealer.open(row.sealed, _context(row)))
                for row in rows
            )
            self._position = position.up_to
            self.gate.lease_until_ms = position.lease_until_ms

        await self._store.write(work)
        log.info("replica_loaded", up_to=self._position, lease_until_ms=self.gate.lease_until_ms)

    async def follow(self, province: Province, wait_s: int, retry_max_s: float) -> None:
        """Apply the feed for ever; an unreachable province is asked again with growing, jittered pauses."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                # After an outage the head is asked for at once: only an answer shows whether changes wait.
                waiting_s = wait_s if self.gate.connected and self._heir is None else 0
                page = await province.feed(self._position, waiting_s, (self._draft or self.memory).key_id)
                await self.take(page)
                await self._prepare(province, page.newest_key_id)
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
            _check(page, None if page.snapshot else (self._draft or self.memory).key_id)
            await self._store.write(lambda session: self._keep(session, page))
            memory = self._new(page.key_id) if page.snapshot else self._draft or self.memory
            await to_thread.run_sync(memory.apply, page.entries)
        except YingbinError:
            # Whatever went wrong between the disk and memory, a snapshot puts right.
            self.gate.reached(behind=True)
            self._position, self._draft = 0, None
            self._announce()
            raise
        self._position = page.up_to
        at_head = page.up_to >= page.head
        self.gate.applied(page.lease_until_ms, at_head=at_head)
        if memory is not self.memory and not at_head:  # in half a snapshot every box looks revoked: keep it back
            self._draft = memory
            return
        self.memory, self._draft = memory, None
        self._announce()

    async def _prepare(self, province: Province, key_id: str) -> None:
        """Take the heir a page further, if the city's key is being renewed; at the head it takes over."""
        if key_id == self.memory.key_id or self._draft is not None:
            self._heir = None
            return
        if self._heir is None or self._heir.memory.key_id != key_id:
            self._heir = _Heir(self._new(key_id))
            await self._store.write(self._drop_others)
        heir, self._heir = self._heir, None  # dropped, should anything fail
        page = await province.feed(heir.position, 0, key_id)
        _check(page, key_id)
        if page.snapshot != (heir.position == 0):
            raise _PageDamaged("the snapshot for the new key was interrupted; beginning again")
        at_head = page.up_to >= page.head
        await self._store.write(lambda session: self._keep(session, page, serves=at_head))
        await to_thread.run_sync(heir.memory.apply, page.entries)
        heir.position = page.up_to
        if not at_head:
            self._heir = heir
            return
        self.memory, self._position = heir.memory, heir.position
        self.gate.applied(page.lease_until_ms, at_head=True)
        log.info("city_key_renewed", key_id=key_id, up_to=self._position)
        self._announce()
        await self._store.write(self._drop_others)

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

    def _new(self, key_id: str) -> Memory:
        memory = self._empty()
        memory.key_id = key_id
        return memory

    def _keep(self, session: Session, page: FeedPage, *, serves: bool = True) -> None:
        """Store a page; `serves`: from now on, this is what a restart finds."""
        of_domain = ReplicaRow.key_id == page.key_id
        if page.snapshot:
            session.execute(delete(ReplicaRow) if serves else delete(ReplicaRow).where(of_domain))
        for entry in page.entries:
            if entry.payload is None:
                of_entry = (ReplicaRow.kind == entry.kind, ReplicaRow.key == entry.key)
                session.execute(delete(ReplicaRow).where(of_domain, *of_entry))
                continue
            row = ReplicaRow(key_id=page.key_id, kind=entry.kind, key=entry.key, revision=entry.revision)
            row.sealed = self._sealer.seal(entry.payload, _context(row))
            session.merge(row)
        if serves:
            lease_until_ms = page.lease_until_ms if page.up_to >= page.head else 0
            session.merge(FeedPosition(id=1, key_id=page.key_id, up_to=page.up_to, lease_until_ms=lease_until_ms))

    def _drop_others(self, session: Session) -> None:
        """Delete what is of another domain than the one that serves."""
        session.execute(delete(ReplicaRow).where(ReplicaRow.key_id != self.memory.key_id))


class _PageDamaged(YingbinError):
    """A feed page is not what the province sent."""

    code = "feed_damaged"


def _check(page: FeedPage, key_id: str | None) -> None:
    """Raise `_PageDamaged` unless a page is what the province sent, and of the domain `key_id`, when that is known."""
    if checksum(page.entries) != page.checksum:
        raise _PageDamaged(f"feed page up to {page.up_to} does not have its checksum; asking for a snapshot")
    if key_id not in {None, page.key_id}:
        raise _PageDamaged(f"feed page up to {page.up_to} is of another domain; asking for a snapshot")


def _context(row: ReplicaRow) -> str:
    return f"replica/{row.key_id}/{row.kind}/{row.key}"
