"""One night of inference in a process of its own, whose memory is therefore its own: started by `offers_bench.py`."""

import json
import resource
import sys
import time
from pathlib import Path

from yingbin.offers.insights.nightly import infer


def main(folder: str, out: str) -> None:
    """Infer from the tables in `folder`; print seconds and the peak of memory in MB."""
    began_s = time.perf_counter()
    infer(Path(folder), Path(out))
    took_s = time.perf_counter() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"nightly_s": round(took_s, 1), "nightly_rss_mb": round(peak_mb)}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
