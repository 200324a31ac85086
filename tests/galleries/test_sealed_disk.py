"""A disk that takes nothing more: what is refused, what goes on."""

import errno
import os

import pytest
from index_suite import uuid
from sealed_house import House, add, present

from yingbin.errors import StorageFull, Unavailable
from yingbin.galleries.records import RecordWriter


def test_a_full_disk_keeps_nothing_and_recovers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = house.open()
    add(gallery, 1)
    journal = gallery._folder._journal._file
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
        patch.setattr(gallery._folder._journal, "_file", Full())
        with pytest.raises(StorageFull, match="full"):
            add(gallery, 2)
        with pytest.raises(StorageFull, match="full"):
            gallery.remove(uuid(1))
    assert present(gallery, range(1, 3)) == {1}
    add(gallery, 3)
    assert present(house.reopened(), range(1, 4)) == {1, 3}


def test_C5_who_withdraws_while_the_disk_is_full_is_found_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = house.open()
    add(gallery, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "_write", _no_room)
        with pytest.raises(StorageFull, match="full"):
            gallery.remove_customer(uuid(1001))
    assert present(gallery, range(1, 3)) == {2}


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no space left")


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
