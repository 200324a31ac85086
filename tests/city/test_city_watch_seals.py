"""C13: what lies at a city of one watch list opens under that list's key alone, and under no key of the city's."""

import sqlite3
from collections.abc import Callable, Iterator

import msgspec
import pytest
from city_disk import folder_of
from city_house import PASSPHRASE, House
from city_people import DIMENSION, face
from city_sockets import wait_for
from city_watch import R_LIST, WANTED, furnish, seen

from city_server.watch.seals import ListSeals
from yingbin.feed_wire import FeedEntry, FeedKind, WatchEntry, feed_payload
from yingbin.galleries.folder import SealedFolder
from yingbin.galleries.protect import apply, encode_template
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.seal import SealBroken

OTHER = {"police": "overdue", "overdue": "police"}


class Thief:
    """Reads the replica's folder with the keys that the folder itself needs."""

    def __init__(self) -> None:
        self.found: list[bytes] = []

    def restore(self, chunks: Iterator[bytes]) -> None:
        self.found += chunks

    def replay(self, records: Iterator[bytes]) -> None:
        self.found += records


def entries_of(chunks: list[bytes]) -> list[FeedEntry]:
    """Return the entries of the feed that a folder holds: in a snapshot's chunks and in the records since."""
    found: list[FeedEntry] = []
    for chunk in chunks:
        try:
            match msgspec.msgpack.decode(chunk):
                case [bool(), _, entries]:
                    found += msgspec.convert(entries, list[FeedEntry])
                case ["", bytes() as entries]:
                    found += msgspec.msgpack.decode(entries, type=list[FeedEntry])
        except msgspec.MsgspecError:
            continue  # a part of an index
    return found


@pytest.mark.parametrize("sealed_anew", [True, False], ids=["snapshot", "journal"])
def test_C13_the_folder_holds_each_list_under_its_own_key(open_house: Callable[..., House], sealed_anew: bool) -> None:
    house = open_house(started=False)
    if sealed_anew:
        furnish(house)
    house.start()
    house.ready_box()
    if not sealed_anew:
        furnish(house)
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    house.stop()
    keys, thief = FileKeyStore(house.folder / "keystore", PASSPHRASE), Thief()
    SealedFolder(folder_of(house), thief, keys, name="replica", pack_id=house.pack.pack_id, dimension=DIMENSION).close()
    whole = b"".join(thief.found)
    assert b"zhang" in whole, "he reads what is no watch list's"
    for secret in ("某甲".encode(), "公缉 17".encode(), encode_template(apply(R_LIST["police"], face(WANTED)))):
        assert secret not in whole
    seals = ListSeals(keys)
    listed = [one for one in entries_of(thief.found) if one.kind in {FeedKind.WATCH_ENTRY, FeedKind.WATCH_MAP}]
    assert {one.key for one in listed} == {"police", "overdue", "entry-1", "entry-2"}
    for one in listed:
        opened = feed_payload(seals.open(one))
        assert opened.watch_list in OTHER
        watch_list, sealed = msgspec.msgpack.decode(one.payload or b"")
        for context in (f"{one.kind}/{one.key}", ""):
            with pytest.raises(SealBroken):
                seals.of(OTHER[watch_list]).open(sealed, context)
        if isinstance(opened, WatchEntry):
            assert opened.subject.startswith("某甲")
    moved = next(one for one in listed if one.key == "entry-1")
    with pytest.raises(SealBroken):
        seals.open(msgspec.structs.replace(moved, key="entry-2"))


def test_C13_an_alert_is_kept_under_the_key_of_its_list(house: House) -> None:
    furnish(house)
    seen(house, WANTED, 1)
    with sqlite3.connect(house.data / "city.db") as database:
        rows = wait_for(
            lambda: (
                len(found := database.execute("SELECT watch_list, alert_id, sealed FROM watch_alerts").fetchall()) == 2
                and found
            )
        )
    seals = ListSeals(FileKeyStore(house.folder / "keystore", PASSPHRASE))
    for watch_list, alert_id, sealed in rows:
        assert "某甲" in seals.of(watch_list).open(sealed, f"watch_alerts/{alert_id}").decode("utf-8", "ignore")
        with pytest.raises(SealBroken):
            seals.of(OTHER[watch_list]).open(sealed, f"watch_alerts/{alert_id}")


def test_C13_a_list_whose_key_was_destroyed_is_asked_for_anew(open_house: Callable[..., House]) -> None:
    house = furnish(open_house())
    house.ready_box()
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    house.stop()
    FileKeyStore(house.folder / "keystore", PASSPHRASE).destroy("seal/watch/police")
    asked = len(house.province.asked_after)
    house.start()
    wait_for(lambda: len(house.province.entries) in house.province.asked_after[asked:])
    assert house.province.asked_after[asked] == 0, "a snapshot, since what was sealed does not open any more"
