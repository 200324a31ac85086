"""Failed sign-ins: a few are free, then each costs a growing pause. Pure; time is passed in."""

from collections import OrderedDict
from typing import Final

from yingbin.errors import YingbinError

FREE: Final = 5
_LONGEST_PAUSE_S: Final = 900.0
_KEPT: Final = 10_000


class TooManyAttempts(YingbinError):
    """Signing in is paused for this staff id."""

    code = "too_many_attempts"
    status = 429


class Attempts:
    """Counts failures by staff id, in memory; the oldest ids are forgotten first."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, staff_id: str, now_s: float) -> None:
        """Raise `TooManyAttempts` while the pause lasts."""
        count, until_s = self._failed.get(staff_id, (0, 0.0))
        if count >= FREE and now_s < until_s:
            raise TooManyAttempts(f"too many failed attempts; try again in {int(until_s - now_s) + 1} seconds")

    def failed(self, staff_id: str, now_s: float) -> None:
        """Count a failure; from the fifth on, pause 2, 4, 8 ... seconds, at most 15 minutes."""
        count = self._failed.pop(staff_id, (0, 0.0))[0] + 1
        pause_s = min(_LONGEST_PAUSE_S, 2.0 ** min(count - FREE + 1, 30)) if count >= FREE else 0.0
        self._failed[staff_id] = (count, now_s + pause_s)
        if len(self._failed) > _KEPT:
            self._failed.popitem(last=False)

    def succeeded(self, staff_id: str) -> None:
        """Forget the failures."""
        self._failed.pop(staff_id, None)
