"""Memory that is there before it is used."""

import math
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pages(shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """Return zeros in pages of their own, which take no memory before something is written there.

    `np.zeros` hands out memory that was used and freed before, all of which counts.
    """
    numbers = math.prod(shape)
    size_bytes = max(1, numbers * np.dtype(kind).itemsize)
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, kind, numbers).reshape(shape)
