"""`yingbin bench restart`: how soon a killed gallery answers again, and whether kill -9 loses what was acknowledged.

A restart is timed from the start of the process, interpreter and imports included, to the first right answer; the files
are in the page cache, as they are after a crash of the process alone. Writers are killed at a random acknowledgement,
while they also seal the gallery under new keys; what they acknowledged is then looked for by another process.
"""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any, Final

import numpy as np

from bench.population import LABEL, Population
from bench.restart_run import changes
from bench.search_bench import RunFailed, one_thread, run_module

Say = Callable[[str], None]

_STARTS: Final = 3
_KILLS: Final = 5
_SEED: Final = 7


@dataclass(slots=True)
class Killed:
    """What the writers acknowledged, and how much of it was gone: positive numbers added, negative removed."""

    acknowledged: list[int] = field(default_factory=list)
    lost: int = 0


def run_restart_bench(folder: Path, n: int, dimension: int, writes: int, say: Say) -> dict[str, Any]:
    """Measure a gallery of `n` people in the empty `folder`; return what `--json` prints. Raises `RunFailed`."""
    population = Population(dimension)
    say(f"enrolling {n:,} people")
    _run("build", folder, dimension, n)
    block = population.blocks(n)[-1]
    np.save(folder / "probe.npy", population.probes(population.faces(block)[-1:])[0])
    say("starting")
    starts = [_start(folder, dimension, n) for _ in range(_STARTS)]
    say(f"killing writers in {writes:,} changes")
    killed = kill_writers(folder, population, n, writes)
    return {
        "data": LABEL,
        "n": n,
        "dim": dimension,
        "restart_s": round(median(total for total, _ in starts), 3),
        "open_and_search_s": round(median(inside for _, inside in starts), 3),
        "acknowledged": len(killed.acknowledged),
        "lost": killed.lost,
        "kills": min(_KILLS, writes),
        "folder_mb": round(sum(path.stat().st_size for path in (folder / "gallery").iterdir()) / 1e6, 1),
    }


def kill_writers(folder: Path, population: Population, first: int, writes: int) -> Killed:
    """Make `writes` changes by writers that are killed one after the other, and look for them after each.

    People are numbered from `first` on, 1 or more: the sign of a number tells whether it was added or removed.
    """
    rng = random.Random(_SEED)  # noqa: S311 - where writers are killed
    killed = Killed()
    open_ended: set[int] = set()  # people whose change was under way when a writer died: either outcome is right
    cuts = [*sorted(rng.sample(range(1, writes), min(_KILLS, writes) - 1)), writes]
    for start, end in itertools.pairwise([0, *cuts]):
        fresh = first + len(killed.acknowledged) + start
        acknowledged, in_flight = _write_until_killed(folder, population.dimension, fresh, end - start)
        killed.acknowledged += acknowledged
        open_ended.add(in_flight)
        sure = [number for number in killed.acknowledged if abs(number) not in open_ended]
        found = json.loads(_run("check", folder, population.dimension, stdin="\n".join(map(str, sure))))
        killed.lost = max(killed.lost, found["lost"])
    return killed


def _write_until_killed(folder: Path, dimension: int, first: int, writes: int) -> tuple[list[int], int]:
    """Return what a writer acknowledged until it was killed, and the person of the change it had not."""
    planned = writes + 10_000  # more than it will get to
    command = [
        sys.executable,
        "-m",
        "bench.restart_run",
        "write",
        str(folder),
        str(dimension),
        str(first),
        str(planned),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=one_thread()) as writer:  # noqa: S603
        assert writer.stdout is not None  # noqa: S101 - it is a pipe
        acknowledged = [int(line) for line in itertools.islice(writer.stdout, writes)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in _whole_lines(writer.stdout)]
    if writer.returncode != -signal.SIGKILL:
        raise RunFailed(f"the writer ended by itself with {writer.returncode}")
    person, _ = next(itertools.islice(changes(first, planned), len(acknowledged), None))
    return acknowledged, person


def _whole_lines(stream: IO[str]) -> list[str]:
    return [line for line in stream if line.endswith("\n")]


def _start(folder: Path, dimension: int, n: int) -> tuple[float, float]:
    began_s = time.perf_counter()
    answer = json.loads(_run("start", folder, dimension, n))
    took_s = time.perf_counter() - began_s
    if not answer["found"]:
        raise RunFailed("the restarted gallery did not find somebody who is in it")
    return took_s, float(answer["open_and_search_s"])


def _run(role: str, folder: Path, dimension: int, *numbers: int, stdin: str = "") -> str:
    return run_module("bench.restart_run", [role, str(folder), str(dimension), *map(str, numbers)], stdin)
