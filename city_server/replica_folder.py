"""The replica on the disk: one sealed folder (`galleries/folder.py`) with everything the feed said, and how far it is.

It is the only place for the city's copy: a page is one record, its changes together with the position they lead to, so
whatever a crash or a restored backup leaves, the feed goes on from where the folder really is. What cannot be used is
moved aside, and the province sends a snapshot. What belongs to a watch list lies in it under a key of that list (C13).
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from city_server.memory import Memory
from city_server.watch.seals import ListSeals
from yingbin.feed_wire import FeedEntry, FeedPage
from yingbin.galleries.folder import SealedFolder, opened
from yingbin.galleries.snapshot import decode
from yingbin.trust.keystore import KeyStore

_NAME: Final = "replica"
_LEASE_STEP_MS: Final = 60_000
"""A page without news is kept when the lease has grown by so much; a restart may lose as much of it."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far the feed was applied, in which domain; `lease_until_ms`: 0 in the middle of a snapshot."""

    key_id: str = ""
    up_to: int = 0
    lease_until_ms: int = 0

    @classmethod
    def after(cls, page: FeedPage) -> "Position":
        """Return where a page leads to."""
        return cls(page.key_id, page.up_to, page.lease_until_ms if page.up_to >= page.head else 0)


class _Record(msgspec.Struct, frozen=True, array_like=True):
    """A page in the journal. With `snapshot` whatever was before is dropped."""

    snapshot: bool
    position: Position
    entries: tuple[FeedEntry, ...]


class _Found:
    """What a folder holds, as it is read."""

    def __init__(self, empty: Callable[[str], Memory], seals: ListSeals) -> None:
        self._empty = empty
        self._seals = seals
        self.memory, self.position = empty(""), Position()

    def restore(self, chunks: Iterator[bytes]) -> None:
        self.position = decode(next(chunks, b""), Position)
        self.memory = self._empty(self.position.key_id)
        self.memory.restore(chunks, self._seals.open)

    def replay(self, records: Iterator[bytes]) -> None:
        for record in records:
            kept = msgspec.msgpack.decode(record, type=_Record)
            if kept.snapshot:
                self.memory = self._empty(kept.position.key_id)
            self.memory.apply(map(self._seals.open, kept.entries))
            self.position = kept.position


class ReplicaFolder:
    """The folder of one city server. `memory`: as it was when opened; `position`: where the folder is now."""

    def __init__(
        self, folder: Path, keys: KeyStore, empty: Callable[[str], Memory], *, pack_id: str, dimension: int
    ) -> None:
        """Open it, or make it. `empty` makes a memory of a domain. Raises `GalleryInUse` or `Unavailable`."""
        self._seals = ListSeals(keys)

        def make() -> tuple[SealedFolder, _Found]:
            found = _Found(empty, self._seals)
            return SealedFolder(folder, found, keys, name=_NAME, pack_id=pack_id, dimension=dimension), found

        self._busy = threading.Lock()
        self._folder, found = opened(folder, make)
        self.memory, self.position = found.memory, found.position

    def is_old(self, epoch_ms: int) -> bool:
        """Return whether it is time for a new key, as `SealedFolder.is_old`."""
        return self._folder.is_old(epoch_ms)

    @property
    def is_long(self) -> bool:
        """Whether a snapshot is due, as `SealedFolder.is_long`."""
        return self._folder.is_long

    def keep(self, page: FeedPage) -> None:
        """Return when a page is on the disk. Raises `StorageFull` or `Unavailable`, and then it was not kept."""
        position = Position.after(page)
        longer_ms = position.lease_until_ms - self.position.lease_until_ms
        moved = (position.key_id, position.up_to) != (self.position.key_id, self.position.up_to)
        if page.entries or page.snapshot or moved or not 0 <= longer_ms < _LEASE_STEP_MS:
            kept = _Record(page.snapshot, position, tuple(map(self._seals.close, page.entries)))
            with self._busy:
                self._folder.keep(msgspec.msgpack.encode(kept))
            self.position = position

    def seal(self, memory: Memory, position: Position, *, new_epoch: bool) -> None:
        """Write everything anew, as `SealedFolder.seal`."""
        start = [msgspec.msgpack.encode(position)]
        with self._busy:
            self._folder.seal(itertools.chain(start, memory.snapshot(self._seals.close)), new_epoch=new_epoch)
        self.position = position

    def close(self) -> None:
        """Let go of the folder."""
        with self._busy:
            self._folder.close()
