"""Local recognition at the city: what a box holds is brought up to date, taken back, and never too much or too old."""

import contextlib
import time
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from city_box import BoxClient
from city_house import House
from city_local import Held, enrol, hit, local_camera, view, withdraw
from city_people import DIMENSION, PACK, face
from city_sockets import wait_for
from websockets.exceptions import ConnectionClosed

from city_server.memory import Memory
from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import (
    Domain,
    apply,
    between,
    encode_template,
    encode_transform,
    random_transform,
)
from yingbin.ids import new_id, now_ms
from yingbin.local_wire import GalleryAsk, GalleryPage
from yingbin.wire import CameraRole


def test_C5_enrolment_change_and_withdrawal_reach_an_online_box_at_once(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    held.ask(box)
    enrol(local_house, "song", face(21))
    page = held.hear(box)
    assert (page.snapshot, sorted(held.members)) == (False, ["ma", "song"])
    enrol(local_house, "song", face(22))
    held.hear(box)
    assert [member.customer_id for member in held.pages[-1].members] == ["song"]
    began_s = time.monotonic()
    withdraw(local_house, "ma")
    while "ma" in held.members:
        held.hear(box)
    assert time.monotonic() - began_s < 5
    refused = box.ask(hit("ma", 9))
    assert isinstance(refused, wire.Refused)
    assert refused.code == "not_in_branch_gallery"
    local_house.province.put(FeedKind.CARD_VIEW, "song", view("song", purposes=()))
    while "song" in held.members:
        held.hear(box)


def test_the_roll_is_called_when_a_branchs_gallery_may_have_changed_and_not_otherwise() -> None:
    memory, customer, template = Memory(PACK, DIMENSION), new_id(), new_id()

    def calls(kind: FeedKind, key: str, thing: msgspec.Struct | None) -> tuple[int, int]:
        before = [memory.roll_call(branch) for branch in ("branch-1", "branch-2")]
        memory.apply([feed_wire.FeedEntry(1, kind, key, None if thing is None else wire.encode(thing))])
        after = [memory.roll_call(branch) for branch in ("branch-1", "branch-2")]
        return after[0] - before[0], after[1] - before[1]

    learnt = feed_wire.Template(template, customer, PACK, "vip", encode_template(face(1)))
    assert calls(FeedKind.CARD_VIEW, customer, view(customer)) == (1, 0)
    assert calls(FeedKind.TEMPLATE, template, learnt)[0] >= 1
    assert calls(FeedKind.CARD_VIEW, customer, view(customer, tier="diamond", candidates=())) == (0, 0)
    assert calls(FeedKind.CARD_VIEW, customer, view(customer, purposes=())) == (1, 0)
    assert calls(FeedKind.CARD_VIEW, customer, view(customer, gallery="potential")) == (1, 0)
    assert calls(FeedKind.CARD_VIEW, customer, view(customer, gallery="potential")) == (0, 0)
    assert calls(FeedKind.CARD_VIEW, customer, view(customer, home_branch_id="branch-2")) == (1, 1)
    assert calls(FeedKind.TEMPLATE, template, None) == (0, 1)
    assert calls(FeedKind.CARD_VIEW, customer, None) == (0, 1)


def test_what_does_not_change_the_gallery_is_not_told(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    held.ask(box)
    house = local_house
    house.province.put(FeedKind.CARD_VIEW, "ma", view("ma", tier="diamond"))
    house.province.put(FeedKind.STAFF, "rm-9", feed_wire.Staff("rm-9", "R", "rm", "branch-1", "x", on_duty=True))
    enrol(house, "far", face(31), home_branch_id="branch-2")
    enrol(house, "song", face(21))
    held.hear(box)
    assert [(page.snapshot, [one.customer_id for one in page.members]) for page in held.pages] == [
        (True, ["ma"]),
        (False, ["song"]),
    ]


def test_C5_who_withdrew_while_the_box_was_away_is_gone_before_it_may_search_again(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    held.ask(box)
    before = held.digest
    box.close()
    withdraw(local_house, "ma")
    wait_for(lambda: local_house.province.asked_after[-1] == len(local_house.province.entries))
    box = local_house.ready_box()
    page = held.ask(box, before)
    assert (page.snapshot, held.members) == (True, {})
    late = box.ask(hit("ma", 1, boot_id="earlier"))
    assert isinstance(late, wire.Refused)
    assert late.code == "not_in_branch_gallery"


def test_a_box_that_holds_the_right_gallery_already_is_told_only_that(steady_house: House) -> None:
    box, held = steady_house.ready_box(), Held()
    held.ask(box)
    box.close()
    box = steady_house.ready_box()
    page = held.ask(box, held.digest)
    assert (page.snapshot, page.members, page.removed) == (False, (), ())
    assert held.ask(box, b"something else").snapshot
    assert list(held.members) == ["ma"]


def test_C5_no_box_has_a_longer_lease_than_its_city_and_none_without_one(open_house: Callable[..., House]) -> None:
    house = open_house(started=False, catch_up_wait_s=0.1)
    house.province.lease_ms = 3_000
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    enrol(house, "ma", face(11))
    house.start()
    box, held = house.ready_box(), Held()
    first = held.ask(box).lease_until_ms
    assert first <= now_ms() + 3_000
    renewed = held.hear(box)
    assert (renewed.members, renewed.removed) == ((), ())
    assert first < renewed.lease_until_ms <= now_ms() + 3_000
    house.province.down = True

    def stopped() -> bool:
        answer = box.receive()
        while isinstance(answer, GalleryPage):
            answer = box.receive()
        return isinstance(answer, wire.Refused) and answer.code == "matching_stopped"

    tracks = iter(range(1_000))

    def ask() -> bool:
        box.socket.send(wire.encode(hit("ma", next(tracks))))
        return stopped()

    wait_for(ask)
    box.socket.send(wire.encode(GalleryAsk(b"")))
    heard = []
    with contextlib.suppress(TimeoutError):
        while True:
            heard.append(box.receive(timeout_s=1.0))
    assert not any(page.digest for page in heard if isinstance(page, GalleryPage)), "nothing that could be searched"
    house.province.down = False
    assert held.hear(box).snapshot


def test_C5_while_the_city_itself_may_not_search_its_boxes_wait_too(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    held.ask(box)
    local_house.province.corrupt_pages = 1
    enrol(local_house, "song", face(21))
    page = box.receive()
    assert isinstance(page, GalleryPage)
    assert (page.digest, page.lease_until_ms, page.members, page.removed) == (b"", 0, (), ())
    held.hear(box)
    assert sorted(held.members) == ["ma", "song"]


def test_C8_after_a_renewal_of_the_boxs_key_the_gallery_comes_in_the_new_domain(local_house: House) -> None:
    key, old = local_house.boxes["box-1"]
    new = random_transform(DIMENSION)
    r_city = local_house.province.r_city
    maps = {Domain.of(one).key_id: encode_transform(between(one, r_city)) for one in (old, new)}
    box = feed_wire.Box("box-1", "branch-1", key.public_bytes, revoked=False, to_city=maps)
    local_house.province.put(FeedKind.BOX, "box-1", box)

    def connected() -> BoxClient | None:
        client = BoxClient(local_house, "box-1", key, new)
        return client if isinstance(client.greeting, wire.Welcome) else client.close()

    before, after = Held(), Held()
    before.ask(local_house.ready_box())
    after.ask(wait_for(connected), before.digest)
    assert after.pages[0].snapshot
    for held, transform in ((before, old), (after, new)):
        told = np.frombuffer(held.members["ma"].vector, "<f4")
        np.testing.assert_allclose(told, apply(transform, face(11)), atol=1e-4)


def test_a_large_gallery_goes_in_messages_of_allowed_size_and_counts_with_the_last(
    open_house: Callable[..., House],
) -> None:
    house = open_house(started=False)
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    for number in range(200):
        enrol(house, f"guest-{number}", face(1_000 + number))
    house.start()
    box, held = house.ready_box(), Held()
    held.ask(box)
    assert len(held.members) == 200
    assert len(held.pages) > 1
    assert [page.snapshot for page in held.pages] == [True] + [False] * (len(held.pages) - 1)
    assert [bool(page.digest) for page in held.pages] == [False] * (len(held.pages) - 1) + [True]
    assert all(len(wire.encode(page)) <= wire.MAX_BOX_MESSAGE_BYTES for page in held.pages)
    house.province.put(
        FeedKind.CAMERA, "cam-1", House.camera("cam-1", "box-1", CameraRole.ENTRANCE)
    )  # no longer local: everybody is taken back
    held.hear(box)
    assert held.members == {}


def test_C5_a_revoked_box_is_told_nothing_more_and_its_hits_are_not_heard(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    pad = local_house.pad("rm-1")
    held.ask(box)
    local_house.put_box("box-1", revoked=True)
    assert box.close_code() == 4403
    with pytest.raises(ConnectionClosed):
        box.socket.send(wire.encode(hit("ma", 1)))
    assert pad.quiet() == []
    assert isinstance(local_house.box().greeting, wire.Refused)


def test_a_box_that_asks_without_end_is_limited(open_house: Callable[..., House]) -> None:
    house = open_house(started=False, box_events_per_s=0.01, box_events_burst=2)
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    house.start()
    box, held = house.ready_box(), Held()
    held.ask(box)
    held.ask(box, b"other")
    box.socket.send(wire.encode(GalleryAsk(b"another")))
    with pytest.raises(TimeoutError):
        box.receive(timeout_s=1.0)
