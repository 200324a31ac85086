"""C1, C10: what a customer takes back without leaving changes the card that is open now, without a ring."""

from typing import Any

import msgspec
from city_house import House
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire
from yingbin.feed_wire import CardView, ContactNote, FeedKind
from yingbin.ids import now_ms


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
