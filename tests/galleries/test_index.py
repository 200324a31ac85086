"""Both indexes in memory, by the suite for all of them; and what only the coded one promises."""

import itertools
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_suite import DIMENSION, IndexSuite, NewIndex, Oracle, units, uuid
from numpy.typing import NDArray

from yingbin.galleries import segment
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import apply, normalise
from yingbin.galleries.rowtable import BadId, RowTable, pack_ids, unpack_id
from yingbin.galleries.scan import CodeScan, least_coarse
from yingbin.ids import new_id


class TestFlatIndex(IndexSuite):
    @pytest.fixture
    def new_index(self) -> NewIndex:
        return FlatIndex


class TestCodeIndex(IndexSuite):
    @pytest.fixture
    def new_index(self) -> NewIndex:
        return CodeIndex


class TestCodeIndexInManySegments(IndexSuite):
    @pytest.fixture
    def new_index(self) -> NewIndex:
        return lambda dimension: CodeIndex(dimension, segment_rows=3)


class TestCodeIndexThatLooksTwice(IndexSuite):
    """As if every gallery were large: the first look fetches too few candidates."""

    @pytest.fixture
    def new_index(self, monkeypatch: pytest.MonkeyPatch) -> NewIndex:
        monkeypatch.setattr(segment, "_FIRST_LOOK", 1)
        return CodeIndex


def ids(n: int) -> list[str]:
    return [new_id() for _ in range(n)]


def faces(n: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Return vectors whose numbers have unequal variances and a mean, behind a random transform; always the same."""
    rng = np.random.default_rng(seed)
    spread = 1 / np.sqrt(1 + np.arange(dimension) / 20)
    drawn = rng.standard_normal((n, dimension)) * spread + 0.1
    raw = np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)
    return apply(np.asarray(np.linalg.qr(rng.standard_normal((dimension, dimension)))[0], np.float32), raw)


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


def test_templates_that_cancel_out_leave_the_gallery_whole() -> None:
    (vector,) = units(1, 1)
    for index in (FlatIndex(DIMENSION), CodeIndex(DIMENSION)):
        index.add_many([uuid(1), uuid(2)], [uuid(100)] * 2, np.stack([vector, -vector]))
        assert index.count == 1
        assert index.remove(uuid(2))
        held = index.vector_of(uuid(100))
        assert held is not None
        assert float(held @ vector) == pytest.approx(1, abs=1e-5)


def test_C5_a_removed_vector_is_overwritten() -> None:
    """Neither the row of somebody removed nor the place that the last row left keeps anything of him."""
    rows = segment.Segment(DIMENSION, rows=4)
    vectors = units(3, 1)
    keys = pack_ids([uuid(n) for n in range(1, 4)])
    rows.append(keys, keys, rows.encode(vectors))
    assert rows.drop(0) == 2
    assert rows.drop(0) == 1
    assert rows.drop(0) == 0
    rows.reserve(3)
    for column in rows.columns():
        assert not np.asarray(column).any()


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


OTHER_IDS = ["", "anna", "张三", uuid(0xA).upper(), "{" + uuid(1) + "}", "00000000-0000-0000-0000-000000000000"]


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


def test_ids_as_numbers_and_back() -> None:
    (key,) = pack_ids([uuid(77)])
    assert unpack_id(key) == uuid(77)
    for wrong in OTHER_IDS:
        with pytest.raises(BadId, match="UUID"):
            pack_ids([wrong])


@pytest.mark.parametrize("dimension", [15, 127, 301])
def test_a_dimension_may_be_odd(dimension: int) -> None:
    index, vectors, customers = CodeIndex(dimension), units(50, 1, dimension), ids(50)
    index.add_many(customers, customers, vectors)
    for vector, customer, hit in zip(vectors, customers, index.search(vectors), strict=True):
        assert hit is not None
        assert hit.customer_id == customer
        assert hit.score == pytest.approx(float(vector @ vector), abs=1e-3)


def test_the_code_book_is_the_best_of_its_size() -> None:
    """Each point is the mean of what is nearest to it (Lloyd), and the error is the one the search relies on."""
    scan = CodeScan(2, rows=1)
    normal = np.random.default_rng(1).standard_normal((400_000, 2)).astype(np.float32) / np.float32(np.sqrt(2))
    codes = scan.encode(normal)
    points = scan.decode(codes)
    assert float(((normal - points) ** 2).mean() * 2) == pytest.approx(0.1076, abs=0.001)
    for code in np.unique(codes):
        cell = codes[:, 0] == code
        assert normal[cell].mean(axis=0) == pytest.approx(points[cell][0], abs=0.01)


changes = st.lists(st.tuples(st.sampled_from(["insert", "delete", "move"]), st.integers(0, 5)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(changes)
def test_row_table_agrees_with_a_dict(taken: list[tuple[str, int]]) -> None:
    table = RowTable()
    keys = pack_ids([uuid(n + 1) for n in range(6)])
    keys[5, 1] = keys[4, 1]  # two keys that share a word
    held: dict[int, list[int]] = {word: [] for word in keys[:, 1].tolist()}
    for turn, (what, which) in enumerate(taken):
        rows = held[int(keys[which, 1])]
        if what == "insert":
            table.insert(keys[which], turn)
            rows.append(turn)
        elif rows and what == "delete":
            table.delete(keys[which], rows.pop())
        elif rows:
            table.move(keys[which], rows[-1], 1000 + turn)
            rows[-1] = 1000 + turn
        if turn % 7 == 6:  # as if it had grown
            table.insert_all(keys[:1], np.array([5000 + turn]))
            held[int(keys[0, 1])].append(5000 + turn)
        for key in keys:
            assert sorted(table.find(key)) == sorted(held[int(key[1])])
            assert table.may_hold(key[None, :])[0] or not held[int(key[1])]


def test_row_table_merges_what_has_grown() -> None:
    table, keys = RowTable(), pack_ids(ids(3_000))
    for row, key in enumerate(keys):
        table.insert(key, row)
    assert all(row in table.find(key) for row, key in enumerate(keys))
    assert table.may_hold(keys).all()
    assert not table.may_hold(pack_ids(ids(50))).any()


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


@pytest.mark.parametrize("dimension", [128, 512])
def test_a_coarse_cosine_is_off_as_the_search_expects(dimension: int) -> None:
    """True cosines of 0 to 1: hardly any row's coarse one is below `least_coarse` of 3 sigmas, many are below 1."""
    people, others = faces(2_000, dimension, 3), units(2_000, 4, dimension)
    share = np.linspace(0, 1, 2_000, dtype=np.float32)[:, None]
    probes = people * share + others * np.sqrt(1 - share**2)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    scan = CodeScan(dimension, rows=1)
    coarse = (scan.decode(scan.encode(people)) * probes).sum(axis=1)
    true = (people * probes).sum(axis=1)
    below = {
        sigmas: float(
            np.mean([c < least_coarse(float(t), dimension, sigmas) for c, t in zip(coarse, true, strict=True)])
        )
        for sigmas in (1.0, 3.0)
    }
    assert below[3.0] < 0.004
    assert 0.05 < below[1.0] < 0.2


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("left", [0.0, float(np.finfo(np.float32).max), float(np.finfo(np.float32).min), np.nan])
def test_a_scan_does_not_read_what_is_in_its_results(k: int, left: float) -> None:
    """Left to itself FAISS 1.15 does: with the largest fp32 there it then finds no row at all."""
    scan, vectors = CodeScan(128, 64), units(5, 1, 128)
    for row, code in enumerate(scan.encode(vectors)):
        scan.put(row, code)
    scan.used = 5
    search = scan._index.search
    scan._index = Recycling(scan._index, left)
    assert (scan.search(vectors, k)[1][:, 0] == np.arange(5)).all()
    assert (search(vectors, 5)[1] >= 0).all()


class Recycling:
    """A FAISS index whose arrays for results come with something in them, as memory used before does."""

    def __init__(self, index: Any, left: float) -> None:
        self._index, self._left = index, left

    def search(self, probes: Any, k: int) -> Any:
        cosines = np.full((len(probes), k), self._left, np.float32)
        return self._index.search(probes, k, D=cosines, I=np.empty((len(probes), k), np.int64))


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
