"""Circuit breaker: after failures in a row nothing is asked for a while, then one trial. Pure; time is passed in."""


class Breaker:
    """Closed until `failures_to_open` failures in a row; then open `open_s` seconds; then one trial at a time."""

    def __init__(self, failures_to_open: int, open_s: float) -> None:
        self._failures_to_open = failures_to_open
        self._open_s = open_s
        self._failures = 0
        self._retry_at_s = 0.0
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether the other side is considered down."""
        return self._failures >= self._failures_to_open

    def allow(self, now_s: float) -> bool:
        """Return whether to ask now. When open, the first caller after the pause gets the trial."""
        if not self.is_open:
            return True
        if self._trying or now_s < self._retry_at_s:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """Record an answer."""
        self._failures = 0
        self._trying = False

    def failed(self, now_s: float) -> None:
        """Record that no answer came."""
        self._failures += 1
        self._retry_at_s = now_s + self._open_s
        self._trying = False
