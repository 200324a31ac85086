"""What a card showed and what came of it reaches the province with the policy that made it; no tablet has a hint."""

import msgspec
from city_house import House
from city_pad import PadClient
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire
from yingbin.feed_wire import Basis, FeedKind

HELD_OUT = Basis("general", holdout=True, programme="p")


def arrived(house: House) -> tuple[PadClient, pad_wire.Card]:
    """Let somebody of the holdout come, whose view has the general list."""
    view = msgspec.structs.replace(house.view("zhang", rm="rm-1"), personalised=False, basis=HELD_OUT)
    house.province.put(FeedKind.CARD_VIEW, "zhang", view)
    box, pad = house.ready_box("box-1"), house.pad("rm-1")
    box.look(face(1), 1)
    return pad, pad.card().card


def test_C10_the_tablet_cannot_tell_who_is_held_out(house: House) -> None:
    _, card = arrived(house)
    assert card.personalised  # the note "he opted out" would be untrue
    said = pad_wire.encode(card)
    assert not [word for word in ("holdout", "basis", "programme") if word in said]


def test_an_outcome_says_what_was_shown_where_and_why_not(house: House) -> None:
    pad, card = arrived(house)
    first, second, third = (offer.product for offer in card.offers)
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "greeted"))
    pad.send(pad_wire.ReportOutcome("o-2", card.card_id, "accepted", second))
    pad.send(pad_wire.ReportOutcome("o-3", card.card_id, "not_interested", first, "price"))
    wait_for(lambda: len(house.province.outcomes) >= 7)
    told = {(one.kind, one.product): one for one in house.province.outcomes.values()}
    assert {one.basis for one in told.values()} == {HELD_OUT}
    assert [told["shown", product].place for product in (first, second, third)] == [1, 2, 3]
    assert (told["accepted", second].place, told["accepted", second].reason) == (2, "")
    assert told["not_interested", first].reason == "price"
    now = pad.card(lambda m: bool(m.card.refused_products)).card
    (instead,) = {offer.product for offer in now.offers} - {second, third}
    assert told["shown", instead].place == 3  # it took the place of what he did not want


def test_an_acceptance_of_nothing_is_refused(house: House) -> None:
    pad, card = arrived(house)
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "accepted"))
    refused = pad.next(pad_wire.PadRefused)
    assert (refused.code, refused.about) == ("invalid_input", "o-1")
