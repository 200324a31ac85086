from collections.abc import Callable

import msgspec
import pytest
from city_box import JPEG
from city_house import House
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire, wire
from yingbin.ids import event_id, new_id, now_ms
from yingbin.wire import Outcome


def test_a_match_becomes_a_card_with_offers_and_one_photo(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    welcome = pad.next(pad_wire.Welcome)
    assert (welcome.branch_zh, welcome.role, welcome.head_seq) == ("西湖支行", "rm", 0)

    answer = box.look(face(1), track=1)
    assert isinstance(answer, wire.FaceAnswer)
    assert (answer.outcome, answer.want_photo) == (Outcome.MATCHED, True)
    message = pad.card()
    card = message.card
    assert message.ring
    assert (card.customer_id, card.recognised_by, card.assigned_to, card.state) == ("zhang", "city", "rm-1", "open")
    assert [offer.product for offer in card.offers] == ["p0", "p1", "p2"]
    assert (card.first.camera_role, card.first.frame) == ("entrance", 7)
    assert card.first.event_id == event_id("box-1", box.boot, 1, 0)

    box.photo(1)
    with_photo = pad.card(lambda m: bool(m.card.photo))
    assert not with_photo.ring
    assert len(with_photo.card.photo) >= len(JPEG)


def test_one_ring_a_visit_whatever_the_cameras_see(house: House) -> None:
    entrance, machine, pad = house.ready_box("box-1"), house.ready_box("box-2"), house.pad("rm-1")
    assert entrance.look(face(1), 1).want_photo
    first = pad.card()
    again = machine.look(face(1), 9, camera="cam-2")
    assert (again.outcome, again.want_photo) == (Outcome.MATCHED, False)
    update = pad.card()
    assert (first.ring, update.ring) == (True, False)
    assert update.card.card_id == first.card.card_id
    assert update.card.last.camera_role == "ticket_machine"
    assert entrance.look(face(1), 1, seq=1).outcome is Outcome.MATCHED
    assert not any(message.ring for message in pad.quiet())


def test_two_boxes_at_the_same_instant_open_one_visit(house: House) -> None:
    boxes, pad = [house.ready_box("box-1"), house.ready_box("box-2")], house.pad("rm-1")
    for box, camera in zip(boxes, ("cam-1", "cam-2"), strict=True):
        box.socket.send(wire.encode(box.event(face(1), 1, camera=camera)))
    answers = [box.receive() for box in boxes]
    assert sorted(answer.want_photo for answer in answers) == [False, True]
    cards = [pad.card(), *pad.quiet()]
    assert len({message.card.visit_id for message in cards}) == 1
    assert [message.ring for message in cards].count(True) == 1


def test_who_is_known_elsewhere_is_found_at_the_province(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    assert box.look(face(3), 1).outcome is Outcome.MATCHED
    message = pad.card()
    assert message.ring
    assert (message.card.recognised_by, message.card.from_other_city) == ("province", True)
    assert (message.card.home_branch_zh, message.card.home_branch_en) == ("宁波分行", "Ningbo Branch")
    assert (message.card.assigned_to, message.card.customer_id) == ("", "wang")


def test_a_stranger_is_not_enrolled_and_is_not_searched_twice(house: House) -> None:
    box = house.ready_box()
    outcomes = [box.look(face(99), 1, seq).outcome for seq in range(4)]
    assert outcomes[-1] is Outcome.NOT_ENROLLED
    asked = len(house.province.batches)
    assert box.look(face(99), 1, 4).outcome is Outcome.NOT_ENROLLED
    assert len(house.province.batches) == asked


def test_a_replayed_event_is_answered_the_same_and_changes_nothing(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    event = box.event(face(1), 1)
    first = box.ask(event)
    pad.card()
    assert box.ask(event) == first
    assert pad.quiet() == []


def test_misses_of_a_crowd_travel_in_batches(house: House) -> None:
    box = house.ready_box()
    box.ask(*(box.event(face(100 + n), n) for n in range(12)))
    assert sum(house.province.batches) == 12
    assert len(house.province.batches) < 12


def test_an_event_from_before_the_horizon_opens_a_visit_but_rings_nobody(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1, seen_at_ms=now_ms() - 300_000)
    assert not pad.card().ring


def test_who_came_while_the_line_was_down_and_is_still_here_rings_once_when_seen_again(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    assert box.look(face(1), 1, seen_at_ms=now_ms() - 300_000).want_photo
    assert not pad.card().ring
    assert not box.look(face(1), 2, seen_at_ms=now_ms() - 200_000).want_photo
    assert not pad.card().ring
    assert box.look(face(1), 3).want_photo
    box.photo(3)
    assert pad.card().ring
    assert pad.card().card.photo
    assert not box.look(face(1), 4).want_photo
    assert not pad.card().ring


def test_an_event_from_the_future_is_set_to_now(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1, seen_at_ms=now_ms() + 3_600_000)
    assert abs(pad.card().card.first.seen_at_ms - now_ms()) < 30_000


def test_not_acknowledged_goes_on_to_the_lobby(open_house: Callable[..., House]) -> None:
    house = open_house(escalate_after_s=0.2)
    box, rm, lobby = house.ready_box(), house.pad("rm-1"), house.pad("lobby-1")
    box.look(face(1), 1)
    assert rm.card().ring
    quiet = lobby.card()
    assert not quiet.ring
    assert lobby.card().ring


def test_acknowledged_stays_with_who_took_it(open_house: Callable[..., House]) -> None:
    house = open_house(escalate_after_s=1.0)
    box, rm, lobby = house.ready_box(), house.pad("rm-1"), house.pad("lobby-1")
    box.look(face(1), 1)
    rm.send(pad_wire.Acknowledge(rm.card().card.card_id))
    assert rm.card().card.state == "acknowledged"
    taken = lobby.card(lambda m: m.card.state == "acknowledged")
    assert taken.card.assigned_to == "rm-1"


def test_money_only_after_confirmation_and_said_when_unavailable(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    pad.send(pad_wire.ConfirmIdentity(card_id))
    portrait = pad.next(pad_wire.Portrait)
    assert portrait.available
    assert portrait.lines[0].amount_fen == 12_345_600
    house.province.down = True
    pad.send(pad_wire.ConfirmIdentity(card_id))
    assert not pad.next(pad_wire.Portrait).available


def test_not_interested_takes_the_product_off_the_card(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card = pad.card().card
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "not_interested", "p0"))
    changed = pad.card().card
    assert changed.refused_products == ("p0",)
    assert [offer.product for offer in changed.offers] == ["p1", "p2", "p3"]
    assert pad.next(pad_wire.OutcomeStored).outcome_id == "o-1"


def test_wrong_person_ends_the_visit_and_never_alerts_for_that_track_again(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    box.photo(1)
    card = pad.card(lambda m: bool(m.card.photo)).card
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "wrong_person"))
    after = pad.card(lambda m: m.card.state == "wrong_person").card
    assert (after.photo, after.offers) == ("", ())
    answer = box.look(face(1), 1, seq=1)
    assert (answer.outcome, answer.want_photo) == (Outcome.MATCHED, False)
    assert pad.quiet() == []
    box.look(face(1), 2)
    assert pad.card().card.visit_id != card.visit_id


def test_outcomes_reach_the_province_once_also_when_repeated_or_the_line_was_down(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card = pad.card().card
    house.province.down = True
    for _ in range(2):
        pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "greeted"))
        assert pad.next(pad_wire.OutcomeStored).outcome_id == "o-1"
    assert not house.province.outcomes
    house.province.down = False
    wait_for(lambda: house.province.outcomes)
    report = house.province.outcomes["o-1"]
    assert (report.kind, report.staff_id, report.customer_id) == ("greeted", "rm-1", "zhang")


def test_a_visit_ends_half_an_hour_after_the_last_sighting(open_house: Callable[..., House]) -> None:
    house = open_house(visit_closes_after_min=0.02, photo_retention_min=0, sweep_interval_s=0.1)
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    box.photo(1)
    first = pad.card().card
    assert pad.card(lambda m: m.card.state == "closed").card.card_id == first.card_id
    pad.card(lambda m: m.card.state == "closed" and not m.card.photo)
    assert box.look(face(1), 2).want_photo
    second = pad.card(lambda m: m.card.visit_id != first.visit_id)
    assert second.ring


def test_a_bad_photo_is_not_kept_and_the_line_stays(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    for jpeg in (b"\xff\xd8garbage\xff\xd9", JPEG + bytes(31_000) + b"\xff\xd9", JPEG[:-2], b""):
        box.photo(1, jpeg)
    box.photo(1)  # the box has said that it holds none
    assert box.look(face(2), 2).outcome is Outcome.MATCHED
    assert not any(message.card.photo for message in pad.quiet())


def test_a_photo_nobody_asked_for_is_not_kept(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    box.look(face(1), 1)
    box.look(face(1), 2)
    box.photo(2)
    box.photo(77)
    assert box.look(face(2), 3).outcome is Outcome.MATCHED
    assert not any(message.card.photo for message in pad.quiet())


def test_an_outcome_for_an_unknown_card_is_refused_by_its_id(house: House) -> None:
    pad = house.pad("rm-1")
    pad.send(pad_wire.ReportOutcome(new_id(), "no-such-card", "greeted"))
    refused = pad.next(pad_wire.PadRefused)
    assert refused.code == "not_found"
    assert refused.about


def test_the_card_survives_a_failing_brain(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from city_server import cards

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cards, "arbitrate", broken)
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card = pad.card().card
    assert (card.surname, card.offers) == ("张", ())


def test_page_and_assets_are_served_fresh(house: House) -> None:
    import httpx

    page = httpx.get(f"http://{house.address}/pad/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    manifest = httpx.get(f"http://{house.address}/pad/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    assert httpx.get(f"http://{house.address}/assets/strings/zh.json").status_code == 200


def test_every_field_of_a_card_is_a_struct_field_the_page_can_read(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    shown = msgspec.to_builtins(pad.card().card)
    assert not {key for key in shown if "score" in key or "vector" in key}
