"""Whoever writes does not wait for a seal, and what the seal writes is what was there when it began."""

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from index_suite import DIMENSION, units, uuid
from sealed_house import House, add, present

from yingbin.galleries import snapshot
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import FlatIndex, TemplateIndex
from yingbin.galleries.sealed import SealedGallery

PEOPLE = range(1, 60)


def small_segments(dimension: int) -> CodeIndex:
    return CodeIndex(dimension, segment_rows=40)


@pytest.fixture(params=[FlatIndex, small_segments])
def new_index(request: pytest.FixtureRequest) -> Callable[[int], TemplateIndex]:
    made: Callable[[int], TemplateIndex] = request.param
    return made


@pytest.mark.parametrize("seed", range(6))
def test_a_snapshot_is_that_of_its_moment_whatever_is_written_before_it_is_read(
    new_index: Callable[[int], TemplateIndex], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES", 77)  # so that rows lie across the ends of pieces
    chance, index = random.Random(seed), new_index(DIMENSION)
    templates = {number: units(1, number)[0] for number in PEOPLE}
    for number, vector in templates.items():
        index.add(uuid(number), uuid(1000 + number // 2), vector)
    for number in chance.sample(PEOPLE, 9):
        index.remove(uuid(number))
    held = {number: index.vector_of(uuid(1000 + number // 2)) for number in PEOPLE}
    count, keys = index.count, index.template_keys()

    chunks = []
    for chunk in index.snapshot():
        chunks.append(bytes(chunk))
        number = chance.choice(PEOPLE)
        if not index.remove(uuid(number)):
            index.add(uuid(number), uuid(1000 + number // 2), units(1, 100 + chance.randrange(99))[0])
        if chance.random() < 0.1:
            index.remove_customer(uuid(1000 + chance.choice(PEOPLE) // 2))

    restored = small_segments(DIMENSION) if isinstance(index, CodeIndex) else new_index(DIMENSION)
    restored.restore(iter(chunks))
    assert restored.count == count
    assert sorted(restored.template_keys().tolist()) == sorted(keys.tolist())
    for number, vector in held.items():
        again = restored.vector_of(uuid(1000 + number // 2))
        assert (again is None) == (vector is None)
        assert vector is None or again is None or (again == vector).all()


class Slow(CodeIndex):
    """Has its snapshot stop after the first chunk until it is let go on."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def snapshot(self) -> Iterator[bytes | memoryview]:
        chunks = super().snapshot()

        def slowly() -> Iterator[bytes | memoryview]:
            yield next(chunks)
            self.begun.set()
            assert self.go_on.wait(20)
            yield from chunks

        return slowly()


@pytest.mark.parametrize("new_epoch", [False, True])
def test_C5_changes_while_it_is_sealed_are_done_at_once_and_outlive_it(tmp_path: Path, *, new_epoch: bool) -> None:
    house = House(tmp_path / "gallery", Slow)
    gallery = house.open()
    add(gallery, 1, 2, 3)
    index = slow_of(gallery)
    sealing = threading.Thread(target=lambda: gallery.seal(new_epoch=new_epoch))
    sealing.start()
    assert index.begun.wait(20)
    add(gallery, 4)  # in this thread, while the seal is held up: it would wait for ever if it had to
    assert gallery.remove(uuid(2))
    assert gallery.remove_customer(uuid(1001)) == 1
    assert present(gallery, range(1, 6)) == {3, 4}

    killed = House(tmp_path / "killed")  # as a kill -9 at this moment would leave it
    shutil.copytree(house.folder, killed.folder, ignore=shutil.ignore_patterns("lock"))
    killed.keys.secrets = dict(house.keys.secrets)
    assert present(killed.open(), range(1, 6)) == {3, 4}
    killed.close()

    index.go_on.set()
    sealing.join()
    house.close()
    after = House(house.folder)
    after.keys = house.keys
    assert present(after.open(), range(1, 6)) == {3, 4}
    after.close()


def slow_of(gallery: SealedGallery) -> Slow:
    index = gallery._index
    assert isinstance(index, Slow)
    return index
