"""The city's replica of the province: follows the feed, keeps it in memory and in its folder, survives restarts.

A page is in memory before it is on the disk, and the feed goes on from what is on the disk: a withdrawal is effective
whether or not there is room for it, and what was not kept is asked for again.

While the city's key is renewed there are two: the one that serves goes on following the feed in the old domain, page by
page with the heir, which is filled in the new one, in memory alone. At the head of the feed the heir takes over as a
whole, so probe and templates are always of one domain, matching never pauses, and no withdrawal waits for the renewal.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio
from anyio import to_thread
from sqlalchemy.orm import Session

from city_server.memory import Memory, checksum
from city_server.province import Province, ProvinceDown
from city_server.replica_folder import Position, ReplicaFolder
from city_server.store import Store
from yingbin.errors import YingbinError
from yingbin.feed_wire import FeedEntry, FeedPage
from yingbin.galleries.gate import Gate
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import FeedPosition

log = get_logger()
_FIRST_PAUSE_S: Final = 0.2


@dataclass(slots=True)
class _Heir:
    """A replica in the newest domain, on its way to the head of the feed."""

    memory: Memory
    position: int = 0


class Replica:
    """Holds `memory` (replaced whole by a snapshot) and `gate`. `changed` is called on the loop after each page."""

    def __init__(self, folder: ReplicaFolder, store: Store, empty: Callable[[str], Memory]) -> None:
        self._folder = folder
        self._store = store
        self._empty = empty
        self._position = folder.position.up_to
        self._moved = asyncio.Event()
        self._changing = asyncio.Lock()  # held while `memory` changes or is written out
        self._draft: Memory | None = None
        self._heir: _Heir | None = None
        self.memory = folder.memory
        self.gate = Gate()
        self.changed: Callable[[], None] = lambda: None
        self.before_page: Callable[[Sequence[FeedEntry]], Awaitable[None]] = _nothing
        """Awaited with the entries of each page that is in memory, before it is kept."""

    async def load(self) -> None:
        """Take over the lease, unless the folder is an old copy: in what it lacks there may be a withdrawal (C5)."""
        held = self._folder.position
        known = await self._store.read(_known)
        if known is not None and known[0] == held.key_id and known[1] <= held.up_to:
            self.gate.lease_until_ms = held.lease_until_ms
        elif held.up_to:
            log.warning("replica_is_an_old_copy", up_to=held.up_to)
        log.info("replica_loaded", up_to=held.up_to, lease_until_ms=self.gate.lease_until_ms)

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
        """Check a page, apply it, then keep it. A damaged page is dropped for a snapshot.

        Raises `StorageFull` or `Unavailable` for one that is applied and could not be kept: it will come again.
        """
        self.gate.reached(behind=bool(page.entries) or page.snapshot or page.up_to < page.head)
        async with self._changing:
            try:
                _check(page, None if page.snapshot else (self._draft or self.memory).key_id)
                memory = self._empty(page.key_id) if page.snapshot else self._draft or self.memory
                await to_thread.run_sync(memory.apply, page.entries)
            except YingbinError:  # whatever is wrong with it, or with memory now, a snapshot puts right
                self.gate.reached(behind=True)
                self._position, self._draft = 0, None
                self._announce()
                raise
            whole, at_head = memory is not self.memory, page.up_to >= page.head
            self.gate.applied(page.lease_until_ms, at_head=at_head)
            if whole and not at_head:  # in half a snapshot every box looks revoked: keep it back
                self._draft = memory
            else:
                self.memory, self._draft = memory, None
                self._announce()
            await self._keep(page, whole=whole)
            self._position = page.up_to
            if whole and at_head:
                await self._seal(Position.after(page), new_epoch=True)

    async def reseal(self, epoch_ms: int) -> None:
        """Give the folder a new key when it has one for `epoch_ms`, and a snapshot when its journal is long (C5).

        Raises `StorageFull` or `Unavailable`.
        """
        async with self._changing:
            old = self._folder.is_old(epoch_ms)
            position = self._folder.position
            if (position.key_id, position.up_to) != (self.memory.key_id, self._position):
                return  # in the middle of a snapshot, whose end is sealed anyhow
            if old or self._folder.is_long:
                await self._seal(position, new_epoch=old)

    async def _keep(self, page: FeedPage, *, whole: bool) -> None:
        try:
            await self.before_page(page.entries)
            before = self._folder.position
            await to_thread.run_sync(self._folder.keep, page)
            await self._note(before)
        except YingbinError:
            if whole:  # the folder holds what was before this snapshot, so only another can follow there
                self._position, self._draft = 0, None
            raise

    async def _seal(self, position: Position, *, new_epoch: bool) -> None:
        before = self._folder.position
        await to_thread.run_sync(partial(self._folder.seal, self.memory, position, new_epoch=new_epoch))
        await self._note(before)

    async def _note(self, before: Position) -> None:
        """Write down elsewhere how far the folder is now."""
        now = self._folder.position
        if (now.key_id, now.up_to) != (before.key_id, before.up_to):
            row = FeedPosition(id=1, key_id=now.key_id, up_to=now.up_to)
            await self._store.write(lambda session: session.merge(row))

    async def _prepare(self, province: Province, key_id: str) -> None:
        """Take the heir a page further, if the city's key is being renewed; at the head it takes over."""
        if key_id == self.memory.key_id or self._draft is not None:
            self._heir = None
            return
        if self._heir is None or self._heir.memory.key_id != key_id:
            self._heir = _Heir(self._empty(key_id))
        heir, self._heir = self._heir, None  # dropped, should anything fail
        page = await province.feed(heir.position, 0, key_id)
        _check(page, key_id)
        if page.snapshot != (heir.position == 0):
            raise _PageDamaged("the snapshot for the new key was interrupted; beginning again")
        await to_thread.run_sync(heir.memory.apply, page.entries)
        heir.position = page.up_to
        if page.up_to < page.head:
            self._heir = heir
            return
        async with self._changing:
            self.memory, self._position = heir.memory, heir.position
            self.gate.applied(page.lease_until_ms, at_head=True)
            log.info("city_key_renewed", key_id=key_id, up_to=self._position)
            self._announce()
            try:
                await self._seal(Position.after(page), new_epoch=True)
            except YingbinError:
                self._position = 0  # the folder is still of the old domain: only a snapshot can follow there
                raise

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


def _known(session: Session) -> tuple[str, int] | None:
    row = session.get(FeedPosition, 1)
    return (row.key_id, row.up_to) if row else None


async def _nothing(_: Sequence[FeedEntry]) -> None:
    pass


class _PageDamaged(YingbinError):
    """A feed page is not what the province sent."""

    code = "feed_damaged"


def _check(page: FeedPage, key_id: str | None) -> None:
    """Raise `_PageDamaged` unless a page is what the province sent, and of the domain `key_id`, when that is known."""
    if checksum(page.entries) != page.checksum:
        raise _PageDamaged(f"feed page up to {page.up_to} does not have its checksum; asking for a snapshot")
    if key_id not in {None, page.key_id}:
        raise _PageDamaged(f"feed page up to {page.up_to} is of another domain; asking for a snapshot")
