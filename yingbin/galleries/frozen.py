"""Memory as it was at one moment, read piece by piece while it is written to: what is about to change is put by first.

So a snapshot costs no copy of everything, and whoever writes waits for one piece at most.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yingbin.galleries import snapshot


@dataclass(slots=True)
class _Column:
    """Contiguous memory in places of equal size, `rows_a_place` rows in each; `out`: bytes that were read already."""

    memory: memoryview
    place_bytes: int
    rows_a_place: int
    out: int = 0
    put_by: dict[int, bytes] = field(default_factory=dict)

    def put(self, row: int) -> None:
        start = row // self.rows_a_place * self.place_bytes
        end = start + self.place_bytes
        if self.out < end <= len(self.memory) and start not in self.put_by:
            self.put_by[start] = bytes(self.memory[start:end])

    def piece(self, start: int, end: int) -> bytes:
        """Return bytes as they were."""
        piece = bytearray(self.memory[start:end])
        for at, content in self.put_by.items():
            first, last = max(at, start), min(at + len(content), end)
            if first < last:
                piece[first - start : last - start] = content[first - at : last - at]
        self.out = end
        return bytes(piece)


class Frozen:
    """Columns of rows as they are now. `lock` is held by whoever writes to them, and calls `keep` before he does."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._columns: list[_Column] = []

    def column(self, array: NDArray[np.generic], rows_a_place: int = 1) -> None:
        """Add a column: a contiguous array whose first axis are places of so many rows."""
        if array.size:
            memory = array.data.cast("B")
            self._columns.append(_Column(memory, len(memory) // len(array), rows_a_place))

    def keep(self, rows: Iterable[int]) -> None:
        """Put by what is in rows that are about to be written, unless it was read already or came later."""
        for row in rows:
            for column in self._columns:
                column.put(row)

    def chunks(self) -> Iterator[bytes]:
        """Yield column after column as `snapshot.chunks_of` would have at that moment; once."""
        for column in self._columns:
            for start in range(0, len(column.memory), snapshot.CHUNK_BYTES):
                with self._lock:
                    piece = column.piece(start, min(start + snapshot.CHUNK_BYTES, len(column.memory)))
                yield piece
            column.put_by.clear()
