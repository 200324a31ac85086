"""Keeps the process small. glibc gives freed memory back late, and a pool of its own to every thread (mallopt(3))."""

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8
_POOLS: Final = 2


def share_pools() -> None:
    """Let all threads share two pools; call before the first is started. Does nothing without glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _POOLS)


def give_back() -> None:
    """Return to the system what loading the models has freed. Does nothing without glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
