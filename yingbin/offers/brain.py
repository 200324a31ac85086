"""Whether the brain works in this process. When it fails, face and name still arrive; this is where that is said.

A failure is counted, logged once with an id - no message, which could quote what a customer has - and health says
`degraded` for a while. The same failure again within a minute is only counted: a broken catalogue meets everybody.
"""

import threading
import time
from types import TracebackType
from typing import Final

from prometheus_client import Counter

from yingbin.ids import new_id
from yingbin.log import get_logger

log = get_logger()
_FAILURES: Final = Counter("yingbin_brain_failures", "Decisions that could not be made, by step.", ["step"])
_QUIET_S: Final = 60.0
_DEGRADED_S: Final = 600.0
"""How long a failure counts: it may be one customer's record, which comes again when he does."""


class Brain:
    """What failed lately. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged_at_s: dict[tuple[str, str, str], float] = {}
        self._failed_at_s = float("-inf")

    def failed(self, step: str, error: BaseException, **about: str) -> None:
        """Note that `step` failed; `about`: ids for the log."""
        _FAILURES.labels(step).inc()
        now_s, known = time.monotonic(), (step, type(error).__name__, _where(error.__traceback__))
        with self._lock:
            self._failed_at_s = now_s
            told = now_s - self._logged_at_s.get(known, float("-inf")) < _QUIET_S
            if not told:
                self._logged_at_s[known] = now_s
        if not told:
            error_id = getattr(error, "error_id", None) or new_id()
            log.error("brain_failed", step=step, kind=known[1], where=known[2], error_id=error_id, **about)

    @property
    def degraded(self) -> bool:
        """Whether anything failed lately."""
        with self._lock:
            return time.monotonic() - self._failed_at_s < _DEGRADED_S

    def forget(self) -> None:
        """Begin anew, as after a start."""
        with self._lock:
            self._logged_at_s.clear()
            self._failed_at_s = float("-inf")


def _where(traceback: TracebackType | None) -> str:
    """Return module and line of the innermost frame of ours."""
    found = ""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(("yingbin", "province_server", "city_server")):
            found = f"{module}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return found


BRAIN: Final = Brain()
"""This process's."""


def health() -> dict[str, str]:
    """Return what `/healthz` says beside the rest."""
    return {"status": "degraded", "degraded": "brain"} if BRAIN.degraded else {}
