"""Taps at the ticket machine, as the city answers them."""

from typing import Any

import msgspec
import pytest
from city_box import BoxClient
from city_house import House
from city_people import face
from city_sockets import wait_for

from city_server.queues import Queues
from yingbin import feed_wire, wire
from yingbin.offers.queueing import QUEUE_OF_TIER
from yingbin.pad_wire import Card
from yingbin.queue_wire import Queue, QueueClass, QueueReport
from yingbin.wire import CameraMode, CameraRole, TicketAnswer, TicketAsk

NOBODY = (False, QueueClass.STANDARD, "")


def tap(box: BoxClient, seed: int, number: int = 1, camera: str = "cam-2", **changes: Any) -> TicketAnswer:
    ask = TicketAsk(number, camera, "pia-1", 1, box.event(face(seed), 0).vector)
    box.socket.send(wire.encode(msgspec.structs.replace(ask, **changes)))
    answer = box.receive()
    assert isinstance(answer, TicketAnswer)
    assert answer.number == number
    return answer


def shown(answer: TicketAnswer) -> tuple[bool, QueueClass, str]:
    return answer.recognised, answer.queue_class, answer.masked_name


def enrol(house: House, seed: int, tier: str, *purposes: str) -> None:
    view = msgspec.structs.replace(house.view(f"guest-{seed}", rm=""), tier=tier, purposes=purposes)
    house.province.enrol(view, face(seed), house.pack.pack_id)


@pytest.fixture
def desk(house: House) -> BoxClient:
    """Return the box of the ticket machine, once everybody who takes part is known."""
    for seed, tier in enumerate(QUEUE_OF_TIER, start=20):
        enrol(house, seed, tier, "ticketing", "vip_service")
        enrol(house, seed + 10, tier, "vip_service")
    house.province.elsewhere["far"] = (
        face(50), msgspec.structs.replace(house.view("far", rm=""), tier="vip_gold", purposes=("ticketing",)),
    )  # fmt: skip
    house.province.elsewhere["near"] = (face(51), house.view("near", rm=""))
    box = house.ready_box("box-2")
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    return box


def test_C4_accepter_and_refuser_of_every_tier_get_the_same_queue(desk: BoxClient) -> None:
    for seed, (tier, by_card) in enumerate(QUEUE_OF_TIER.items(), start=20):
        assert shown(tap(desk, seed, seed)) == (True, by_card, "张*"), tier
    assert {QUEUE_OF_TIER[tier] for tier in QUEUE_OF_TIER if tier.startswith("vip")} == {QueueClass.GREEN_CHANNEL}


def test_C1_without_consent_to_ticketing_a_vip_is_answered_exactly_as_a_stranger_is(desk: BoxClient) -> None:
    assert [shown(tap(desk, seed)) for seed in (30, 31, 32, 33, 51, 777)] == [NOBODY] * 6


def test_a_customer_of_another_city_is_found_at_the_province(desk: BoxClient) -> None:
    assert shown(tap(desk, 50)) == (True, QueueClass.GREEN_CHANNEL, "张*")


def test_C3_only_a_ticket_machines_camera_in_feature_mode_may(house: House, desk: BoxClient) -> None:
    assert shown(tap(desk, 20))[0]
    cameras = [
        house.camera("cam-2", "box-2", role, mode=mode)
        for role, mode in (
            (CameraRole.ENTRANCE, CameraMode.FEATURE),
            (CameraRole.SELF_SERVICE, CameraMode.FEATURE),
            (CameraRole.TICKET_MACHINE, CameraMode.PICTURE),
        )
    ]
    cameras.append(house.camera("cam-2", "box-2", CameraRole.TICKET_MACHINE, assessment=None))
    for camera in cameras:
        house.province.put(feed_wire.FeedKind.CAMERA, "cam-2", camera)
        assert isinstance(desk.receive(), wire.Welcome)
        assert shown(tap(desk, 20)) == NOBODY
    assert shown(tap(desk, 20, camera="cam-1")) == NOBODY, "another box's camera"


def test_C2_a_tap_leaves_nothing_no_visit_no_card_no_event(house: House, desk: BoxClient) -> None:
    pad = house.pad("lobby-1")
    assert shown(tap(desk, 20))[0]
    assert shown(tap(desk, 777)) == NOBODY
    assert pad.quiet() == []
    vectors = [desk.event(face(seed), 0).vector for seed in (20, 777)]
    files = [path.read_bytes() for path in house.data.rglob("*") if path.is_file()]
    assert not any(vector[at : at + 8] in raw for raw in files for vector in vectors for at in range(0, 256, 8))


def test_a_vip_without_a_tap_is_announced_by_the_ticket_machines_camera_as_by_any_other(
    house: House, desk: BoxClient
) -> None:
    pad = house.pad("lobby-1")
    assert desk.look(face(30), 1, camera="cam-2").outcome is wire.Outcome.MATCHED
    assert pad.card().card.customer_id == "guest-30"


def test_what_cannot_be_searched_is_answered_not_refused_and_the_line_stays(desk: BoxClient) -> None:
    assert shown(tap(desk, 20, vector=b"")) == NOBODY
    assert shown(tap(desk, 20, assessment_id="pia-9")) == NOBODY
    assert shown(tap(desk, 20))[0]


def test_C8_the_answer_to_a_tap_has_no_score_no_full_name_and_no_id() -> None:
    assert [field.name for field in msgspec.structs.fields(TicketAnswer)] == [
        "number", "recognised", "queue_class", "masked_name",
    ]  # fmt: skip


# --- what the ticket says about the visit --------------------------------------------------------------------------


def with_levers(house: House, seed: int, *purposes: str) -> None:
    """Enrol somebody whose second product counts double for a loan, and whose third when he is in haste."""
    view = house.view(f"guest-{seed}", rm="rm-1")
    first, second, third, *rest = view.candidates
    pushed = (
        msgspec.structs.replace(first, score=0.9),
        msgspec.structs.replace(second, score=0.6, levers=(feed_wire.Lever("for_loan", 2.0),)),
        msgspec.structs.replace(third, score=0.5, levers=(feed_wire.Lever("short_of_time", 2.0),)),
    )
    spoken = msgspec.structs.replace(view, tier="vip_gold", candidates=(*pushed, *rest), purposes=purposes)
    house.province.enrol(spoken, face(seed), house.pack.pack_id)


def advised(house: House) -> feed_wire.CardView:
    return msgspec.structs.replace(house.view("c-1", rm=""), tier="vip_gold", purposes=("ticketing", "vip_service"))


def report(box: BoxClient, *queues: Queue) -> None:
    box.socket.send(wire.encode(QueueReport(queues)))
    tap(box, 777)  # the line is in order: whatever came before is taken in


def best(card: Card) -> str:
    return card.offers[0].product


def settled(house: House, seed: int, *purposes: str) -> BoxClient:
    with_levers(house, seed, *purposes)
    box = house.ready_box("box-2")
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    return box


GREEN = QueueClass.GREEN_CHANNEL
MARKETING = ("ticketing", "vip_service")


def test_what_the_ticket_is_for_decides_the_open_card_anew_without_ringing(house: House) -> None:
    box, pad = settled(house, 60, *MARKETING), house.pad("rm-1")
    box.look(face(60), 1, camera="cam-2")
    first = pad.card()
    assert (best(first.card), first.ring) == ("p0", True)
    assert tap(box, 60, business="loan").recognised
    after = pad.card(lambda m: best(m.card) == "p1")
    assert (after.card.card_id, after.ring) == (first.card.card_id, False)
    assert tap(box, 60, number=2, business="loan").recognised
    assert pad.quiet() == [], "nothing changed"


def test_a_ticket_taken_before_the_camera_knows_him_counts_when_he_is_announced(house: House) -> None:
    box, pad = settled(house, 60, *MARKETING), house.pad("rm-1")
    assert tap(box, 60, business="loan").recognised
    box.look(face(60), 1, camera="cam-2")
    assert best(pad.card().card) == "p1"


def test_the_length_of_his_own_queue_says_how_long_he_has(house: House) -> None:
    box, pad = settled(house, 60, *MARKETING), house.pad("rm-1")
    report(box, Queue(QueueClass.STANDARD, 40, 2, 300), Queue(GREEN, 1, 2, 240))
    box.look(face(60), 1, camera="cam-2")
    assert best(pad.card().card) == "p2", "two minutes until he is called"


@pytest.mark.parametrize("queue", [Queue(GREEN, 4, 1, 300), Queue(GREEN, 1), Queue(QueueClass.STANDARD, 0, 1, 60)])
def test_time_enough_or_time_unknown_hurries_nobody(house: House, queue: Queue) -> None:
    box, pad = settled(house, 60, *MARKETING), house.pad("rm-1")
    report(box, queue)
    box.look(face(60), 1, camera="cam-2")
    assert best(pad.card().card) == "p0"


def test_C1_without_consent_to_be_advised_what_a_ticket_was_for_is_forgotten_at_once(house: House) -> None:
    queues, plain = Queues(60_000), advised(house)
    opted_out = msgspec.structs.replace(plain, personalised=False)
    for view in (opted_out, msgspec.structs.replace(plain, purposes=("ticketing",))):
        assert not queues.ticket("b-1", view, "loan", 1_000)
        assert queues.context("b-1", view, 1_000).business == ""
    assert queues.ticket("b-1", plain, "loan", 1_000)
    assert [queues.context("b-1", plain, at_ms).business for at_ms in (60_999, 61_000)] == ["loan", ""]
    assert queues.context("b-2", plain, 1_000).business == "", "another branch"


def test_a_report_counts_five_minutes(house: House) -> None:
    queues, view = Queues(60_000), advised(house)
    queues.report("b-1", QueueReport((Queue(GREEN, 12, 3, 300), Queue(QueueClass.STANDARD, 12, 3, 300))), 0)
    seen = [(one.waiting, one.minutes) for one in (queues.context("b-1", view, at) for at in (0, 299_999, 300_000))]
    assert seen == [(12, 20), (12, 20), (-1, -1)]


def test_a_business_or_a_queue_that_cannot_be_is_a_bad_message(house: House) -> None:
    box = house.ready_box("box-2")
    ask = TicketAsk(1, "cam-2", "pia-1", 1, b"")
    for bad in (msgspec.structs.replace(ask, business="lottery"), QueueReport((Queue(GREEN, -1),))):  # type: ignore[arg-type]
        box.socket.send(wire.encode(bad))
        answer = box.receive()
        assert isinstance(answer, wire.Refused)
        assert answer.code == "bad_message"
    assert shown(tap(box, 777)) == NOBODY, "the line stays"
