"""The replica's folder: what a crash, an old copy, damage, a full disk or a second process do to the city (C5)."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from city_disk import folder_of, on_disk
from city_house import PASSPHRASE, House
from city_people import face
from city_sockets import wait_for
from city_visitors import Visitors

from city_server.app import build
from city_server.settings import CitySettings
from yingbin import wire
from yingbin.errors import NotFound
from yingbin.feed_wire import FeedKind
from yingbin.galleries.folder_files import GalleryInUse
from yingbin.galleries.records import RecordReader, RecordWriter
from yingbin.trust.keystore import FileKeyStore
from yingbin.wire import Outcome

CUSTOMERS = 60


def withdraw(house: House, customer_id: str) -> None:
    house.province.put(FeedKind.CARD_VIEW, customer_id, None)
    house.province.put(FeedKind.TEMPLATE, f"t-{customer_id}", None)


def keys_of(house: House) -> set[str]:
    files = [path for path in folder_of(house).iterdir() if path.name.startswith(("snapshot", "journal"))]
    return {RecordReader(path).header().key_id for path in files}


def test_C5_killed_while_it_applies_the_feed_nobody_is_lost_and_nobody_comes_back(
    open_house: Callable[..., House],
) -> None:
    house = open_house(in_process=False, started=False)
    province = house.province
    province.page_entries = 3
    for number in range(CUSTOMERS):
        house.province.enrol(house.view(f"guest-{number}", rm=""), face(100 + number), house.pack.pack_id)
        if number % 3 == 2:
            withdraw(house, f"guest-{number - 1}")
    head = len(province.entries)
    for share in (3, 2):
        house.start()
        wait_for(lambda share=share: max(province.asked_after, default=0) >= head // share)
        house.kill()
        asked = len(province.asked_after)
    house.start()
    visitors = Visitors(house.ready_box())
    wait_for(lambda: visitors.sees(100) is Outcome.MATCHED)
    assert province.asked_after[asked] >= head // 3, "it goes on where it was, not from the beginning"
    assert sorted(province.asked_after[asked:]) == province.asked_after[asked:]
    withdrawn = range(1, CUSTOMERS, 3)
    for number in (0, 2, CUSTOMERS - 1):
        assert visitors.sees(100 + number) is Outcome.MATCHED
    for number in (withdrawn[0], withdrawn[-1]):
        assert visitors.sees(100 + number) is Outcome.NOT_ENROLLED
    house.stop()
    memory, position = on_disk(house)
    expected = {f"guest-{number}" for number in range(CUSTOMERS) if number not in withdrawn}
    assert (position.up_to, set(memory.card_views)) == (head, expected | {"zhang", "li"})
    assert all(memory.vector_of(view) is not None for view in memory.card_views.values())
    assert memory.search(face(1), ["vip"])[1] == len(memory.card_views)


@pytest.mark.parametrize("its_key", ["is still there", "was destroyed"])
def test_C5_an_old_copy_of_the_folder_brings_nobody_back(
    open_house: Callable[..., House], tmp_path: Path, its_key: str
) -> None:
    house = open_house(gallery_key_h=1 / 3600) if its_key == "was destroyed" else open_house()
    assert Visitors(house.ready_box()).sees(1) is Outcome.MATCHED
    house.stop()
    shutil.copytree(folder_of(house), tmp_path / "copy")
    before = keys_of(house)
    house.start()
    visitors = Visitors(house.ready_box())
    withdraw(house, "zhang")
    wait_for(lambda: visitors.sees(1) is Outcome.NOT_ENROLLED, timeout_s=5)
    if its_key == "was destroyed":
        wait_for(lambda: not keys_of(house) & before)
    house.stop()
    shutil.rmtree(folder_of(house))
    shutil.copytree(tmp_path / "copy", folder_of(house))
    house.province.down = True
    house.start()
    alone = house.box()
    answer = alone.look(face(1), 1) if isinstance(alone.greeting, wire.Welcome) else alone.greeting
    assert isinstance(answer, wire.Refused), "an old copy has no lease: without the province nobody is searched"
    house.province.down = False
    wait_for(lambda: isinstance(house.ready_box().look(face(2), 1), wire.FaceAnswer))  # now it has a lease again
    after = Visitors(house.ready_box())
    assert (after.sees(1), after.sees(2)) == (Outcome.NOT_ENROLLED, Outcome.MATCHED)


def test_a_damaged_folder_is_given_up_with_its_key_and_filled_by_the_province(house: House) -> None:
    assert Visitors(house.ready_box()).sees(1) is Outcome.MATCHED
    house.stop()
    damaged = keys_of(house)
    (snapshot,) = folder_of(house).glob("snapshot-*")
    snapshot.write_bytes(snapshot.read_bytes()[:-40] + bytes(40))
    house.start()
    assert Visitors(house.ready_box()).sees(1) is Outcome.MATCHED
    wait_for(lambda: not folder_of(house).with_name("city.db.galleries.aside").exists())
    house.stop()
    assert not keys_of(house) & damaged
    assert on_disk(house)[1].up_to == len(house.province.entries)
    secrets = FileKeyStore(house.folder / "keystore", PASSPHRASE)
    for key_id in damaged:
        with pytest.raises(NotFound):
            secrets.get(key_id)


def test_C5_a_full_disk_keeps_no_withdrawal_waiting_and_stops_no_search(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitors, province = Visitors(house.ready_box()), house.province
    assert visitors.sees(1) is Outcome.MATCHED
    at_head = len(province.entries)
    wait_for(lambda: at_head in province.asked_after)  # what it has is kept
    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "_write", no_room)
        withdraw(house, "zhang")
        wait_for(lambda: visitors.sees(1) is Outcome.NOT_ENROLLED, timeout_s=5)
        house.province.enrol(house.view("newcomer", rm=""), face(7), house.pack.pack_id)
        wait_for(lambda: visitors.sees(7) is Outcome.MATCHED)
        assert visitors.sees(2) is Outcome.MATCHED
        assert province.asked_after[-1] == at_head, "what is not kept is asked for again"
    wait_for(lambda: province.asked_after[-1] == len(province.entries))
    house.stop()
    province.down = True
    house.start()
    after = Visitors(house.ready_box())
    assert (after.sees(1), after.sees(7)) == (Outcome.NOT_ENROLLED, Outcome.MATCHED)


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no space left")


def test_a_second_city_on_the_same_folder_is_refused(house: House) -> None:
    with pytest.raises(GalleryInUse, match="another process"):
        build(CitySettings(**house.settings()))
