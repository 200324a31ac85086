"""Rate limits: one token bucket a caller."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from yingbin.errors import YingbinError

_MAX_CALLERS = 10_000


class TooManyRequests(YingbinError):
    """The caller asks faster than it may; waiting helps."""

    code = "too_many_requests"
    status = 429


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimit:
    """Each caller may spend `per_s` tokens a second and save up `burst` of them."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, caller: str, tokens: float = 1.0) -> None:
        """Take tokens. Raises `TooManyRequests` when the caller has too few; then none are taken."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.setdefault(caller, _Bucket(self._burst, now))
            self._buckets.move_to_end(caller)
            while len(self._buckets) > _MAX_CALLERS:
                self._buckets.popitem(last=False)
            bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at_s) * self._per_s)
            bucket.at_s = now
            if bucket.tokens < tokens:
                wait_s = (tokens - bucket.tokens) / self._per_s
                raise TooManyRequests(f"too many requests; try again in {max(1, round(wait_s))} s")
            bucket.tokens -= tokens
