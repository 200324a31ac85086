"""Two clocks: the box's own, which no change of its wall clock disturbs, and the city's, as measured from here. Pure.

An exchange with the city brackets its clock: what it told was true at some instant between our question and its answer.
So every exchange gives an interval for the offset, at most as wide as the round trip; the narrowest recent one is kept
(the minimum-delay filter of NTP: RFC 5905, section 10), widened by the drift two crystals may have had since.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_DRIFT: Final = 100e-6
"""Two ordinary crystals part by less than this (s per s)."""
ASK_EVERY_S: Final = 600.0
_KEPT: Final = 8

_ANCHOR_MS: Final = time.time_ns() // 1_000_000 - time.monotonic_ns() // 1_000_000


def anchor_ms() -> int:
    """Return what this process adds to the monotonic clock to make box time, ms; differs from process to process."""
    return _ANCHOR_MS


def box_now_ms() -> int:
    """Return box time: the wall clock as this process found it at its start, UTC ms, then running on undisturbed."""
    return _ANCHOR_MS + time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class _Sample:
    """The offset (city - box) was in [low, high] ms at box time `at_ms`."""

    low: float
    high: float
    at_ms: float

    def widened(self, now_ms: float) -> tuple[float, float]:
        """Return the interval as of now."""
        drift = abs(now_ms - self.at_ms) * MAX_DRIFT
        return self.low - drift, self.high + drift

    def width(self, now_ms: float) -> float:
        low, high = self.widened(now_ms)
        return high - low


class CityClock:
    """Estimates the city's clock. All times are ms; box time is `box_now_ms`."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=_KEPT)
        self._offset_ms = 0.0
        self._error_ms = float("inf")

    @property
    def offset_ms(self) -> int:
        """City time minus box time; 0 before anything was measured."""
        return round(self._offset_ms)

    @property
    def error_ms(self) -> float:
        """Half the width of the interval the offset was in when last measured; infinite before that."""
        return self._error_ms

    def measured(self, asked_ms: int, city_ms: int, heard_ms: int) -> None:
        """Take one exchange: we asked at `asked_ms`, the city read `city_ms`, we heard it at `heard_ms`.

        An exchange that cannot be true together with the earlier ones means that the city's clock was set: they go.
        """
        fresh = _Sample(city_ms - heard_ms, city_ms - asked_ms, heard_ms)
        if any(_contradict(fresh, sample) for sample in self._samples):
            self._samples.clear()
        self._samples.append(fresh)
        best = min(self._samples, key=lambda sample: sample.width(heard_ms))
        self._offset_ms = (best.low + best.high) / 2
        self._error_ms = best.width(heard_ms) / 2

    def city_ms(self, box_ms: int) -> int:
        """Return the city's clock at a moment of box time."""
        return box_ms + self.offset_ms

    def now_ms(self) -> int:
        """Return the city's clock now."""
        return self.city_ms(box_now_ms())


def _contradict(fresh: _Sample, earlier: _Sample) -> bool:
    low, high = earlier.widened(fresh.at_ms)
    return fresh.high + 1 < low or fresh.low - 1 > high
