"""What the coded index rests on: its code, its scan, its segments, its table of rows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_suite import DIMENSION, OTHER_IDS, faces, ids, units, uuid

from yingbin.galleries import segment
from yingbin.galleries.rowtable import BadId, RowTable, pack_ids, unpack_id
from yingbin.galleries.scan import CodeScan, least_coarse


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


def test_ids_as_numbers_and_back() -> None:
    (key,) = pack_ids([uuid(77)])
    assert unpack_id(key) == uuid(77)
    for wrong in OTHER_IDS:
        with pytest.raises(BadId, match="UUID"):
            pack_ids([wrong])


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
