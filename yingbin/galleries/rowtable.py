"""Which rows belong to an id, in 8 bytes an entry: two million ids as Python strings in a dict would take 300 MB."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput

Keys = NDArray[np.uint64]
"""Ids as numbers: (n, 2), or (2,) for one; 128 bits, high word first. Zeros stand for none."""

NO_KEY: Final = np.zeros(2, np.uint64)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NIL: Final = "00000000-0000-0000-0000-000000000000"
_GONE: Final = -1
_LEAST_FRESH: Final = 256


class BadId(InvalidInput):
    """An id is not a UUID in its usual form."""

    code = "bad_id"


def pack_ids(ids: Sequence[str]) -> Keys:
    """Return `ids` as numbers, (n, 2). Raises `BadId` for anything but a lower-case UUID of 36 characters."""
    for one in ids:
        if not _is_uuid(one):
            raise BadId(f"the id {one!r} is not a UUID in lower case; templates and customers have UUIDs (`new_id`)")
    return keys_of(ids)


def keys_of(ids: Sequence[str]) -> Keys:
    """Return the keys of ids, (n, 2): a UUID is its own; of any other text it is the BLAKE2b digest (RFC 7693)."""
    digits = (
        one.replace("-", "") if _is_uuid(one) else blake2b(one.encode(), digest_size=16).hexdigest() for one in ids
    )
    return np.frombuffer(bytes.fromhex("".join(digits)), ">u8").reshape(-1, 2).astype(np.uint64)


def _is_uuid(one: str) -> bool:
    return _UUID.fullmatch(one) is not None and one != _NIL


def unpack_id(key: Keys) -> str:
    """Return a key, (2,), as a UUID: the id itself, if that was one."""
    digits = f"{int(key[0]):016x}{int(key[1]):016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class RowTable:
    """Row numbers by key; a key may have several rows. Not locked.

    Entered is only the lowest 32 bits of a key, which are random in a UUID: what `find` returns may belong to another
    key, and the caller compares. Most entries are in two sorted arrays; what came since is in a dict, merged into them
    when it has grown.
    """

    def __init__(self) -> None:
        self._words = np.empty(0, np.uint32)
        self._rows = np.empty(0, np.int32)
        self._fresh: dict[int, list[int]] = {}

    def find(self, key: Keys) -> list[int]:
        """Return the rows that may be of `key`, (2,)."""
        word = _word(key)
        start, end = self._span(word)
        return [row for row in self._rows[start:end].tolist() if row != _GONE] + self._fresh.get(word, [])

    def may_hold(self, keys: Keys) -> NDArray[np.bool_]:
        """Return for each of `keys`, (n, 2), whether it may have rows; quick for many."""
        words = keys[:, 1].astype(np.uint32)
        fresh = np.fromiter((word in self._fresh for word in words.tolist()), np.bool_, len(words))
        places = np.searchsorted(self._words, words)
        places[places == len(self._words)] = 0
        return fresh | (self._words[places] == words) if len(self._words) else fresh

    def insert(self, key: Keys, row: int) -> None:
        """Enter `row` under `key`, (2,)."""
        self._fresh.setdefault(_word(key), []).append(row)
        if len(self._fresh) >= max(_LEAST_FRESH, len(self._words) // 128):
            words = [word for word, rows in self._fresh.items() for _ in rows]
            rows = [row for rows in self._fresh.values() for row in rows]
            self._fresh = {}
            self._merge(np.array(words, np.uint32), np.array(rows, np.int32))

    def insert_all(self, keys: Keys, rows: NDArray[np.int64]) -> None:
        """Enter many `rows`, (n,), under `keys`, (n, 2)."""
        self._merge(keys[:, 1].astype(np.uint32), rows.astype(np.int32))

    def delete(self, key: Keys, row: int) -> None:
        """Forget that `row` is under `key`."""
        word = _word(key)
        fresh = self._fresh.get(word, [])
        if row in fresh:
            fresh.remove(row)
            if not fresh:
                del self._fresh[word]
        else:
            self.move(key, row, _GONE)

    def move(self, key: Keys, row: int, to: int) -> None:
        """Note that what was at `row` is now at `to`."""
        word = _word(key)
        fresh = self._fresh.get(word, [])
        if row in fresh:
            fresh[fresh.index(row)] = to
        else:
            start, end = self._span(word)
            self._rows[start + self._rows[start:end].tolist().index(row)] = to

    def _merge(self, words: NDArray[np.uint32], rows: NDArray[np.int32]) -> None:
        kept = self._rows != _GONE
        order = np.argsort(words)
        places = np.searchsorted(self._words[kept], words[order])
        self._rows = np.insert(self._rows[kept], places, rows[order])
        self._words = np.insert(self._words[kept], places, words[order])

    def _span(self, word: int) -> tuple[int, int]:
        start = end = int(self._words.searchsorted(np.uint32(word)))
        while end < len(self._words) and self._words[end] == word:
            end += 1
        return start, end


def _word(key: Keys) -> int:
    return int(key[1]) & 0xFFFFFFFF
