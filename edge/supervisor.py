"""Keeps the box alive: a line to systemd's watchdog, so that a process whose event loop hangs is restarted."""

import contextlib
import os
import socket
from typing import Final

_TELL_EVERY_S: Final = 5.0
"""Well below half of `WatchdogSec` in deploy/yingbin-edge.service."""


class ServiceManager:
    """Speaks sd_notify(3) when systemd started this process, and is silent otherwise."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._told_s = float("-inf")

    def ready(self) -> None:
        """Tell that start-up is over."""
        self._tell("READY=1")

    def alive(self, now_s: float) -> None:
        """Call often from the event loop; `now_s` is monotonic."""
        if now_s - self._told_s >= _TELL_EVERY_S:
            self._told_s = now_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that a graceful end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is in the abstract name space (unix(7)). A manager that is gone is no error of ours.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(state.encode(), address)
