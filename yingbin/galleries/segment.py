"""A fixed number of rows side by side: who, a coarse code to scan, and what is missing from it to the full vector.

Rows stay dense: the last one fills the gap of one removed, and what was there is overwritten at once. So there are no
tombstones to filter and nothing to rebuild. Nobody waits for a scan: it runs without the lock, and rows written
meanwhile are then judged by what is in them now. So an answer is that of the moment when its candidates are judged, a
row removed before is never found, and one added before always is. A row never leaves its segment.
"""

import math
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from yingbin.galleries.frozen import Frozen
from yingbin.galleries.pages import pages
from yingbin.galleries.residual import AT_ONCE, Residuals
from yingbin.galleries.rowtable import NO_KEY, Keys
from yingbin.galleries.scan import VECTORS_A_BLOCK, Codes, CodeScan, Matrix, least_coarse

SEGMENT_ROWS: Final = 1 << 20
"""Few, as each scan has best rows of its own to find: in segments of 65,536, 2,000,000 took up to twice as long."""
_FIRST_LOOK: Final = 768
"""Rows fetched by their coarse cosine; four times as many when that may not have been enough."""
_FEW: Final = 64
"""Rows fetched when few will be good enough: a third less time at 200,000 x 128."""
_FIRST_FULL: Final = 64
"""Rows looked at in full before it is known how near the second best is: then few others remain, 130 of 200,000."""
_COARSE_SIGMAS: Final = 3.0
"""How unlucky a row's code may be before it is left out although it is one of the two best: once in 700."""
_TABLE_ERROR: Final = 0.06
"""FAISS sums 8-bit tables, so a coarse cosine is off: at most by so much / sqrt(d) in all that was measured."""
_REMEMBERED: Final = 4_096
"""Rows written during a scan that are judged one by one; after more it is repeated, with the writers waiting."""

Rows = NDArray[np.int64]


@dataclass(slots=True)
class Best:
    """The two best rows so far for one probe, best first: cosines, -1 where there is none; keys of customers, (2,)."""

    cosines: tuple[float, float] = (-1.0, -1.0)
    customers: tuple[Keys, Keys] = (NO_KEY, NO_KEY)


@dataclass(frozen=True, slots=True)
class Coded:
    """Vectors as a segment keeps them: coarse codes (n, bytes), and the columns of `Residuals`."""

    codes: Codes
    residuals: list[NDArray[np.generic]]


class Segment:
    """Rows 0 to `used` - 1. One thread at a time may write; any may search."""

    def __init__(self, dimension: int, rows: int = SEGMENT_ROWS) -> None:
        self.rows = rows
        self._lock = threading.Lock()
        self._scan = CodeScan(dimension, rows)
        self._residuals = Residuals(dimension, rows)
        self.templates: Keys = pages((rows, 2), np.uint64)
        self.customers: Keys = pages((rows, 2), np.uint64)
        self._dimension = dimension
        self._table_slack = _TABLE_ERROR / math.sqrt(dimension)
        self._writes = 0
        self._written: deque[int] = deque(maxlen=_REMEMBERED)
        self._frozen: WeakSet[Frozen] = WeakSet()

    @property
    def used(self) -> int:
        """Number of rows."""
        return self._scan.used

    def encode(self, vectors: Matrix) -> Coded:
        """Return unit vectors, fp32 (n, d), as a segment keeps them; changes nothing."""
        codes = self._scan.encode(vectors)
        return Coded(codes, self._residuals.encode(vectors - self._scan.decode(codes)))

    def vectors(self, rows: Rows) -> Matrix:
        """Return the vectors of `rows`, (n,), as fp32 (n, d)."""
        codes = np.stack([self._scan.code(row) for row in rows.tolist()])
        return self._scan.decode(codes) + self._residuals.decode(rows)

    def append(self, templates: Keys, customers: Keys, coded: Coded) -> None:
        """Add n rows; there must be room for them."""
        start, n = self.used, len(coded.codes)
        with self._lock:
            self._note(range(start, start + n))
            for offset in range(n):
                self._scan.put(start + offset, coded.codes[offset])
            for column, values in zip(self._residuals.columns, coded.residuals, strict=True):
                column[start : start + n] = values
            self.templates[start : start + n], self.customers[start : start + n] = templates, customers
            self._scan.used = start + n

    def replace(self, row: int, template: Keys, coded: Coded) -> None:
        """Give a row another vector, for the same customer."""
        with self._lock:
            self._note([row])
            self._scan.put(row, coded.codes[0])
            for column, values in zip(self._residuals.columns, coded.residuals, strict=True):
                column[row] = values[0]
            self.templates[row] = template

    def drop(self, row: int) -> int:
        """Remove a row; return the number of the row that took its place: the last one, perhaps `row` itself."""
        last = self.used - 1
        with self._lock:
            self._note([row, last])
            self._scan.put(row, self._scan.code(last))
            for column in (*self._residuals.columns, self.templates, self.customers):
                column[row] = column[last]
                column[last] = 0
            self._scan.wipe(last)
            self._scan.used = last
        return last

    def search(self, probes: Matrix, best: list[Best], *, few: bool = False) -> None:
        """Bring `best` up to date with the rows of this segment; probes are unit fp32 (n, d).

        A probe whose candidates may have been cut off is looked at again with more of them, so the result does not rest
        on their number. `few`: when not many will be good enough.
        """
        k, left = _FEW if few else _FIRST_LOOK, list(range(len(probes)))
        while left:
            some = probes[left] if len(left) < len(probes) else probes
            with self._lock:  # so nothing is half written that is not noted after this
                before, used = self._writes, self.used
            coarse, rows = self._scan.search(some, min(k, used))
            with self._lock:
                if self._writes - before > _REMEMBERED:
                    before, used = self._writes, self.used
                    coarse, rows = self._scan.search(some, min(k, used))
                unknown = self._written_since(before)
                if k >= used and (rows < 0).any():
                    unknown = np.arange(self.used)
                looked = [
                    self._look(probes[at], coarse[one], rows[one], unknown, best[at]) for one, at in enumerate(left)
                ]
            left = [at for at, enough in zip(left, looked, strict=True) if not enough and k < used]
            k *= 4

    def freeze(self) -> Frozen:
        """Return everything used as it is now, in the order of `reserve`; others may go on writing."""
        frozen = Frozen(self._lock)
        with self._lock:
            *by_row, codes = self.columns()
            for column in by_row:
                frozen.column(column)
            frozen.column(codes, VECTORS_A_BLOCK)
            self._frozen.add(frozen)  # until nobody reads it any more
        return frozen

    def reserve(self, rows: int) -> list[NDArray[np.generic]]:
        """Make an empty segment hold `rows` rows; return the columns for the caller to fill."""
        self._scan.used = rows
        return self.columns()

    def columns(self) -> list[NDArray[np.generic]]:
        """Return the memory of everything used, in the order of `reserve`; nobody may write meanwhile."""
        mine = [self.templates, self.customers, *self._residuals.columns]
        return [*(column[: self.used] for column in mine), self._scan.packed()]

    def _note(self, rows: Sequence[int]) -> None:
        """Remember that these rows are about to be written; the lock must be held until they are."""
        for frozen in self._frozen:
            frozen.keep(rows)
        self._writes += len(rows)
        self._written.extend(rows)

    def _written_since(self, before: int) -> Rows:
        """Return the rows in use that were written after `_writes` was `before`."""
        written = np.array(list(islice(reversed(self._written), self._writes - before)), np.int64)
        return np.unique(written[written < self.used])

    def _look(self, probe: Matrix, coarse: Matrix, rows: Rows, unknown: Rows, best: Best) -> bool:
        """Judge one probe's candidates, best first; return whether no further row can be among the two best.

        The residual makes a candidate's cosine right but for FAISS's tables; the few that may be among the two best are
        then decoded, as are `unknown` rows, of which the scan says nothing.
        """
        last = coarse[-1] if len(coarse) else -1.0
        if not len(unknown) and (not len(coarse) or coarse[0] < self._least(best.cosines[1])):
            return True
        if len(unknown):
            told = ~np.isin(rows, unknown)
            coarse, rows = coarse[told], rows[told]
        second, two_best, near = best.cosines[1], np.full(2, -1, np.float32), [np.empty(0, np.float32)]
        start, end = 0, int(np.count_nonzero(coarse[:_FIRST_FULL] >= self._least(second)))
        while start < end:
            near.append(coarse[start:end] + self._residuals.products(rows[start:end], probe))
            two_best = np.partition(np.concatenate((two_best, near[-1])), -2)[-2:]
            second = max(second, float(two_best[0]))
            start, end = end, end + int(np.count_nonzero(coarse[end : end + AT_ONCE] >= self._least(second)))
        cosines = np.concatenate(near)
        final = rows[: len(cosines)][cosines >= second - 2 * self._table_slack]
        if len(final) or len(unknown):
            final = np.concatenate((final, unknown))
            for row, cosine in zip(final, (self.vectors(final) @ probe).tolist(), strict=True):
                self._offer(best, cosine, self.customers[row])
        return bool(last < self._least(second))

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
