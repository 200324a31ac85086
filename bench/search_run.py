"""One gallery, measured in a process of its own so that its memory is its own: `python -m bench.search_run N DIM`."""

import contextlib
import ctypes
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.population import Matrix, Numbers, Population, ids_of, number_of
from yingbin.errors import YingbinError
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.decide import Hit
from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.protect import fused
from yingbin.galleries.scan import ExactScan
from yingbin.trust.seal import Sealer

_TWO_TEMPLATES: Final = 100
"""Every 100th person has two."""
_LEAVERS: Final = 20
"""Every 20th person enrolled is removed again, in the course of it."""
_CHANGES: Final = 1_000
_QUERIES: Final = 1_000
_EXACT_QUERIES: Final = 40
_LARGE: Final = 500_000
_WARM_UP: Final = 5
_TIE: Final = 1e-3
"""What the wire may change in a cosine (DESIGN 7)."""


class WrongAnswer(YingbinError):
    """The index answered what it must not."""

    code = "wrong_answer"


def measure(n: int, dimension: int) -> list[dict[str, Any]]:
    """Return the figures of the index, and of FlatIP beside it, for `n` templates."""
    population = Population(dimension)
    people = round(n / (1 + 1 / _TWO_TEMPLATES))
    enrolled = round(people * _LEAVERS / (_LEAVERS - 1))
    _enrol(CodeIndex(dimension), population, population.blocks(enrolled)[0])  # libraries take memory of their own
    before_mb = _rss_mb()
    index: TemplateIndex = CodeIndex(dimension)
    started_s = time.perf_counter()
    for block in population.blocks(enrolled):
        _enrol(index, population, block)
    built_s = time.perf_counter() - started_s
    ram_mb = _rss_mb() - before_mb
    mated, probes = _probes(population, enrolled, _QUERIES if n <= _LARGE else _QUERIES // 2)
    ours_ms, hits = _one_by_one(lambda probe: index.search(probe)[0], probes)
    batch_ms = [_timed_ms(index.search, probes[start : start + 16]) for start in range(0, 320, 16)]
    figures = _changes(index, population, enrolled) | _busy(index, probes, population, enrolled)
    exact = ExactScan(dimension)
    for block in population.blocks(enrolled):
        stay = block % _LEAVERS != 0
        exact.add(block[stay], _searched_by(population, block)[stay])
    exact_ms, _ = _one_by_one(lambda probe: exact.search(probe, 2), probes[:: len(probes) // _EXACT_QUERIES])
    speedup = round(float(np.median(exact_ms) / np.median(ours_ms)), 1)
    common = {"n": n, "dim": dimension, "identities": index.count, "exact_p50_ms": _percentile(exact_ms, 50)}
    ours = common | {
        "index": "codes",
        "p50_ms": _percentile(ours_ms, 50),
        "p99_ms": _percentile(ours_ms, 99),
        "speedup_p50": speedup,
        "ram_mb": round(ram_mb, 1),
        "batch16_qps": round(16_000 / float(np.median(batch_ms)), 1),
        "built_s": round(built_s, 1),
        "queries": len(probes),
    }
    flat = common | {
        "index": "FlatIP",
        "p50_ms": _percentile(exact_ms, 50),
        "p99_ms": _percentile(exact_ms, 99),
        "speedup_p50": 1.0,
        "agreement": 1.0,
        "ram_mb": round(index.count * dimension * 4 / 1e6, 1),
        "batch16_qps": -1,
        "add_ms": -1,
        "remove_ms": -1,
        "queries": len(exact_ms),
    }
    return [ours | _agreement(hits, mated, *exact.search(probes, 2)) | figures, flat]


def _agreement(hits: list[Hit | None], mated: Numbers, cosines: Matrix, people: Numbers) -> dict[str, float]:
    """Compare the best identities with those of the exact scan, whose two best for each probe are given."""
    found = np.array([number_of(hit.customer_id) if hit else -1 for hit in hits])
    scores = np.array([hit.score if hit else -1 for hit in hits])
    same = found == people[:, 0]
    tied = same | ((found == people[:, 1]) & (cosines[:, 0] - cosines[:, 1] < _TIE))
    shares = {
        "agreement": same,
        "agreement_mated": same[: len(mated)],
        "agreement_non_mated": same[len(mated) :],
        "agreement_but_for_ties_1e3": tied,
        "mated_found": found[: len(mated)] == mated,
    }
    figures = {key: round(float(share.mean()), 4) for key, share in shares.items()}
    return figures | {"cosine_error_max": round(float(np.abs(scores - cosines[:, 0])[same].max()), 6)}


def _enrol(index: TemplateIndex, population: Population, block: Numbers) -> None:
    faces, two = population.faces(block), block % _TWO_TEMPLATES == 1
    index.add_many(ids_of(block, 1), ids_of(block, 0), faces)
    seconds = population.second_templates(faces[two], block[two])
    index.add_many(ids_of(block[two], 2), ids_of(block[two], 0), seconds)
    for customer_id in ids_of(block[block % _LEAVERS == 0], 0):
        index.remove_customer(customer_id)


def _searched_by(population: Population, block: Numbers) -> Matrix:
    """Return what an exact index searches these people by."""
    faces = population.faces(block)
    two = np.flatnonzero(block % _TWO_TEMPLATES == 1)
    for at, second in zip(two, population.second_templates(faces[two], block[two]), strict=True):
        faces[at] = fused(np.stack([faces[at], second]))
    return faces


def _probes(population: Population, enrolled: int, n: int) -> tuple[Numbers, Matrix]:
    """Return who is seen in the first half, and all probes; nobody in the second half is enrolled."""
    blocks = population.blocks(enrolled)
    some = blocks[:: max(1, len(blocks) // 16)][:16]
    faces, people = [], []
    for block in some:
        here = np.flatnonzero(block % _LEAVERS != 0)[: -(-n // 2 // len(some))]
        faces.append(_searched_by(population, block)[here])
        people.append(block[here])
    who = np.concatenate(people)[: n // 2]
    seen = population.probes(np.concatenate(faces)[: n // 2])
    return who, np.concatenate([seen, population.strangers(len(seen))])


def _changes(index: TemplateIndex, population: Population, enrolled: int) -> dict[str, float]:
    """Add people and remove others, one by one; each must be found, or not, at once."""
    newcomers = np.arange(enrolled, enrolled + _CHANGES)
    faces = population.strangers(2 * _CHANGES)[_CHANGES:]
    templates, customers = ids_of(newcomers, 1), ids_of(newcomers, 0)
    added = [_timed_ms(index.add, *one) for one in zip(templates, customers, faces, strict=True)]
    visible = index.search(faces[::100])
    removed = [_timed_ms(index.remove, template) for template in templates]
    left = index.search(faces[::100])
    if [hit and hit.customer_id for hit in visible] != customers[::100]:
        raise WrongAnswer("somebody who was added was not found at once")
    if {hit.customer_id for hit in left if hit} & set(customers):
        raise WrongAnswer("somebody who was removed was still found")
    return {
        "add_ms": _percentile(added, 50),
        "add_p99_ms": _percentile(added, 99),
        "remove_ms": _percentile(removed, 50),
        "remove_p99_ms": _percentile(removed, 99),
    }


def _busy(index: TemplateIndex, probes: Matrix, population: Population, enrolled: int) -> dict[str, float]:
    """Return the 99th percentile of searches while another thread changes the index, and while it seals it."""
    newcomers = np.arange(enrolled, enrolled + 200)
    faces = population.strangers(200)
    templates, customers = ids_of(newcomers, 1), ids_of(newcomers, 0)

    def change() -> None:
        for template, customer, face in zip(templates, customers, faces, strict=True):
            index.add(template, customer, face)
            index.remove(template)
            time.sleep(0.001)

    sealer = Sealer(os.urandom(32))

    def seal() -> None:
        for chunk in index.snapshot():
            sealer.seal(bytes(chunk), "bench")

    some = probes[:300]
    figures = {}
    for key, work in (("p99_while_changing_ms", change), ("p99_while_sealing_ms", seal)):
        with _in_background(work):
            figures[key] = _percentile(_one_by_one(index.search, some)[0], 99)
    return figures


@contextlib.contextmanager
def _in_background(work: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def again() -> None:
        while not over.is_set():
            work()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _one_by_one(search: Callable[[Matrix], Any], probes: Matrix) -> tuple[list[float], list[Any]]:
    for probe in probes[:_WARM_UP]:
        search(probe[None, :])
    times_ms, answers = [], []
    for probe in probes:
        started_s = time.perf_counter()
        answers.append(search(probe[None, :]))
        times_ms.append(1e3 * (time.perf_counter() - started_s))
    return times_ms, answers


def _timed_ms(work: Callable[..., object], *arguments: object) -> float:
    started_s = time.perf_counter()
    work(*arguments)
    return 1e3 * (time.perf_counter() - started_s)


def _percentile(times_ms: list[float], percent: float) -> float:
    return round(float(np.percentile(times_ms, percent)), 3)


def _rss_mb() -> float:
    """Return the memory of this process, without what the allocator keeps of what was freed."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # another libc
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
