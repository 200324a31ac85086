"""Both indexes in memory, by the suite for all of them."""

import numpy as np
import pytest
from index_suite import DIMENSION, IndexSuite, NewIndex, units, uuid

from yingbin.galleries import segment
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import FlatIndex


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


def test_templates_that_cancel_out_leave_the_gallery_whole() -> None:
    (vector,) = units(1, 1)
    for index in (FlatIndex(DIMENSION), CodeIndex(DIMENSION)):
        index.add_many([uuid(1), uuid(2)], [uuid(100)] * 2, np.stack([vector, -vector]))
        assert index.count == 1
        assert index.remove(uuid(2))
        held = index.vector_of(uuid(100))
        assert held is not None
        assert float(held @ vector) == pytest.approx(1, abs=1e-5)
