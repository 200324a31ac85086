"""What a coarse code leaves of a vector, in steps of the row's own: 8 bits a number, or 16 up to 256 numbers."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yingbin.galleries.pages import pages
from yingbin.galleries.scan import Matrix

_WIDE_UP_TO: Final = 256
"""Up to this dimension 16 bits a number cost no more than 8 do at twice the dimension."""
AT_ONCE: Final = 256
"""Rows multiplied in one go: with memory of its own for that, 0.17 us a row of 512; 0.30 with new arrays each time."""


class Residuals:
    """Residuals of up to `rows` rows of `dimension` numbers. Not locked."""

    def __init__(self, dimension: int, rows: int) -> None:
        kind = np.int16 if dimension <= _WIDE_UP_TO else np.int8
        self._largest = np.iinfo(kind).max
        self._steps: Matrix = pages((rows,), np.float32)
        self._numbers: NDArray[Any] = pages((rows, dimension), kind)
        self._taken: NDArray[Any] = pages((AT_ONCE, dimension), kind)
        self._multiplied: Matrix = pages((AT_ONCE, dimension), np.float32)

    @property
    def columns(self) -> list[NDArray[np.generic]]:
        """The memory, an entry a row each: steps and numbers."""
        return [self._steps, self._numbers]

    def encode(self, missing: Matrix) -> list[NDArray[np.generic]]:
        """Return what `columns` keep of residuals, fp32 (n, d)."""
        steps = np.maximum(np.abs(missing).max(axis=1) / self._largest, np.float32(1e-12))
        return [steps, np.rint(missing / steps[:, None]).astype(self._numbers.dtype)]

    def products(self, rows: NDArray[np.int64], probe: Matrix) -> Matrix:
        """Return the inner products of up to `AT_ONCE` rows with a probe, fp32 (d,)."""
        taken, multiplied = self._taken[: len(rows)], self._multiplied[: len(rows)]
        np.take(self._numbers, rows, axis=0, out=taken, mode="clip")  # the default mode would make a copy of `taken`
        np.copyto(multiplied, taken)
        return np.asarray(multiplied @ probe * self._steps[rows], np.float32)

    def decode(self, rows: NDArray[np.int64]) -> Matrix:
        """Return residuals, fp32 (n, d)."""
        return np.asarray(self._numbers[rows] * self._steps[rows, None], np.float32)
