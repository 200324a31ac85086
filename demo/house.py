"""Starts the tiers as processes and makes sure that none outlives the demo, however it ends."""

import ctypes
import json
import os
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Self

from yingbin.errors import Unavailable

READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_LOG_LINES_SHOWN = 6
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_OWN_SETTINGS = ("YINGBIN_PROVINCE_", "YINGBIN_CITY_", "YINGBIN_EDGE_", "YINGBIN_PAD_")
_YINGBIN = Path(sysconfig.get_path("scripts")) / "yingbin"


class TierFailed(Unavailable):
    """A process of the demo did not start, or died."""

    code = "tier_failed"


class Tier:
    """One running process. Each line of its stdout goes to `on_line`, its stderr to a file in the run folder."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str], None],
    ) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [str(_YINGBIN), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**_clean_environment(), **environment},
                cwd=folder,
                # Ctrl-C reaches only the demo, which then stops everything in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, nothing is allocated
            )
        self._reader = threading.Thread(target=self._read, args=(on_line,), name=f"stdout of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the process and of its output; False when it still runs."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(timeout_s)
        return True

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.exit_code is None:
            self._process.terminate()

    def kill(self) -> None:
        """Stop it now."""
        self._process.kill()
        self._process.wait()

    def failure(self, what: str) -> TierFailed:
        """Return the error that says what happened, with the end of the log."""
        lines = self.log_file.read_text("utf-8", "replace").strip().splitlines()[-_LOG_LINES_SHOWN:]
        return TierFailed(f"{self.name} {what}; the end of its log:\n" + "\n".join(lines))

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process.stdout is not None  # noqa: S101 - Popen was given PIPE
        for line in self._process.stdout:
            on_line(line.decode("utf-8", "replace").rstrip("\n"))


@dataclass(frozen=True, slots=True)
class Server:
    """A process that prints its address once it answers."""

    tier: Tier
    _ready: "Queue[str]"

    def url(self) -> str:
        """Wait until it answers and return its address. Raises `TierFailed`."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                return self._ready.get(timeout=0.05)
            except Empty:
                if self.tier.exit_code is not None:
                    raise self.tier.failure(f"ended with code {self.tier.exit_code} instead of starting") from None
                if time.monotonic() > deadline:
                    raise self.tier.failure(f"was not ready after {READY_TIMEOUT_S:.0f} s") from None


class House:
    """All processes of one demo. Use as a context manager, in the main thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tiers: list[Tier] = []
        self._expected: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
        """Run a command to its end and return its stdout. Raises `TierFailed`."""
        lines: list[str] = []
        tier = Tier(name, arguments, environment or {}, self.folder, lines.append)
        if not tier.wait(READY_TIMEOUT_S):
            tier.kill()
            raise tier.failure("did not end")
        if tier.exit_code != 0:
            raise tier.failure(f"ended with code {tier.exit_code}")
        return "\n".join(lines)

    def start(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> Tier:
        """Start a process that is expected to stay."""
        tier = Tier(name, arguments, environment or {}, self.folder, on_line)
        self._tiers.append(tier)
        return tier

    def serve(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> "Server":
        """Start a server; ask the result for its address."""
        ready: Queue[str] = Queue()

        def on_line(line: str) -> None:
            if line.startswith("{"):
                ready.put(json.loads(line)["url"])

        return Server(self.start(name, arguments, environment, on_line), ready)

    def may_end(self, tier: Tier) -> None:
        """From now on, the end of this process with code 0 is no failure."""
        self._expected.add(tier.name)

    def dismiss(self, tier: Tier) -> None:
        """Stop one process that is no longer needed."""
        self._tiers.remove(tier)
        _end(tier)

    def check(self) -> None:
        """Raise `TierFailed` when a process has died."""
        for tier in self._tiers:
            if tier.exit_code is not None and not (tier.name in self._expected and tier.exit_code == 0):
                raise tier.failure(f"died with code {tier.exit_code}")

    def stop(self) -> None:
        """Stop everything, last started first: SIGTERM, and SIGKILL for what does not listen."""
        for tier in reversed(self._tiers):
            _end(tier)
        self._tiers.clear()


def _end(tier: Tier) -> None:
    tier.terminate()
    if not tier.wait(_STOP_TIMEOUT_S):
        tier.kill()


def _clean_environment() -> dict[str, str]:
    """Return the environment without settings that belong to somebody's real servers."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN_SETTINGS)}


def _die_with_parent() -> None:
    """Let the kernel end this process when the demo is gone, even after kill -9 (prctl(2), PR_SET_PDEATHSIG)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
