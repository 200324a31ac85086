"""What lies on the disk of a watch list is sealed under a key of that list alone (C13), beside whatever is around it.

The replica's folder and the database have keys of the city's; whoever has those, or another list's, opens nothing of
this list. The keys are random, `seal/watch/<list>` in the key store, and none is derived from another, so that one list
can be ended for good by destroying its key.
"""

from typing import Final

import msgspec

from yingbin.feed_wire import FeedEntry, FeedKind
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import Sealer
from yingbin.wire import decode

_KEY_BYTES: Final = 32
_OF_LISTS: Final = frozenset({FeedKind.WATCH_MAP, FeedKind.WATCH_ENTRY})


class _Listed(msgspec.Struct, frozen=True):
    """What map and entry have in common."""

    watch_list: str


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A payload as it is stored."""

    watch_list: str
    sealed: bytes


class ListSeals:
    """Seals and opens what belongs to a watch list."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def of(self, watch_list: str) -> Sealer:
        """Return the sealer of a list; its key is made when it is new."""
        return Sealer(self._keys.get_or_create(f"seal/watch/{watch_list}", _KEY_BYTES))

    def close(self, entry: FeedEntry) -> FeedEntry:
        """Return an entry of the feed as it is stored; what is not of a watch list stays as it is.

        Raises `BadMessage`.
        """
        if entry.kind not in _OF_LISTS or entry.payload is None:
            return entry
        watch_list = decode(entry.payload, _Listed).watch_list
        sealed = self.of(watch_list).seal(entry.payload, _context(entry))
        return msgspec.structs.replace(entry, payload=msgspec.msgpack.encode(_Sealed(watch_list, sealed)))

    def open(self, entry: FeedEntry) -> FeedEntry:
        """Undo `close`. Raises `SealBroken` or `BadMessage`."""
        if entry.kind not in _OF_LISTS or entry.payload is None:
            return entry
        stored = decode(entry.payload, _Sealed)
        payload = self.of(stored.watch_list).open(stored.sealed, _context(entry))
        return msgspec.structs.replace(entry, payload=payload)


def _context(entry: FeedEntry) -> str:
    return f"{entry.kind}/{entry.key}"
