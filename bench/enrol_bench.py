"""`yingbin bench enrol`: bulk enrolment of synthetic people into a real province, while its health is asked for.

`yingbin province rehearse` does everything but look at photos: consents, search for duplicates, seals, both stores,
audit, feed. A peer's rate falls with what it holds, so the first and the last tenth are compared.
"""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import numpy as np

from bench.search_bench import RunFailed, one_thread
from yingbin.errors import InvalidInput
from yingbin.http.priority import answer_promptly

Step = Callable[[str, int], None]
"""Called with what is done now, and how many people it is done for."""
FULL: Final = 200_000
QUICK: Final = 20_000
LEAST: Final = 1_000
LABEL: Final = "synthetic people, vectors in place of photos"
_ASK_EVERY_S: Final = 0.05
_STOP_WITHIN_S: Final = 30


@dataclass(slots=True)
class Health:
    """How long `/healthz` took to answer each time, in ms, over one connection that stays open."""

    url: str
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> threading.Thread:
        """Ask from now on, in a thread of its own."""
        thread = threading.Thread(target=self._ask, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _ask(self) -> None:
        answer_promptly()  # what is timed is the server, not this thread's own wait for a core
        with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as http:
            http.get("/healthz")
            while not self._stop.wait(_ASK_EVERY_S):
                began_s = time.perf_counter()
                try:
                    self.failed += http.get("/healthz").status_code != httpx.codes.OK
                except httpx.HTTPError:
                    self.failed += 1
                self.took_ms.append((time.perf_counter() - began_s) * 1000)


def run_enrol_bench(folder: Path, n: int, dimension: int, step: Step) -> dict[str, Any]:
    """Enrol `n` people in the empty `folder`; return what `--json` prints. Raises `InvalidInput`, `RunFailed`."""
    if n < LEAST or dimension < 2 or dimension % 2:
        raise InvalidInput(f"--n {n} --dim {dimension}: at least {LEAST} people, and an even dimension")
    command = [
        sys.executable, "-c", "from yingbin.cli import main; main()", "province", "rehearse",
        "--customers", str(n), "--dimension", str(dimension), "--config", str(write_settings(folder)),
    ]  # fmt: skip
    environment = {**one_thread(), "YINGBIN_PROVINCE_KEYSTORE_PASSPHRASE": secrets.token_urlsafe(24)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as province,  # noqa: S603
    ):
        try:
            figures = _follow(province, n, step)
        finally:
            province.terminate()
            try:
                province.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                province.kill()
    return {"data": LABEL, "dim": dimension, **figures}


def _follow(province: "subprocess.Popen[str]", n: int, step: Step) -> dict[str, Any]:
    assert province.stdout is not None  # noqa: S101 - it is a pipe
    health: Health | None = None
    url = ""
    steps: list[tuple[int, float]] = [(0, 0.0)]
    for line in province.stdout:
        said = msgspec.json.decode(line, type=dict[str, Any])
        if "ready" in said:
            url = said["url"]
        elif "registered" in said:
            step("registering", said["registered"])
        elif "enrolled" in said:
            if health is None:
                health = Health(url)
                health.watch()
            steps.append((said["enrolled"], said["elapsed_s"]))
            step("enrolling", said["enrolled"])
        elif "failed" in said:
            raise RunFailed(f"the rehearsal failed: {said['failed']}")
        elif "done" in said and health is not None:
            health.stop()
            return {
                "n": steps[-1][0],
                "rate_first_per_s": round(rate(steps, 0.0, 0.1), 1),
                "rate_last_per_s": round(rate(steps, 0.9, 1.0), 1),
                "health_p50_ms": round(float(np.percentile(health.took_ms, 50)), 2),
                "health_p99_ms": round(float(np.percentile(health.took_ms, 99)), 2),
                "health_asked": len(health.took_ms),
                "health_failed": health.failed,
                "enrol_s": steps[-1][1],
                "refused": said["counts"].get("refused", 0),
                "rss_mb": rss_mb(province.pid),
            }
    raise RunFailed("the province ended before everybody was enrolled; what it said is in its log")


def rate(steps: list[tuple[int, float]], start: float, end: float) -> float:
    """Return people a second between two shares of all, from (enrolled, elapsed seconds) pairs."""
    total = steps[-1][0]
    within = [(count, at_s) for count, at_s in steps if start * total <= count <= end * total]
    (first, began_s), (last, ended_s) = within[0], within[-1]
    return (last - first) / (ended_s - began_s)


def write_settings(folder: Path) -> Path:
    """Write the settings of a province that keeps everything in `folder`; return their file."""
    path = folder / "province.toml"
    values = {
        "port": 0,
        "database_url": f"sqlite:///{folder / 'identity.db'}",
        "templates_database_url": f"sqlite:///{folder / 'templates.db'}",
        "keystore_file": str(folder / "keys"),
    }
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), "utf-8")
    return path


def rss_mb(process_id: int) -> float:
    """Return what a process has in memory."""
    pages = int(Path(f"/proc/{process_id}/statm").read_text("ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
