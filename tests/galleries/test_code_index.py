"""What only the coded index promises."""

import itertools
import threading
from typing import Any

import numpy as np
import pytest
from index_suite import DIMENSION, OTHER_IDS, Oracle, faces, ids, units, uuid

from yingbin.galleries import segment
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import normalise
from yingbin.galleries.scan import CodeScan
from yingbin.ids import new_id


@pytest.mark.parametrize(("dimension", "error"), [(128, 1e-5), (512, 1e-3)])
def test_it_finds_whom_an_exact_scan_finds(dimension: int, error: float) -> None:
    people = faces(6_100, dimension, seed=1)
    enrolled, strangers = people[:6_000], people[6_000:]
    noise = units(100, 2, dimension)
    seen = np.stack([normalise(0.6 * one + 0.8 * other) for one, other in zip(enrolled, noise, strict=False)])
    probes = np.concatenate([seen, strangers])
    exact, coded = FlatIndex(dimension), CodeIndex(dimension, segment_rows=2_048)
    templates, customers = ids(6_000), ids(6_000)
    for index in (exact, coded):
        index.add_many(templates, customers, enrolled)
    for right, hit in zip(exact.search(probes), coded.search(probes), strict=True):
        assert right is not None
        assert hit is not None
        assert hit.score == pytest.approx(right.score, abs=error)
        assert hit.runner_up == pytest.approx(right.runner_up, abs=error)
        assert hit.customer_id == right.customer_id or right.score - right.runner_up < error


def test_a_crowd_of_look_alikes_cannot_hide_the_two_best() -> None:
    """More of them than one look fetches, nearer to each other than the coarse code can tell."""
    (centre,), crowd = units(1, 1, 128), units(1_500, 2, 128)
    crowd = np.stack([normalise(centre + 0.05 * one) for one in crowd])
    index, oracle = CodeIndex(128), Oracle()
    templates, customers = ids(1_500), ids(1_500)
    index.add_many(templates, customers, crowd)
    oracle.templates = dict(zip(templates, zip(customers, crowd, strict=True), strict=True))
    for probe, hit in zip(crowd[:20], index.search(crowd[:20]), strict=True):
        ranked = oracle.ranked(probe)
        assert hit is not None
        assert hit.customer_id == ranked[0][1]
        assert hit.runner_up == pytest.approx(ranked[1][0], abs=1e-5)


@pytest.mark.parametrize("remembered", [100, 2])
@pytest.mark.parametrize("enrolled", [1, 5, 1_000])
def test_what_is_written_during_a_scan_counts(enrolled: int, remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is removed after the scan saw him is not found; who is added, or moved to another row, is."""
    monkeypatch.setattr(segment, "_REMEMBERED", remembered)
    index, vectors, customers = CodeIndex(128), units(enrolled + 1, 1, 128), ids(enrolled + 1)
    index.add_many(customers[:-1], customers[:-1], vectors[:-1])
    scan, changes = CodeScan.search, iter([lambda: index.remove(customers[0]), lambda: index.add(*newcomer)])
    newcomer = customers[-1], customers[-1], vectors[-1]

    def interrupted(self: CodeScan, probes: Any, k: int) -> Any:
        seen = scan(self, probes, k)
        for change in itertools.islice(changes, 1):
            change()
        return seen

    monkeypatch.setattr(CodeScan, "search", interrupted)
    (gone,) = index.search(vectors[:1])
    assert gone is None or gone.customer_id != customers[0]
    (added,) = index.search(vectors[-1:])
    assert added is not None
    assert added.customer_id == customers[-1]
    for vector, customer, hit in zip(vectors[1:], customers[1:], index.search(vectors[1:]), strict=True):
        assert hit is not None
        assert hit.customer_id == customer
        assert hit.score == pytest.approx(float(vector @ vector), abs=1e-5)


def test_an_index_emptied_during_a_scan_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "_REMEMBERED", 2)
    index, vectors, customers = CodeIndex(DIMENSION), units(9, 1), ids(9)
    index.add_many(customers, customers, vectors)
    scan = CodeScan.search

    def interrupted(self: CodeScan, probes: Any, k: int) -> Any:
        seen = scan(self, probes, k)
        for customer in customers:
            index.remove(customer)
        return seen

    monkeypatch.setattr(CodeScan, "search", interrupted)
    assert index.search(vectors) == [None] * 9


def test_the_worst_of_all_codes_is_found_when_there_is_no_other() -> None:
    """FAISS leaves out a row that every table calls the worst."""
    index, vector, probe = CodeIndex(2), normalise(np.array([1.7674, 0.6116])), np.array([[-0.98, -0.2]])
    index.add(uuid(1), uuid(2), vector)
    (hit,) = index.search(np.asarray(probe / np.linalg.norm(probe), np.float32))
    assert hit is not None
    assert hit.customer_id == uuid(2)
    assert hit.score == pytest.approx(-0.991, abs=0.001)


def test_ids_may_be_any_text() -> None:
    index, vectors = CodeIndex(DIMENSION), units(len(OTHER_IDS), 1)
    index.add_many([f"of {one}" for one in OTHER_IDS], OTHER_IDS, vectors)
    restored = CodeIndex(DIMENSION)
    restored.restore(bytes(chunk) for chunk in index.snapshot())
    for one in (index, restored):
        assert [hit and hit.customer_id for hit in one.search(vectors)] == OTHER_IDS
        assert one.remove("of anna")
        assert one.remove_customer("张三") == 1
        assert {hit.customer_id for hit in one.search(vectors) if hit}.isdisjoint({"anna", "张三"})


@pytest.mark.parametrize("dimension", [15, 127, 301])
def test_a_dimension_may_be_odd(dimension: int) -> None:
    index, vectors, customers = CodeIndex(dimension), units(50, 1, dimension), ids(50)
    index.add_many(customers, customers, vectors)
    for vector, customer, hit in zip(vectors, customers, index.search(vectors), strict=True):
        assert hit is not None
        assert hit.customer_id == customer
        assert hit.score == pytest.approx(float(vector @ vector), abs=1e-3)


def test_a_large_segment_keeps_its_rows_apart() -> None:
    """More rows than `faiss.CodePacker` would address at once in so short codes."""
    vectors = units(5_000, 1)
    index = CodeIndex(DIMENSION)
    customers = [uuid(n + 1) for n in range(5_000)]
    index.add_many(customers, customers, vectors)
    for n in (0, 4_095, 4_096, 4_999):
        hit = index.search(vectors[n : n + 1])[0]
        assert hit is not None
        assert hit.customer_id == customers[n]


def test_writers_do_not_disturb_each_other() -> None:
    index = CodeIndex(DIMENSION, segment_rows=16)

    def write(lane: int) -> None:
        for n, vector in enumerate(units(60, lane)):
            index.add(uuid(1000 * lane + n), uuid(1000 * lane + n % 20), vector)
            if n % 3 == 2:
                assert index.remove(uuid(1000 * lane + n - 1))

    threads = [threading.Thread(target=write, args=(lane,)) for lane in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.count == 60


def test_a_floor_leaves_out_nobody_above_it() -> None:
    people = faces(6_100, 128, seed=1)
    index = CodeIndex(128)
    index.add_many([new_id() for _ in people], [new_id() for _ in people], people)
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.14, (200, 128)).astype(np.float32)
    probes = np.stack([normalise(one) for one in people[:200] + noise])
    for hit, known in zip(index.search(probes, floor=0.5), index.search(probes), strict=True):
        assert known is not None
        assert (hit is not None) == (known.score > 0.5)
        assert hit is None or (hit.customer_id, hit.score) == (known.customer_id, pytest.approx(known.score, abs=1e-5))
