"""What outlives a process that holds a gallery, and which folders it does not take."""

import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_suite import DIMENSION, units, uuid
from sealed_house import PACK, House, add, present

from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.folder import WrongKey, WrongPack
from yingbin.galleries.folder_files import GalleryInUse
from yingbin.galleries.index import DuplicateTemplate, FlatIndex, TemplateIndex
from yingbin.galleries.protect import BadVector
from yingbin.galleries.records import GalleryDamaged
from yingbin.galleries.sealed import SealedGallery
from yingbin.trust.keystore import FileKeyStore

steps = st.lists(st.sampled_from(["add", "add", "remove", "forget", "seal", "new epoch", "reopen"]), max_size=25)


@pytest.mark.parametrize("new_index", [CodeIndex, FlatIndex])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=steps)
def test_everything_acknowledged_is_there_after_a_restart(
    tmp_path: Path, new_index: Callable[[int], TemplateIndex], taken: list[str]
) -> None:
    folder = tmp_path / "vip"
    shutil.rmtree(folder, ignore_errors=True)
    house = House(folder, new_index)
    gallery, expected = house.open(), set[int]()
    for turn, what in enumerate(taken, 1):
        match what:
            case "add":
                add(gallery, turn)
                expected.add(turn)
            case "remove" if expected:
                assert gallery.remove(uuid(expected.pop()))
            case "forget" if expected:
                assert gallery.remove_customer(uuid(1000 + expected.pop())) == 1
            case "seal":
                gallery.seal()
            case "new epoch":
                gallery.seal(new_epoch=True)
            case "reopen":
                gallery = house.reopened()
        assert present(gallery, range(1, turn + 1)) == expected
    assert present(house.reopened(), range(1, len(taken) + 1)) == expected
    house.close()


def test_several_templates_and_calls_outlive_it(house: House) -> None:
    gallery, vectors = house.open(), units(3, 7)
    gallery.add_many([uuid(1), uuid(2), uuid(3)], [uuid(1001)] * 3, vectors)
    gallery.seal()
    gallery.remove(uuid(2))
    before = gallery.search(vectors)
    assert house.reopened().search(vectors) == before


def test_a_refused_change_is_not_kept(house: House) -> None:
    gallery = house.open()
    add(gallery, 1)
    with pytest.raises(DuplicateTemplate):
        add(gallery, 1)
    with pytest.raises(BadVector):
        gallery.add(uuid(2), uuid(1002), np.zeros(DIMENSION, np.float32))
    assert present(house.reopened(), range(1, 3)) == {1}


def test_one_process_owns_a_folder(house: House) -> None:
    house.open()
    with pytest.raises(GalleryInUse, match="another process"):
        house.open()
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(GalleryInUse, match="another process"):
        pool.apply(_open_elsewhere, (house.folder,))
    assert house.reopened().count == 0


def _open_elsewhere(folder: Path) -> None:
    House(folder).open()


def test_another_pack_is_refused(house: House) -> None:
    add(house.open(), 1)
    house.close()
    with pytest.raises(WrongPack, match=f"{PACK}.*buffalo_l"):
        house.open(pack_id="buffalo_l")
    with pytest.raises(WrongPack, match="16 numbers"):
        house.open(dimension=32)
    assert present(house.open(), range(1, 2)) == {1}  # a refusal lets go of the folder and changes nothing


def test_a_key_that_is_not_there_is_named(house: House) -> None:
    add(house.open(), 1)
    house.close()
    key = house.key
    house.keys.secrets.clear()
    with pytest.raises(WrongKey, match=f"under {key}, which"):
        house.open()


def test_another_key_of_that_name_opens_nothing(house: House) -> None:
    add(house.open(), 1)
    house.close()
    house.keys.secrets[house.key] = os.urandom(32)
    with pytest.raises(GalleryDamaged, match="journal-000000"):
        house.open()


def test_it_works_with_the_key_file(tmp_path: Path) -> None:
    def opened() -> SealedGallery:
        keys = FileKeyStore(tmp_path / "keys", "secret")
        return SealedGallery(
            tmp_path / "vip", CodeIndex(DIMENSION), keys, name="vip", pack_id=PACK, dimension=DIMENSION
        )  # fmt: skip

    gallery = opened()
    add(gallery, 1)
    gallery.seal(new_epoch=True)
    gallery.close()
    gallery = opened()
    assert present(gallery, range(1, 2)) == {1}
    gallery.close()
