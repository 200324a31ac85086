import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from city_disk import folder_of, open_folder
from city_house import House
from city_people import DIMENSION, face
from city_sockets import wait_for
from proc import may_dump_core
from sqlalchemy import event

from city_server.memory import Memory, checksum
from city_server.replica import Replica
from city_server.store import Store
from yingbin import feed_wire, pad_wire, wire
from yingbin.galleries.protect import apply, between, decode_probe, normalise
from yingbin.ids import now_ms
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.wire import Outcome


def test_killed_and_restarted_without_a_province_nothing_is_lost(open_house: Callable[..., House]) -> None:
    house = open_house(in_process=False)
    box, rm = house.ready_box(), house.pad("rm-1")
    sent = box.event(face(1), 1)
    answer = box.ask(sent)
    box.photo(1)
    card = rm.card(lambda m: bool(m.card.photo)).card
    house.province.down = True
    rm.send(pad_wire.Received(99))
    rm.send(pad_wire.ReportOutcome("o-1", card.card_id, "not_interested", "p0"))
    rm.next(pad_wire.OutcomeStored)
    box.look(face(2), 2)
    assert not may_dump_core(house.pid)
    house.kill()

    house.start()
    again = house.box(boot=box.boot)
    assert isinstance(again.greeting, wire.Welcome)
    assert again.ask(sent) == answer
    assert again.look(face(1), 3).want_photo is False
    rm = house.pad("rm-1")
    replayed = [rm.card(), rm.card()]
    assert [message.seq for message in replayed] == sorted(message.seq for message in replayed)
    mine = next(message for message in replayed if message.card.card_id == card.card_id)
    assert (mine.ring, mine.card.photo, mine.card.refused_products) == (False, card.photo, ("p0",))
    lobby = house.pad("lobby-1")
    assert lobby.card(lambda m: m.card.customer_id == "li").ring
    house.province.down = False
    wait_for(lambda: "o-1" in house.province.outcomes)


def test_replay_after_a_lost_line_rings_only_for_what_never_arrived(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    box.look(face(2), 1)
    first = pad.card()
    pad.send(pad_wire.Received(first.seq))
    pad.quiet()
    pad.close()
    box.look(face(3), 2)
    again = house.pad("lobby-1", last_seq=0)
    cards = [again.card(), again.card()]
    assert [(message.card.customer_id, message.ring) for message in cards] == [("li", False), ("wang", True)]
    later = house.pad("lobby-1", last_seq=first.seq)
    assert later.card().card.customer_id == "wang"
    assert later.quiet() == []


def test_the_city_goes_on_without_the_province_and_says_so(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    house.province.down = True
    for track in range(4):
        assert box.look(face(60 + track), track).outcome is not Outcome.MATCHED
    assert box.look(face(1), 10).outcome is Outcome.MATCHED
    assert pad.card().ring
    pad.next(pad_wire.Beat, lambda beat: beat.degraded)
    house.province.down = False
    wait_for(lambda: box.look(face(3), 100 + time.monotonic_ns() % 10**9).outcome is Outcome.MATCHED)


def test_C5_matching_stops_when_the_lease_ends_and_returns_with_the_province(open_house: Callable[..., House]) -> None:
    house = open_house(started=False, catch_up_wait_s=0.2)
    house.province.lease_ms = 1500
    house.start()
    box = house.ready_box()
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    house.province.down = True

    def refused() -> wire.Refused | None:
        answer = box.look(face(2), 1000 + time.monotonic_ns() % 10**9)
        return answer if isinstance(answer, wire.Refused) else None

    assert wait_for(refused).code == "matching_stopped"
    house.province.down = False
    wait_for(lambda: not refused())


def test_C5_a_withdrawal_while_the_city_was_cut_off_reaches_it(house: House) -> None:
    box = house.ready_box()
    house.province.down = True
    house.province.put(feed_wire.FeedKind.TEMPLATE, "t-zhang", None)
    house.province.put(feed_wire.FeedKind.CARD_VIEW, "zhang", None)
    head = len(house.province.entries)
    house.province.down = False
    wait_for(lambda: head in house.province.asked_after)
    assert box.look(face(1), 1).outcome is not Outcome.MATCHED
    house.stop()
    house.start()
    assert house.ready_box().look(face(1), 1).outcome is not Outcome.MATCHED


def test_a_damaged_page_is_dropped_and_a_snapshot_fetched(house: House) -> None:
    house.ready_box()
    house.province.corrupt_pages = 1
    house.province.asked_after.clear()
    house.province.enrol(house.view("new", rm=""), face(7), house.pack.pack_id)
    head = len(house.province.entries)
    wait_for(lambda: head in house.province.asked_after)
    assert 0 in house.province.asked_after
    assert house.ready_box().look(face(7), 1).outcome is Outcome.MATCHED


def test_a_full_disk_acknowledges_nothing_and_works_again_with_space(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    from city_server import app
    from yingbin.storage.database import Database

    full = False

    class Bounded(Database):
        """The real database, on a disk whose size the test decides."""

        def __init__(self, url: str) -> None:
            super().__init__(url)
            event.listen(self.engine, "checkout", self._limit)

        def _limit(self, connection: Any, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else 2**30
            connection.execute(f"PRAGMA max_page_count={pages}")

    monkeypatch.setattr(app, "Database", Bounded)
    house = open_house()
    box = house.ready_box()
    full = True
    refused, track = None, 0
    while refused is None:
        track += 1
        answer = box.look(face(1) if track == 1 else face(1000 + track), track)
        refused = answer if isinstance(answer, wire.Refused) else None
    assert (refused.code, refused.track) == ("storage_full", -1)
    assert "free some space" in refused.message
    assert box.close_code() == 1013
    full = False
    again = house.box(boot=box.boot)
    assert isinstance(again.look(face(2), track), wire.FaceAnswer)


def test_C2_a_strangers_vector_is_nowhere_afterwards(open_house: Callable[..., House]) -> None:
    house = open_house(in_process=False)
    box = house.ready_box()
    stranger = face(4242)
    for seq in range(5):
        answer = box.look(stranger, 1, seq)
    assert isinstance(answer, wire.FaceAnswer)
    assert answer.outcome is Outcome.NOT_ENROLLED
    house.province.down = True
    for track in range(2, 7):
        box.look(stranger, track)
    box.socket.send(wire.encode(box.event(stranger, 8))[:-3])  # damaged on the way: must not be logged either
    box.receive()
    transform = house.boxes["box-1"][1]
    sent = decode_probe(box.event(stranger, 1).vector, len(stranger))
    mapped = apply(between(transform, house.province.r_city), sent)
    house.kill()

    forms = [stranger, apply(transform, stranger), sent, mapped, normalise(mapped)]
    canaries = [
        form.astype(kind).tobytes()[at : at + 24] for form in forms for kind in ("<f2", "<f4") for at in (0, 64)
    ]
    enrolled = apply(house.province.r_city, face(1)).astype("<f4").tobytes()[:24]
    files = [path for path in house.folder.rglob("*") if path.is_file()]
    assert {"city.db", "city.log"} <= {path.name for path in files}
    for path in files:
        raw = path.read_bytes()
        assert not any(canary in raw for canary in canaries), path
        assert enrolled not in raw, path


def test_C8_nothing_personal_is_readable_on_the_disk(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    box.photo(1)
    pad.card(lambda m: bool(m.card.photo))
    house.stop()
    files = [path for path in house.data.rglob("*") if path.is_file()]
    assert any(path.parent == folder_of(house) for path in files)
    for path in files:
        raw = path.read_bytes()
        for plain in ("张".encode(), "女士".encode(), b"JFIF", "产品".encode(), "西湖支行".encode()):
            assert plain not in raw, (path, plain)


async def test_half_a_snapshot_is_neither_shown_nor_searched(open_house: Callable[..., House], tmp_path: Path) -> None:
    house = open_house(started=False)

    def replica_in(folder: Path) -> Replica:
        database = Database(f"sqlite:///{folder}.db")
        migrate.upgrade(database, migrate.Tree.CITY)
        opened, store = open_folder(house, folder, tmp_path / "keys"), Store(database, lambda _: None)
        return Replica(opened, store, lambda key_id: Memory(house.pack.pack_id, DIMENSION, key_id))

    def page(entries: list[feed_wire.FeedEntry], *, snapshot: bool) -> feed_wire.FeedPage:
        whole = tuple(entries)
        head = house.province.entries[-1].revision
        return feed_wire.FeedPage(
            snapshot, whole, whole[-1].revision, head, checksum(whole), now_ms() + 60_000, "k", "k"
        )

    replica = replica_in(tmp_path / "whole")
    everything = house.province.entries
    await replica.take(page(everything, snapshot=True))
    assert "box-2" in replica.memory.boxes
    await replica.take(page(everything[:3], snapshot=True))
    assert "box-2" in replica.memory.boxes
    assert not replica.gate.is_open(now_ms())
    shutil.copytree(tmp_path / "whole", tmp_path / "half")
    shutil.copy(tmp_path / "whole.db", tmp_path / "half.db")
    restarted = replica_in(tmp_path / "half")
    await restarted.load()
    restarted.gate.lost()
    assert not restarted.gate.is_open(now_ms())
    for one in (replica, restarted):
        await one.take(page(everything[3:], snapshot=False))
        assert one.gate.is_open(now_ms())
        assert "box-2" in one.memory.boxes
