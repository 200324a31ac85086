"""Local recognition at the city: who is told to a box, when he is taken back, and which hits are believed."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from city_box import BoxClient
from city_house import House
from city_people import DIMENSION, PACK, face
from city_sockets import wait_for
from websockets.exceptions import ConnectionClosed

from city_server.branch_gallery import local_galleries
from city_server.memory import Memory
from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import (
    Domain,
    Vector,
    apply,
    between,
    encode_template,
    encode_transform,
    random_transform,
)
from yingbin.ids import new_id, now_ms
from yingbin.local_wire import GalleryAsk, GalleryMember, GalleryPage, LocalHit, fingerprint, gallery_digest
from yingbin.wire import CameraMode, CameraRole, Outcome

CONSENTED = ("vip_service",)


def local_camera(
    name: str = "cam-1",
    box: str = "box-1",
    role: CameraRole = CameraRole.ENTRANCE,
    *,
    covered: bool = True,
    expires_at_ms: int = 4_000_000_000_000,
    **changes: Any,
) -> wire.Camera:
    camera = House.camera(name, box, role, local_recognition=True, **changes)
    assert camera.assessment
    how = {"local_recognition": covered, "galleries": ("vip",), "expires_at_ms": expires_at_ms}
    return msgspec.structs.replace(camera, assessment=msgspec.structs.replace(camera.assessment, **how))


def view(customer_id: str, **changes: Any) -> feed_wire.CardView:
    return msgspec.structs.replace(House.view(customer_id, rm="rm-1"), **{"purposes": CONSENTED, **changes})


def enrol(house: House, customer_id: str, raw: Vector, **changes: Any) -> None:
    house.province.enrol(view(customer_id, **changes), raw, house.pack.pack_id)


def withdraw(house: House, customer_id: str) -> None:
    house.province.put(FeedKind.CARD_VIEW, customer_id, None)
    house.province.put(FeedKind.TEMPLATE, f"t-{customer_id}", None)


class Held:
    """What a box holds after the pages it was sent; checks each digest."""

    def __init__(self) -> None:
        self.members: dict[str, GalleryMember] = {}
        self.pages: list[GalleryPage] = []

    @property
    def digest(self) -> bytes:
        return gallery_digest({name: fingerprint(member) for name, member in self.members.items()})

    def hear(self, box: BoxClient) -> GalleryPage:
        """Take pages up to the one that makes them count; return it."""
        while True:
            page = box.receive()
            if isinstance(page, wire.Welcome):
                continue
            assert isinstance(page, GalleryPage), page
            self.pages.append(page)
            if page.snapshot:
                self.members.clear()
            self.members.update({member.customer_id: member for member in page.members})
            for customer_id in page.removed:
                del self.members[customer_id]
            if page.digest:
                assert page.digest == self.digest
                return page

    def ask(self, box: BoxClient, digest: bytes = b"") -> GalleryPage:
        box.socket.send(wire.encode(GalleryAsk(digest)))
        return self.hear(box)


def hit(customer_id: str, track: int, seq: int = 0, **changes: Any) -> LocalHit:
    one = LocalHit("cam-1", "pia-1", track, seq, 7, now_ms(), 80, 0.9, 4, customer_id)
    return msgspec.structs.replace(one, **changes)


def furnish(house: House) -> House:
    """One local camera at branch-1; of the branch: ma. Not to be told: everybody else, each for another reason."""
    house.province.put(FeedKind.CAMERA, "cam-1", local_camera())
    house.province.put(FeedKind.CAMERA, "cam-2", local_camera("cam-2", "box-2"))
    enrol(house, "ma", face(11))
    enrol(house, "of-another-branch", face(12), home_branch_id="branch-2")
    enrol(house, "of-another-gallery", face(13), gallery="potential")
    enrol(house, "for-tickets-only", face(14), purposes=("ticketing",))
    house.start()
    return house


@pytest.fixture
def local_house(open_house: Callable[..., House]) -> House:
    return furnish(open_house(started=False))


@pytest.fixture(scope="module")
def steady_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Keep one such house for the tests that put nothing into the feed."""
    with pytest.MonkeyPatch.context() as patch:
        house = furnish(House(tmp_path_factory.mktemp("steady"), patch, in_process=True))
        yield house
        house.stop()
        house.province.stop()


def test_C3_a_box_is_told_its_own_branchs_customers_in_its_own_domain_and_nobody_else(steady_house: House) -> None:
    box, held = steady_house.ready_box(), Held()
    assert isinstance(box.greeting, wire.Welcome)
    assert box.greeting.cameras[0].local_recognition
    page = held.ask(box)
    assert page.snapshot
    assert page.lease_until_ms > now_ms()
    assert list(held.members) == ["ma"]
    told = np.frombuffer(held.members["ma"].vector, "<f4")
    np.testing.assert_allclose(told, apply(steady_house.boxes["box-1"][1], face(11)), atol=1e-5)
    assert held.members["ma"].gallery == "vip"


NOT_COVERED: dict[str, wire.Camera] = {
    "not registered": House.camera("cam-1", "box-1", CameraRole.ENTRANCE),
    "not assessed for it": local_camera(covered=False),
    "another mode": local_camera(mode=CameraMode.PICTURE),
    "another role": msgspec.structs.replace(local_camera(), role=CameraRole.AD_SCREEN),
    "expired": local_camera(expires_at_ms=1),
    "another box's": local_camera(box="box-2"),
}


def test_C3_without_registration_and_a_covering_assessment_nobody_is_told(local_house: House) -> None:
    box, held = local_house.ready_box(), Held()
    held.ask(box)
    assert list(held.members) == ["ma"]
    for case, camera in NOT_COVERED.items():
        local_house.province.put(FeedKind.CAMERA, "cam-1", camera)
        while not isinstance(box.receive(), wire.Welcome):
            pass
        held.ask(box)
        assert held.members == {}, case


def test_C3_only_local_cameras_of_the_box_count_and_each_gallery_only_while_it_is_covered() -> None:
    far, near = local_camera(), House.camera("cam-3", "box-1", CameraRole.ENTRANCE)
    assert far.assessment
    assert local_galleries([near], now_ms()) == frozenset()
    assert local_galleries([near, far], now_ms()) == {"vip"}
    assert local_galleries([far], far.assessment.expires_at_ms) == frozenset()


def test_a_hit_becomes_a_visit_and_a_card_as_the_citys_own_match_does(local_house: House) -> None:
    box, pad = local_house.ready_box(), local_house.pad("rm-1")
    answer = box.ask(hit("ma", 1))
    assert isinstance(answer, wire.FaceAnswer)
    assert (answer.outcome, answer.want_photo) == (Outcome.MATCHED, True)
    message = pad.card()
    assert (message.card.customer_id, message.card.recognised_by, message.ring) == ("ma", "city", True)
    assert box.ask(hit("ma", 1)) == answer
    box.photo(1)
    assert pad.card(lambda one: bool(one.card.photo)).card.first.frame == 7
    again = box.ask(hit("ma", 1, 1), hit("ma", 2))
    assert isinstance(again, wire.FaceAnswer)
    assert (again.outcome, again.want_photo) == (Outcome.MATCHED, False)
    assert not any(one.ring for one in pad.quiet())
    assert local_house.province.batches == []


LIES: tuple[dict[str, Any], ...] = (
    {"customer_id": "nobody"},
    {"customer_id": "of-another-branch"},
    {"customer_id": "of-another-gallery"},
    {"customer_id": "for-tickets-only"},
    {"camera_id": "cam-2"},
    {"camera_id": "cam-77"},
    {"assessment_id": "pia-2"},
)


def test_C3_a_hit_outside_the_branch_gallery_or_of_another_boxs_camera_is_refused(steady_house: House) -> None:
    box, pad = steady_house.ready_box(), steady_house.pad("rm-1")
    for track, lie in enumerate(LIES):
        refused = box.ask(msgspec.structs.replace(hit("ma", track), **lie))
        assert isinstance(refused, wire.Refused), lie
        assert refused.code in {"not_in_branch_gallery", "not_allowed"}
        assert (refused.track, refused.seq) == (track, 0)
    assert pad.quiet() == []


def test_C3_each_camera_ships_in_its_own_form_only(local_house: House) -> None:
    box = local_house.ready_box()
    vector = box.look(face(11), 1)
    assert isinstance(vector, wire.Refused)
    assert "local recognition" in vector.message
    local_house.province.put(FeedKind.CAMERA, "cam-1", House.camera("cam-1", "box-1", CameraRole.ENTRANCE))
    assert isinstance(box.receive(), wire.Welcome)
    assert isinstance(box.ask(hit("ma", 2)), wire.Refused)
    matched = box.look(face(11), 3)
    assert isinstance(matched, wire.FaceAnswer)
    assert matched.outcome is Outcome.MATCHED


def test_C4_a_tap_at_a_local_camera_is_answered_with_the_other_ways(local_house: House) -> None:
    local_house.province.put(FeedKind.CAMERA, "cam-1", local_camera(role=CameraRole.TICKET_MACHINE))
    box = local_house.ready_box()
    event = box.event(face(11), 1)
    box.socket.send(wire.encode(wire.TicketAsk(1, "cam-1", "pia-1", 1, event.vector)))
    answers = [box.receive()]
    while not isinstance(answers[-1], wire.TicketAnswer):
        answers.append(box.receive())
    assert answers[-1] == wire.TicketAnswer(1, False, wire.QueueClass.STANDARD, "")


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
