"""A time base that only goes forward, whatever a source's timestamps do: pure, times are passed in."""

from typing import Final

_SLACK_S: Final = 2.0
"""A live stream may run ahead of its arrival by so much: a burst after a stall, a camera's own buffer."""
_MAX_STEP_S: Final = 5.0
"""A longer gap between two frames of a file is a broken timestamp: nobody is followed over it anyway."""


class Timeline:
    """Turns timestamps into seconds from 0. Steps are the source's own, so that motion keeps its true speed.

    Where they cannot be true (they go back, stand still or leap ahead of the arrival) the arrival time says how far to
    go on, or, for a file, the frame rate. `elapsed_s` is a monotonic clock: the wall clock plays no part.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._started = False
        self._stamp_s: float | None = None
        self._arrived_s = self._now_s = 0.0
        self.jumps = 0

    def advance(self, stamp_s: float | None, elapsed_s: float, frame_s: float) -> float:
        """Return the time of the next frame: never less than the last one's.

        `stamp_s` is its timestamp (None when it has none), `elapsed_s` the monotonic time of its arrival and `frame_s`
        the nominal distance of two frames.
        """
        if self._started:
            self._now_s += self._step(stamp_s, elapsed_s, frame_s)
        self._started, self._stamp_s, self._arrived_s = True, stamp_s, elapsed_s
        return self._now_s

    def _step(self, stamp_s: float | None, elapsed_s: float, frame_s: float) -> float:
        waited_s = max(elapsed_s - self._arrived_s, 0.0)
        instead_s = waited_s if self._live else frame_s
        if self._stamp_s is None or stamp_s is None:
            return instead_s
        step_s = stamp_s - self._stamp_s
        longest_s = waited_s + _SLACK_S if self._live else _MAX_STEP_S
        if 0.0 < step_s <= longest_s:
            return step_s
        self.jumps += 1
        return instead_s
