"""`yingbin bench search`: the index beside FlatIP, each gallery in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.population import LABEL
from yingbin.errors import InvalidInput, Unavailable

Say = Callable[[str], None]

FULL: Final = ((200_000, 512), (2_000_000, 512), (200_000, 128))
QUICK: Final = ((200_000, 512), (200_000, 128))
_LEAST_TEMPLATES: Final = 2_000
_BYTES_A_TEMPLATE: Final = 6.5
"""For each number of a vector: FlatIP's four, the index's one and a half, and room to draw people in."""


class RunFailed(Unavailable):
    """A measuring process ended with an error; what it said is on stderr."""

    code = "run_failed"


def run_search_bench(galleries: Sequence[tuple[int, int]], say: Say) -> dict[str, Any]:
    """Measure galleries of (templates, dimension); return what `--json` prints. Raises `InvalidInput`, `RunFailed`."""
    runs: list[dict[str, Any]] = []
    for n, dimension in galleries:
        _check(n, dimension)
        say(f"{n:,} templates of {dimension} numbers")
        output = run_module("bench.search_run", [str(n), str(dimension)])
        runs += msgspec.json.decode(output, type=list[dict[str, Any]])
    return {"data": LABEL, "threads": 1, "runs": runs}


def run_module(module: str, arguments: Sequence[str], stdin: str = "") -> str:
    """Run a module of ours with one FAISS and BLAS thread; return its stdout. Raises `RunFailed`."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", module, *arguments],
        input=stdin, stdout=subprocess.PIPE, text=True, env=one_thread(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RunFailed(f"{module} ended with {done.returncode}")
    return done.stdout


def one_thread() -> dict[str, str]:
    """Return the environment for a process that computes in one thread."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _check(n: int, dimension: int) -> None:
    if n < _LEAST_TEMPLATES or dimension < 2:
        raise InvalidInput(f"--n {n} --dim {dimension}: at least {_LEAST_TEMPLATES} templates of 2 numbers")
    need = int(n * dimension * _BYTES_A_TEMPLATE)
    free = _available_bytes()
    if need > free:
        raise InvalidInput(f"{n} templates need {need / 1e9:.1f} GB with FlatIP beside them, {free / 1e9:.1f} are free")


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise Unavailable("/proc/meminfo does not say how much memory is free")
