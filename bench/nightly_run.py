"""One night's job in a process of its own, whose memory is therefore its own: started by `offers_bench.py`."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from yingbin.offers.insights.nightly import infer
from yingbin.offers.portrait.job import build_portrait

_JOBS: Final[Mapping[str, Callable[[Path, Path], object]]] = {"nightly": infer, "portrait": build_portrait}


def main(job: str, folder: str, out: str) -> None:
    """Run `job` on the tables in `folder`; print seconds and the peak of memory in MB."""
    began_s = time.perf_counter()
    _JOBS[job](Path(folder), Path(out))
    took_s = time.perf_counter() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({f"{job}_s": round(took_s, 1), f"{job}_rss_mb": round(peak_mb)}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
