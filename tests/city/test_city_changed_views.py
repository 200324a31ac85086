"""C1, C10: what a customer takes back without leaving changes the card that is open now, without a ring."""

import threading
from typing import Any

import msgspec
import pytest
from city_house import House
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire
from yingbin.feed_wire import CardView, ContactNote, FeedKind
from yingbin.ids import now_ms
from yingbin.wire import Outcome


def general(view: CardView, **changes: Any) -> CardView:
    """Return the view without personalisation: the general list, other words."""
    (*_, last) = view.candidates
    return msgspec.structs.replace(view, personalised=False, candidates=(last,), avoid=(), **changes)


def send(house: House, view: CardView) -> None:
    house.province.put(FeedKind.CARD_VIEW, view.customer_id, view)
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)


def test_C1_C10_a_withdrawal_of_marketing_changes_the_open_card_at_once_without_a_ring(house: House) -> None:
    box, rm, boss = house.ready_box(), house.pad("rm-1"), house.pad("boss-1")
    box.look(face(1), 1)
    shown = rm.card()
    boss.card()
    assert (shown.ring, shown.card.personalised, len(shown.card.offers)) == (True, True, 3)
    send(house, general(house.view("zhang", rm="rm-1")))
    for pad in (rm, boss):
        after = pad.card(lambda m: not m.card.personalised)
        assert [offer.product for offer in after.card.offers] == ["p4"]
        assert (after.ring, after.card.card_id, after.card.state) == (False, shown.card.card_id, "open")
        assert after.seq > shown.seq


def test_C1_what_was_said_at_the_visit_still_counts_after_the_change(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    pad.send(pad_wire.ConfirmIdentity(card_id))
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "not_interested", "p4"))
    pad.card(lambda m: "p4" in m.card.refused_products)
    send(house, general(house.view("zhang", rm="rm-1")))
    after = pad.card(lambda m: not m.card.personalised).card
    assert (after.offers, after.state, after.refused_products) == ((), "confirmed", ("p4",))


def test_C1_a_visits_own_contacts_do_not_take_its_other_offers_away(house: House) -> None:
    """After each outcome the province sends the view again, with this visit's contact in it."""
    box, pad = house.ready_box(), house.pad("rm-1")
    view = house.view("zhang", rm="rm-1")
    send(house, view)
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    notes = (ContactNote("p0", refusals=9, last_refused_ms=now_ms()),)
    send(house, msgspec.structs.replace(view, contacts=notes, contacted_at_ms=(now_ms(),) * 9))
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "not_interested", "p1"))
    assert [offer.product for offer in pad.card().card.offers] == ["p0", "p2", "p3"]


def test_C1_a_visit_that_is_over_keeps_what_was_said(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    pad.send(pad_wire.ReportOutcome("o-1", pad.card().card.card_id, "wrong_person"))
    pad.card(lambda m: m.card.state == "wrong_person")
    send(house, general(house.view("zhang", rm="rm-1")))
    assert pad.quiet() == []


@pytest.mark.parametrize("told", [True, False])
def test_C1_a_guests_open_card_changes_too_and_he_is_not_kept_here(house: House, told: bool) -> None:
    """`told`: whether the province knows that he was here; if not, what rests on his consent is no longer shown."""
    box, pad = house.ready_box(), house.pad("lobby-1")
    box.look(face(3), 1)
    shown = pad.card()
    assert (shown.card.customer_id, shown.card.personalised, len(shown.card.offers)) == ("wang", True, 3)
    view = general(house.view("wang", rm="rm-9", branch="ningbo-1"))
    house.province.put(FeedKind.GUEST_VIEW, "wang", view if told else None)
    after = pad.card(lambda m: not m.card.personalised)
    assert [offer.product for offer in after.card.offers] == (["p4"] if told else [])
    assert (after.ring, after.card.card_id, after.card.home_branch_en) == (False, shown.card.card_id, "Ningbo Branch")
    house.stop()
    house.start()  # what is at home here comes back from the folder: he is not
    box, pad = house.ready_box(), house.pad("lobby-1")
    house.province.elsewhere.clear()
    assert box.look(face(3), 2).outcome is not Outcome.MATCHED


def test_C11_a_guests_lower_tolerance_takes_unsuitable_offers_off_the_open_card(house: House) -> None:
    """The first of three is above it; the others stay, and one that was behind comes up."""
    view = house.view("wang", rm="rm-9", branch="ningbo-1")
    (first, *rest) = view.candidates
    risky = msgspec.structs.replace(view, candidates=(msgspec.structs.replace(first, risk_level=3), *rest))
    house.province.elsewhere["wang"] = (face(3), risky)
    box, pad = house.ready_box(), house.pad("lobby-1")
    box.look(face(3), 1)
    shown = pad.card().card
    assert [offer.product for offer in shown.offers] == ["p0", "p1", "p2"]
    house.province.put(FeedKind.GUEST_VIEW, "wang", msgspec.structs.replace(risky, risk_tolerance=2))
    after = pad.card(lambda m: "p0" not in {offer.product for offer in m.card.offers})
    assert [offer.product for offer in after.card.offers] == ["p1", "p2", "p3"]
    assert (after.ring, after.card.card_id) == (False, shown.card_id)


def test_C1_a_guest_who_was_being_searched_at_that_moment_gets_the_new_view(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    house.province.search_takes_s = 0.8
    looking = threading.Thread(target=lambda: box.look(face(3), 1))
    looking.start()
    wait_for(lambda: house.province.searches)
    view = general(house.view("wang", rm="rm-9", branch="ningbo-1"))
    house.province.put(FeedKind.GUEST_VIEW, "wang", view)
    card = pad.card().card
    looking.join(15)
    assert (card.personalised, [offer.product for offer in card.offers]) == (False, ["p4"])
    assert card.home_branch_en == "Ningbo Branch"
