"""The content of an index as a stream of plain byte strings: a header, then what the index likes."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from yingbin.errors import YingbinError

T = TypeVar("T")
CHUNK_BYTES: Final = 1 << 20


class SnapshotUnusable(YingbinError):
    """A snapshot is of another kind of index, another dimension, or does not hold what its header says."""

    code = "snapshot_unusable"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first chunk. `rows` is for the index itself: how much of what follows."""

    kind: str
    dimension: int
    rows: list[list[int]]

    def encode(self) -> bytes:
        """Return the chunk."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def read(cls, chunks: Iterator[bytes], kind: str, dimension: int) -> "Header":
        """Read the first of `chunks`. Raises `SnapshotUnusable` unless it is for such an index."""
        header = decode(next(chunks, b""), cls)
        if (header.kind, header.dimension) != (kind, dimension):
            raise SnapshotUnusable(
                f"the snapshot is of a {header.kind} index of {header.dimension} numbers, this is a {kind} index of "
                f"{dimension}: remove it; the index is filled again from the database"
            )
        return header


def decode(chunk: bytes, kind: type[T]) -> T:
    """Return the value in a msgpack chunk. Raises `SnapshotUnusable`."""
    try:
        return msgspec.msgpack.decode(chunk, type=kind)
    except msgspec.DecodeError as error:
        raise SnapshotUnusable("the snapshot holds something else than its header says") from error


def chunks_of(array: NDArray[np.generic]) -> Iterator[memoryview]:
    """Yield the memory of a contiguous array in pieces of at most `CHUNK_BYTES`."""
    if array.size:
        memory = array.data.cast("B")
        for start in range(0, len(memory), CHUNK_BYTES):
            yield memory[start : start + CHUNK_BYTES]


def fill(array: NDArray[np.generic], chunks: Iterator[bytes]) -> None:
    """Undo `chunks_of` into a contiguous array. Raises `SnapshotUnusable`."""
    for piece in chunks_of(array):
        chunk = next(chunks, b"")
        if len(chunk) != len(piece):
            raise SnapshotUnusable("the snapshot holds less or more than its header says")
        piece[:] = chunk


def at_end(chunks: Iterator[bytes]) -> None:
    """Raise `SnapshotUnusable` when `chunks` has more."""
    if next(chunks, None) is not None:
        raise SnapshotUnusable("the snapshot holds more than its header says")


def named(parts: Iterable[tuple[str, Iterable[bytes | memoryview]]]) -> Iterator[bytes]:
    """Yield several streams as one, each under its name; names differ from one to the next."""
    for name, chunks in parts:
        for chunk in chunks:
            yield msgspec.msgpack.encode((name, chunk))


def by_name(chunks: Iterator[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Undo `named`; each stream is used up before the next. Raises `SnapshotUnusable`."""
    parts = (decode(chunk, tuple[str, bytes]) for chunk in chunks)
    for name, part in itertools.groupby(parts, key=lambda one: one[0]):
        yield name, (chunk for _, chunk in part)


def templates(chunks: Iterator[bytes], kind: str, dimension: int) -> tuple[list[tuple[str, str]], NDArray[np.float32]]:
    """Read a whole snapshot that lists templates: (template id, customer id) each, and vectors, fp32 (n, d).

    Raises `SnapshotUnusable`.
    """
    header = Header.read(chunks, kind, dimension)
    vectors = np.empty((header.rows[0][0], dimension), np.float32)
    ids: list[tuple[str, str]] = []
    for vector in vectors:
        ids.append(decode(next(chunks, b""), tuple[str, str]))
        fill(vector, chunks)
    at_end(chunks)
    return ids, vectors
