"""Damaged folders: told apart from what a crash leaves, named, and moved aside where there is another truth."""

import shutil

import pytest
from index_suite import units, uuid
from sealed_house import PACK, House, add, present

from yingbin.galleries.folder import opened
from yingbin.galleries.folder_files import GalleryInUse
from yingbin.galleries.records import GalleryDamaged


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


@pytest.mark.parametrize("spoil", ["damage", "key", "pack"])
def test_what_cannot_be_used_is_moved_aside_and_made_anew(house: House, spoil: str) -> None:
    add(house.open(), 1)
    house.close()
    match spoil:
        case "damage":
            (house.folder / "journal-000000").write_bytes(b"something else")
        case "key":
            house.keys.secrets.clear()
    gallery = opened(house.folder, lambda: house.open(pack_id="another" if spoil == "pack" else PACK))
    assert gallery.count == 0
    assert (house.folder.with_name("vip.aside") / "journal-000000").exists()
    gallery.add(uuid(2), uuid(1002), units(1, 2)[0])


def test_a_folder_in_use_is_not_moved_aside(house: House) -> None:
    add(house.open(), 1)
    with pytest.raises(GalleryInUse):
        opened(house.folder, house.open)
    assert present(house.reopened(), range(1, 2)) == {1}
