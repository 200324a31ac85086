"""The keys of a gallery on the disk: what a new epoch makes unreadable, whatever happens meanwhile (C5)."""

import shutil
from pathlib import Path

import pytest
from index_suite import units, uuid
from sealed_house import House, add, present

from yingbin.galleries.folder import SealedFolder, WrongKey, opened
from yingbin.ids import now_ms


def test_C5_a_new_epoch_makes_every_old_copy_unreadable(house: House, tmp_path: Path) -> None:
    gallery = house.open()
    add(gallery, 1, 2)
    gallery.seal()
    add(gallery, 3)
    shutil.copytree(house.folder, tmp_path / "backup")
    before = house.key
    gallery.remove_customer(uuid(1001))
    gallery.seal(new_epoch=True)
    assert house.key != before
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


def test_a_crash_while_sealing_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new journal has begun and the snapshot is half written: the old snapshot and both journals hold."""
    gallery = house.open()
    add(gallery, 1)
    gallery.seal()
    before = house.key
    add(gallery, 2)
    with monkeypatch.context() as patch:
        patch.setattr(SealedFolder, "_write_snapshot", _crash)
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
    assert house.key != before


def test_a_crash_after_sealing_leaves_no_old_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = house.open()
    add(gallery, 1)
    before = house.key
    with monkeypatch.context() as patch:
        patch.setattr(SealedFolder, "_remove_before", _crash)
        with pytest.raises(KeyboardInterrupt):
            gallery.seal(new_epoch=True)
    assert len(house.keys.secrets) == 2
    assert present(house.reopened(), range(1, 2)) == {1}
    assert house.key != before
    assert sorted(path.name for path in house.folder.iterdir()) == ["journal-000001", "lock", "snapshot-000001"]


def _crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_C5_a_new_epoch_takes_what_was_moved_aside_and_its_key_with_it(house: House) -> None:
    gallery = house.open()
    add(gallery, 1)
    gallery.seal()
    house.close()
    its_key = house.key
    (house.folder / "journal-000001").write_bytes(b"something else")
    gallery = opened(house.folder, house.open)
    assert its_key in house.keys.secrets
    gallery.seal(new_epoch=True)
    assert house.key != its_key
    assert not house.folder.with_name("vip.aside").exists()


def test_an_epoch_knows_when_it_began_even_after_a_restart(house: House) -> None:
    before_ms = now_ms()
    gallery = house.open()
    first_ms = gallery._folder.epoch_began_ms
    assert before_ms <= first_ms <= now_ms()
    gallery.seal()
    assert house.reopened()._folder.epoch_began_ms == first_ms
    gallery = house.reopened()
    gallery.seal(new_epoch=True)
    assert gallery._folder.epoch_began_ms > first_ms
