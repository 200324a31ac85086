"""The folder of a gallery: what outlives a crash, what is refused, and what a new key makes unreadable."""

import errno
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_suite import DIMENSION, units, uuid

from yingbin.errors import NotFound, StorageFull, Unavailable
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import DuplicateTemplate, FlatIndex, TemplateIndex
from yingbin.galleries.protect import BadVector
from yingbin.galleries.records import GalleryDamaged
from yingbin.galleries.sealed import GalleryInUse, SealedGallery, WrongKey, WrongPack
from yingbin.trust.keystore import FileKeyStore

PACK = "opencv-zoo"


class Keys:
    """A key store without a file, for speed."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        if name not in self.secrets:
            raise NotFound(name)
        return self.secrets[name]

    def put(self, name: str, secret: bytes) -> None:
        self.secrets[name] = secret

    def get_or_create(self, name: str, size_bytes: int) -> bytes:
        return self.secrets.setdefault(name, os.urandom(size_bytes))

    def destroy(self, name: str) -> None:
        self.secrets.pop(name, None)


class House:
    """One folder and its keys, opened and closed at will."""

    def __init__(self, folder: Path, new_index: Callable[[int], TemplateIndex] = CodeIndex) -> None:
        self.folder = folder
        self.keys = Keys()
        self._new_index = new_index
        self._open: list[SealedGallery] = []

    def open(self, *, pack_id: str = PACK, dimension: int = DIMENSION) -> SealedGallery:
        index = self._new_index(dimension)
        gallery = SealedGallery(self.folder, index, self.keys, name="vip", pack_id=pack_id, dimension=dimension)
        self._open.append(gallery)
        return gallery

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def reopened(self) -> SealedGallery:
        self.close()
        return self.open()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path / "vip")
    yield built
    built.close()


def add(gallery: SealedGallery, *numbers: int) -> None:
    for number in numbers:
        gallery.add(uuid(number), uuid(1000 + number), units(1, number)[0])


def present(gallery: SealedGallery, numbers: range) -> set[int]:
    """Return who of `numbers` is there; a vector that is there must be his."""
    found = set()
    for number in numbers:
        vector = gallery.vector_of(uuid(1000 + number))
        if vector is not None:
            assert float(vector @ units(1, number)[0]) > 0.9999
            found.add(number)
    return found


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
    house.keys.secrets.clear()
    with pytest.raises(WrongKey, match="gallery/vip/1"):
        house.open()


def test_another_key_of_that_name_opens_nothing(house: House) -> None:
    add(house.open(), 1)
    house.close()
    house.keys.secrets["gallery/vip/1"] = os.urandom(32)
    with pytest.raises(GalleryDamaged, match="journal-000000"):
        house.open()


def test_C5_a_new_epoch_makes_every_old_copy_unreadable(house: House, tmp_path: Path) -> None:
    gallery = house.open()
    add(gallery, 1, 2)
    gallery.seal()
    add(gallery, 3)
    shutil.copytree(house.folder, tmp_path / "backup")
    gallery.remove_customer(uuid(1001))
    gallery.seal(new_epoch=True)
    assert set(house.keys.secrets) == {"gallery/vip/2"}
    assert present(house.reopened(), range(1, 4)) == {2, 3}
    house.close()
    shutil.rmtree(house.folder)
    shutil.copytree(tmp_path / "backup", house.folder)
    with pytest.raises(WrongKey, match="destroyed"):
        house.open()


def test_C5_nothing_readable_is_on_the_disk(house: House) -> None:
    gallery = house.open()
    add(gallery, 1)
    gallery.seal()
    add(gallery, 2)
    written = b"".join(path.read_bytes() for path in house.folder.iterdir())
    for number in (1, 2):
        assert units(1, number).tobytes()[:8] not in written
        assert uuid(1000 + number).encode() not in written
        assert bytes.fromhex(uuid(1000 + number).replace("-", ""))[:8] not in written


def test_a_torn_tail_is_cut_off(house: House) -> None:
    """A crash in the middle of a write: what was acknowledged before stays, and writing goes on."""
    gallery, journal, sizes = house.open(), house.folder / "journal-000000", []
    for number in (1, 2, 3):
        add(gallery, number)
        sizes.append(journal.stat().st_size)
    house.close()
    whole = journal.read_bytes()
    for size in range(sizes[1], sizes[2]):
        journal.write_bytes(whole[:size])
        gallery = house.open()
        assert present(gallery, range(1, 4)) == {1, 2}
        add(gallery, 4)
        assert present(house.reopened(), range(1, 5)) == {1, 2, 4}
        house.close()
    journal.write_bytes(whole + bytes(512))  # room the file system gave, never filled
    assert present(house.open(), range(1, 4)) == {1, 2, 3}


@pytest.mark.parametrize("name", ["journal-000001", "snapshot-000001"])
def test_damage_is_an_error_that_names_the_file_and_what_to_do(house: House, name: str) -> None:
    gallery = house.open()
    add(gallery, 1, 2)
    gallery.seal()
    add(gallery, 3, 4)
    house.close()
    path = house.folder / name
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(GalleryDamaged, match=f"{name} is damaged at byte .*: move"):
            house.open()
    path.write_bytes(whole)
    assert present(house.open(), range(1, 5)) == {1, 2, 3, 4}


def test_a_truncated_snapshot_is_damaged(house: House) -> None:
    gallery = house.open()
    add(gallery, 1, 2)
    gallery.seal()
    house.close()
    path = house.folder / "snapshot-000001"
    whole = path.read_bytes()
    for size in range(0, len(whole), 11):
        path.write_bytes(whole[:size])
        with pytest.raises(GalleryDamaged, match="snapshot-000001"):
            house.open()


def test_a_missing_or_swapped_file_is_damaged(house: House) -> None:
    gallery = house.open()
    add(gallery, 1)
    gallery.seal()
    add(gallery, 2)
    house.close()
    journal, snapshot = house.folder / "journal-000001", house.folder / "snapshot-000001"
    kept = house.folder.parent / "kept"
    for path in (journal, snapshot):
        path.rename(kept)
        with pytest.raises(GalleryDamaged, match="lacks"):
            house.open()
        kept.rename(path)
    shutil.copy(journal, kept)
    shutil.copy(snapshot, journal)
    with pytest.raises(GalleryDamaged, match="journal-000001"):
        house.open()


def test_a_crash_while_sealing_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new journal has begun and the snapshot is half written: the old snapshot and both journals hold."""
    gallery = house.open()
    add(gallery, 1)
    gallery.seal()
    add(gallery, 2)
    with monkeypatch.context() as patch:
        patch.setattr(SealedGallery, "_write_snapshot", _crash)
        with pytest.raises(KeyboardInterrupt):
            gallery.seal(new_epoch=True)
    (house.folder / "draft").write_bytes(b"half a snapsh")
    add(gallery, 3)
    assert sorted(path.name for path in house.folder.iterdir()) == [
        "draft", "journal-000001", "journal-000002", "lock", "snapshot-000001"
    ]  # fmt: skip
    gallery = house.reopened()
    assert present(gallery, range(1, 4)) == {1, 2, 3}
    gallery.seal()
    assert present(house.reopened(), range(1, 4)) == {1, 2, 3}
    assert set(house.keys.secrets) == {"gallery/vip/2"}


def test_a_crash_after_sealing_leaves_no_old_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = house.open()
    add(gallery, 1)
    with monkeypatch.context() as patch:
        patch.setattr(SealedGallery, "_remove_before", _crash)
        with pytest.raises(KeyboardInterrupt):
            gallery.seal(new_epoch=True)
    assert len(house.keys.secrets) == 2
    assert present(house.reopened(), range(1, 2)) == {1}
    assert set(house.keys.secrets) == {"gallery/vip/2"}
    assert sorted(path.name for path in house.folder.iterdir()) == ["journal-000001", "lock", "snapshot-000001"]


def _crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_keeps_nothing_and_recovers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = house.open()
    add(gallery, 1)
    journal = gallery._journal._file
    real = journal.write

    class Full:
        """Takes half of a record, then has no room."""

        def __getattr__(self, name: str) -> object:
            return getattr(journal, name)

        def write(self, raw: memoryview) -> int:
            if len(raw) < 40:
                raise OSError(errno.ENOSPC, "no space left")
            return real(raw[: len(raw) - 20])

    with monkeypatch.context() as patch:
        patch.setattr(gallery._journal, "_file", Full())
        with pytest.raises(StorageFull, match="full"):
            add(gallery, 2)
        with pytest.raises(StorageFull, match="full"):
            gallery.remove(uuid(1))
    assert present(gallery, range(1, 3)) == {1}
    add(gallery, 3)
    assert present(house.reopened(), range(1, 4)) == {1, 3}


def test_after_a_failed_sync_nothing_more_is_acknowledged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk holds is unknown then, so only a restart, which reads it, goes on."""
    gallery = house.open()
    add(gallery, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", _io_error)
        with pytest.raises(Unavailable, match="written"):
            add(gallery, 2)
    with pytest.raises(Unavailable, match="restart"):
        add(gallery, 3)
    assert present(gallery, range(1, 4)) == {1}
    assert present(house.reopened(), range(1, 4)) >= {1}


def _io_error(_: int) -> None:
    raise OSError(errno.EIO, "input/output error")


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
