"""A fixed number of rows side by side: who, a coarse code to scan, and what is missing from it to the full vector.

Rows stay dense: the last one fills the gap of one removed, and what was there is overwritten at once. So there are no
tombstones to filter and nothing to rebuild. A row never leaves its segment, so a search that takes segment after
segment, each under its lock, sees every row that was there all the time, and a writer waits for one segment at most.
"""

import math
import mmap
import threading
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yingbin.galleries.rowtable import NO_KEY, Keys
from yingbin.galleries.scan import Codes, CodeScan, Matrix, least_coarse

SEGMENT_ROWS: Final = 65_536
_FIRST_LOOK: Final = 384
"""Rows fetched by their coarse cosine; four times as many when that may not have been enough."""
_COARSE_SIGMAS: Final = 3.5
"""How unlucky a row's code may be before it is left out although it is one of the two best: once in 4,000."""
_TABLE_ERROR: Final = 0.06
"""FAISS sums 8-bit tables, so a coarse cosine is off: at most by so much / sqrt(d) in all that was measured."""
_WIDE_RESIDUAL_UP_TO: Final = 256
"""Up to this dimension 16 bits a number cost no more than 8 do at twice the dimension."""


@dataclass(slots=True)
class Best:
    """The two best rows so far for one probe, best first: cosines, -1 where there is none; keys of customers, (2,)."""

    cosines: tuple[float, float] = (-1.0, -1.0)
    customers: tuple[Keys, Keys] = (NO_KEY, NO_KEY)


@dataclass(frozen=True, slots=True)
class Coded:
    """Vectors as a segment keeps them: coarse codes (n, d / 4), residuals (n, d) in steps, steps fp32 (n,)."""

    codes: Codes
    residuals: NDArray[np.signedinteger]
    steps: NDArray[np.float32]


class Segment:
    """Rows 0 to `used` - 1. One thread at a time may write; any may search."""

    def __init__(self, dimension: int, rows: int = SEGMENT_ROWS) -> None:
        self.rows = rows
        self._lock = threading.Lock()
        self._scan = CodeScan(dimension, rows)
        self._residuals = _pages((rows, dimension), np.int16 if dimension <= _WIDE_RESIDUAL_UP_TO else np.int8)
        self._steps = _pages((rows,), np.float32)
        self.templates: Keys = _pages((rows, 2), np.uint64)
        self.customers: Keys = _pages((rows, 2), np.uint64)
        self._dimension = dimension
        self._table_slack = _TABLE_ERROR / dimension**0.5

    @property
    def used(self) -> int:
        """Number of rows."""
        return self._scan.used

    def encode(self, vectors: Matrix) -> Coded:
        """Return unit vectors, fp32 (n, d), as a segment keeps them; changes nothing."""
        codes = self._scan.encode(vectors)
        missing = vectors - self._scan.decode(codes)
        largest = np.iinfo(self._residuals.dtype).max
        steps = np.maximum(np.abs(missing).max(axis=1) / largest, np.float32(1e-12))
        return Coded(codes, np.rint(missing / steps[:, None]).astype(self._residuals.dtype), steps)

    def vectors(self, rows: NDArray[np.int64]) -> Matrix:
        """Return the vectors of `rows`, (n,), as fp32 (n, d)."""
        codes = np.stack([self._scan.code(int(row)) for row in rows])
        return np.asarray(self._scan.decode(codes) + self._residuals[rows] * self._steps[rows, None], np.float32)

    def append(self, templates: Keys, customers: Keys, coded: Coded) -> None:
        """Add n rows; there must be room for them."""
        start, n = self.used, len(coded.steps)
        with self._lock:
            for offset in range(n):
                self._scan.put(start + offset, coded.codes[offset])
            self._residuals[start : start + n], self._steps[start : start + n] = coded.residuals, coded.steps
            self.templates[start : start + n], self.customers[start : start + n] = templates, customers
            self._scan.used = start + n

    def replace(self, row: int, template: Keys, coded: Coded) -> None:
        """Give a row another vector, for the same customer."""
        with self._lock:
            self._scan.put(row, coded.codes[0])
            self._residuals[row], self._steps[row] = coded.residuals[0], coded.steps[0]
            self.templates[row] = template

    def drop(self, row: int) -> int:
        """Remove a row; return the number of the row that took its place: the last one, perhaps `row` itself."""
        last = self.used - 1
        with self._lock:
            self._scan.put(row, self._scan.code(last))
            for column in (self._residuals, self._steps, self.templates, self.customers):
                column[row] = column[last]
                column[last] = 0
            self._scan.wipe(last)
            self._scan.used = last
        return last

    def search(self, probes: Matrix, best: list[Best]) -> None:
        """Bring `best` up to date with the rows of this segment; probes are unit fp32 (n, d).

        A probe whose candidates may have been cut off is looked at again with more of them, so the result does not rest
        on their number.
        """
        with self._lock:
            k, enough = min(_FIRST_LOOK, self.used), self.used == 0
            while not enough:
                coarse, rows = self._scan.search(probes, k)
                looked = [self._look(*one) for one in zip(probes, coarse, rows, best, strict=True)]
                enough = all(looked) or k == self.used
                k = min(4 * k, self.used)

    def columns(self) -> list[NDArray[np.generic]]:
        """Return the memory of everything used, in an order that `load` knows; nobody may write meanwhile."""
        n = self.used
        return [self.templates[:n], self.customers[:n], self._steps[:n], self._residuals[:n], self._scan.packed()]

    def reserve(self, rows: int) -> list[NDArray[np.generic]]:
        """Make an empty segment hold `rows` rows; return the columns for the caller to fill."""
        self._scan.used = rows
        return self.columns()

    def _look(self, probe: Matrix, coarse: Matrix, rows: NDArray[np.int64], best: Best) -> bool:
        """Judge one probe's candidates, best first; return whether no further row can be among the two best.

        The residual makes a candidate's cosine right but for FAISS's tables; the few that may be among the two best are
        then decoded.
        """
        near = rows[: np.count_nonzero(coarse >= self._least(best.cosines[1]))]
        if not len(near):
            return True
        cosines = coarse[: len(near)] + self._residuals[near].astype(np.float32) @ probe * self._steps[near]
        second = max(best.cosines[1], float(np.partition(cosines, -2)[-2]) if len(near) > 1 else -1.0)
        final = near[cosines >= second - 2 * self._table_slack]
        if len(final):
            for row, cosine in zip(final, (self.vectors(final) @ probe).tolist(), strict=True):
                self._offer(best, cosine, self.customers[row])
        return bool(coarse[-1] < self._least(second))

    def _least(self, cosine: float) -> float:
        return least_coarse(cosine, self._dimension, _COARSE_SIGMAS)

    @staticmethod
    def _offer(best: Best, cosine: float, customer: Keys) -> None:
        first, second = best.customers
        if (customer == first).all() or (customer == second).all():  # seen when fewer candidates were looked at
            return
        if cosine > best.cosines[0]:
            best.cosines, best.customers = (cosine, best.cosines[0]), (customer.copy(), first)
        elif cosine > best.cosines[1]:
            best.cosines, best.customers = (best.cosines[0], cosine), (first, customer.copy())


def _pages(shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """Return zeros in pages of their own, which take no memory before something is written there.

    `np.zeros` hands out memory that was used and freed before, all of which counts.
    """
    size_bytes = math.prod(shape) * np.dtype(kind).itemsize
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, kind).reshape(shape)
