"""C5: who withdraws is off the tablets at once, and out of everything the city keeps of his visits."""

import sqlite3
import threading
from typing import Any

import msgspec
from city_house import House
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.pad_wire import Card
from yingbin.wire import Outcome

KEPT = {"card_id", "visit_id", "branch_id", "recognised_by", "alerted_at_ms", "assigned_to", "state", "first", "last"}


def withdraw(house: House, customer_id: str) -> None:
    house.province.put(FeedKind.TEMPLATE, f"t-{customer_id}", None)
    house.province.put(FeedKind.CARD_VIEW, customer_id, None)


def rows(house: House, table: str) -> list[Any]:
    with sqlite3.connect(house.data / "city.db") as database:
        return list(database.execute(f"SELECT * FROM {table}"))  # noqa: S608  # names from below


def told_nothing(card: Card) -> bool:
    named = {one.name for one in msgspec.structs.fields(Card) if getattr(card, one.name)} - KEPT
    return not named and card.last.event_id == card.last.camera_id == "" and card.first == card.last


def test_C5_a_withdrawal_takes_the_card_off_every_tablet_at_once(house: House) -> None:
    box, rm, boss = house.ready_box(), house.pad("rm-1"), house.pad("boss-1")
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    box.photo(1)
    shown = rm.card(lambda m: bool(m.card.photo))
    boss.card(lambda m: bool(m.card.photo))
    withdraw(house, "zhang")
    for pad in (rm, boss):
        last = pad.card(lambda m: m.card.state == "withdrawn")
        assert told_nothing(last.card)
        assert (last.ring, last.card.card_id) == (False, shown.card.card_id)
    later = house.pad("rm-1", last_seq=shown.seq)  # was away meanwhile, and may still show it
    assert later.card().card.state == "withdrawn"
    assert box.look(face(1), 1, 1).outcome is not Outcome.MATCHED


def test_C5_nothing_of_a_withdrawn_customer_stays_in_the_city(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    box.photo(1)
    card_id = pad.card(lambda m: bool(m.card.photo)).card.card_id
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "not_interested", "p0"))
    pad.next(pad_wire.OutcomeStored)
    wait_for(lambda: "o-1" in house.province.outcomes and rows(house, "outcomes")[0][-1])
    withdraw(house, "zhang")
    pad.card(lambda m: m.card.state == "withdrawn")
    for table in ("photos", "visit_scores", "visit_tracks", "outcomes"):
        assert rows(house, table) == [], table
    (visit,) = rows(house, "visits")
    assert "zhang" not in str(visit)


def test_C5_a_withdrawn_card_can_no_longer_be_acted_on(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    withdraw(house, "zhang")
    pad.card(lambda m: m.card.state == "withdrawn")
    for action in (
        pad_wire.Acknowledge(card_id),
        pad_wire.ConfirmIdentity(card_id),
        pad_wire.ReportOutcome("o-1", card_id, "greeted"),
    ):
        pad.send(action)
        assert pad.next(pad_wire.PadRefused).code == "not_found"
    assert house.province.outcomes == {}


def test_C5_a_closed_visit_is_emptied_too_and_others_are_left_alone(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    lobby = house.pad("lobby-1")
    box.look(face(1), 1)
    card = pad.card().card
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "wrong_person"))
    pad.card(lambda m: m.card.state == "wrong_person")
    box.look(face(2), 2)
    withdraw(house, "zhang")
    assert told_nothing(pad.card(lambda m: m.card.state == "withdrawn").card)
    assert lobby.card(lambda m: m.card.customer_id == "li").card.surname
    assert lobby.card(lambda m: m.card.state == "withdrawn").card.card_id == card.card_id
    assert [row[2] for row in rows(house, "visits")] in (["", "li"], ["li", ""])


def test_C5_a_guest_of_another_city_is_forgotten_too(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    assert box.look(face(3), 1).outcome is Outcome.MATCHED
    assert pad.card().card.home_branch_en == "Ningbo Branch"
    house.province.put(FeedKind.CARD_VIEW, "wang", None)
    assert told_nothing(pad.card(lambda m: m.card.state == "withdrawn").card)


def test_C5_who_withdraws_while_he_is_being_searched_gets_no_card(house: House) -> None:
    """The province answers with him after the city has heard that he is gone."""
    box, pad = house.ready_box(), house.pad("lobby-1")
    house.province.search_takes_s = 0.8
    answers: list[wire.CityMessage] = []
    looking = threading.Thread(target=lambda: answers.append(box.look(face(3), 1)))
    looking.start()
    wait_for(lambda: house.province.searches)
    house.province.put(FeedKind.CARD_VIEW, "wang", None)
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    assert answers == []
    looking.join(15)
    assert isinstance(answers[0], wire.FaceAnswer)
    assert answers[0].outcome is Outcome.NOT_ENROLLED
    assert pad.quiet() == rows(house, "visits") == []


def test_C5_a_withdrawal_while_the_city_was_down_empties_his_card_when_it_is_back(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    seq = pad.card().seq
    house.stop()
    withdraw(house, "zhang")
    house.start()
    assert house.pad("rm-1", last_seq=seq).card(lambda m: m.card.state == "withdrawn")


def test_C5_who_consents_again_is_recognised_again(house: House) -> None:
    box = house.ready_box()
    withdraw(house, "zhang")
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    house.province.enrol(house.view("zhang", rm="rm-1"), face(1), house.pack.pack_id)
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    assert house.pad("rm-1").card().card.state == "open"
