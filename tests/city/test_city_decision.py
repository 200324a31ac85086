"""What a card offers follows the visit, is told to the province, and can be computed again."""

import json
from pathlib import Path

import httpx
import msgspec
from city_house import House
from city_people import face
from city_sockets import wait_for
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from typer.testing import CliRunner

from city_server.alerts import Alerts, Limits
from city_server.changed_views import ChangedViews
from city_server.chores import Sweep
from city_server.cli import app as city
from city_server.queues import Queues
from city_server.records import Records
from city_server.settings import CitySettings
from city_server.withdrawals import Withdrawals
from yingbin import pad_wire
from yingbin.errors import NotFound
from yingbin.feed_wire import FeedKind, Lever
from yingbin.ids import now_ms
from yingbin.offers.brain import BRAIN
from yingbin.offers.cli import app
from yingbin.offers.decision.contact_policy import DAY_MS
from yingbin.queue_wire import Queue, QueueClass, QueueReport
from yingbin.storage.database import Database
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.seal import Sealer
from yingbin.wire import encode


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
    box.socket.send(encode(QueueReport((Queue(QueueClass.STANDARD, 4, 2, 300),))))
    box.look(face(1), 1)
    card = pad.card().card
    config = tmp_path / "city.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in house.settings().items()), "utf-8")
    ran = CliRunner().invoke(city, ["decision", card.card_id, "--config", str(config)])
    assert ran.exit_code == 0, ran.output
    printed = ran.stdout
    assert "张" not in printed
    assert json.loads(printed)["inputs"]["context"] == {
        "branch_id": "branch-1", "refused_products": [], "waiting": 4, "minutes": 10,
    }  # fmt: skip
    assert [offer["product"] for offer in json.loads(printed)["output"]["offers"]] == products(card)
    record = tmp_path / "record.json"
    record.write_text(printed, "utf-8")
    result = CliRunner().invoke(app, ["replay", str(record)])
    assert result.stdout.startswith("identical: offers p0, p1, p2;")


def test_a_view_that_breaks_the_brain_still_brings_face_and_name_and_health_says_so(house: House) -> None:
    BRAIN.forget()
    before = REGISTRY.get_sample_value("yingbin_brain_failures_total", {"step": "arbitrate"}) or 0.0
    broken = msgspec.structs.replace(house.view("zhang", rm="rm-1"), matures_on="the day after")
    house.province.put(FeedKind.CARD_VIEW, "zhang", broken)
    box, pad = house.ready_box(), house.pad("rm-1")
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    with capture_logs() as logs:
        box.look(face(1), 1)
        told = pad.card()
    assert (told.ring, told.card.surname, told.card.offers, told.card.avoid) == (True, "张", (), ())
    assert REGISTRY.get_sample_value("yingbin_brain_failures_total", {"step": "arbitrate"}) == before + 1
    (said,) = [one for one in logs if one["event"] == "brain_failed"]
    assert (said["kind"], said["customer_id"], bool(said["error_id"])) == ("ValueError", "zhang", True)
    assert said["where"].startswith("yingbin.offers.decision.context:")
    health = httpx.get(f"http://{house.address}/healthz").json()
    assert (health["status"], health["degraded"]) == ("degraded", "brain")
    BRAIN.forget()
    assert httpx.get(f"http://{house.address}/healthz").json()["status"] == "ok"


def test_an_expired_offer_does_not_reach_a_tablet_that_comes_on_another_day(house: House) -> None:
    view = msgspec.structs.replace(house.view("zhang", rm="rm-1"), risk_valid_until_ms=now_ms() + 3 * DAY_MS)
    first, *others = view.candidates
    today_only = msgspec.structs.replace(first, valid_until_ms=now_ms() + DAY_MS // 2)
    house.province.put(FeedKind.CARD_VIEW, "zhang", msgspec.structs.replace(view, candidates=(today_only, *others)))
    box, pad = house.ready_box(), house.pad("rm-1")
    wait_for(lambda: len(house.province.entries) in house.province.asked_after)
    box.look(face(1), 1)
    assert products(pad.card().card) == ["p0", "p1", "p2"]
    pad.close()
    settings = CitySettings(**house.settings())
    keystore = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
    records, database = Records(Sealer(keystore.get("city-records"))), Database(settings.database_url)
    alerts = Alerts(records, Limits(0, 0, 0), Withdrawals(records, None), ChangedViews(records, None), Queues(0))  # type: ignore[arg-type]
    with database.write() as session:
        Sweep(settings, records, alerts).decide_anew(session, now_ms() + DAY_MS)
    database.close()
    assert products(house.pad("rm-1").card().card) == ["p1", "p2", "p3"]


def test_the_decision_of_a_card_that_is_not_kept_is_refused_with_a_sentence(house: House, tmp_path: Path) -> None:
    config = tmp_path / "city.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in house.settings().items()), "utf-8")
    ran = CliRunner().invoke(city, ["decision", "no-such-card", "--config", str(config)])
    assert (type(ran.exception), "no longer kept" in str(ran.exception)) == (NotFound, True)
