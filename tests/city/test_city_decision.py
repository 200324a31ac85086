"""What a card offers follows the visit, is told to the province, and can be computed again."""

import json
from pathlib import Path

import msgspec
from city_house import House
from city_people import face
from city_sockets import wait_for
from typer.testing import CliRunner

from city_server.cli import app as city
from yingbin import pad_wire
from yingbin.feed_wire import FeedKind, Lever
from yingbin.offers.cli import app


def with_lever(house: House) -> None:
    """Let the last product of this customer count twice as much at the ticket machine."""
    view = house.view("zhang", rm="rm-1")
    *others, last = view.candidates
    pushed = msgspec.structs.replace(last, score=0.7, levers=(Lever("at_ticket_machine", 2.0),))
    house.province.put(FeedKind.CARD_VIEW, "zhang", msgspec.structs.replace(view, candidates=(*others, pushed)))


def products(card: pad_wire.Card) -> list[str]:
    return [offer.product for offer in card.offers]


def test_until_somebody_takes_the_card_its_offers_follow_where_the_customer_is(house: House) -> None:
    with_lever(house)
    entrance, machine, pad = house.ready_box("box-1"), house.ready_box("box-2"), house.pad("rm-1")
    entrance.look(face(1), 1)
    card = pad.card().card
    assert products(card) == ["p0", "p1", "p2"]
    machine.look(face(1), 2, camera="cam-2")
    assert products(pad.card(lambda m: m.card.last.camera_role == "ticket_machine").card) == ["p4", "p0", "p1"]
    pad.send(pad_wire.Acknowledge(card.card_id))
    pad.card(lambda m: m.card.state == "acknowledged")
    entrance.look(face(1), 3)
    assert products(pad.card(lambda m: m.card.last.camera_role == "entrance").card) == ["p4", "p0", "p1"]


def test_what_he_was_shown_and_what_he_declined_reach_the_province(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card = pad.card().card
    for outcome_id in ("o-1", "o-2"):
        pad.send(pad_wire.ReportOutcome(outcome_id, card.card_id, "greeted"))
        pad.next(pad_wire.OutcomeStored)
    pad.send(pad_wire.ReportOutcome("o-3", card.card_id, "not_interested"))
    pad.next(pad_wire.OutcomeStored)
    wait_for(lambda: "o-3" in house.province.outcomes)
    told = sorted((one.kind, one.product) for one in house.province.outcomes.values())
    shown = [("shown", code) for code in products(card)]
    declined = [("not_interested", code) for code in ("", *products(card))]
    assert told == sorted([("greeted", ""), ("greeted", ""), *shown, *declined])


def test_C10_why_a_card_offers_what_it_does_is_computed_again_from_what_the_city_kept(
    house: House, tmp_path: Path
) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card = pad.card().card
    config = tmp_path / "city.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in house.settings().items()), "utf-8")
    ran = CliRunner().invoke(city, ["decision", card.card_id, "--config", str(config)])
    assert ran.exit_code == 0, ran.output
    printed = ran.stdout
    assert "张" not in printed
    assert [offer["product"] for offer in json.loads(printed)["output"]["offers"]] == products(card)
    record = tmp_path / "record.json"
    record.write_text(printed, "utf-8")
    result = CliRunner().invoke(app, ["replay", str(record)])
    assert result.stdout.startswith("identical: offers p0, p1, p2;")
