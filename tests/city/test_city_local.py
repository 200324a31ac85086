"""Local recognition at the city: who is told to a box, and which hits are believed."""

from typing import Any

import msgspec
import numpy as np
from city_house import House
from city_local import Held, hit, local_camera
from city_people import face

from city_server.branch_gallery import local_galleries
from yingbin import wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import (
    apply,
)
from yingbin.ids import now_ms
from yingbin.queue_wire import QueueClass
from yingbin.wire import CameraMode, CameraRole, Outcome


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
    assert answers[-1] == wire.TicketAnswer(1, False, QueueClass.STANDARD, "")
