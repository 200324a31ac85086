"""A broken record or catalogue: face and name still arrive, it is counted, logged once with an id, and seen in health.

And the whole decision of a customer: a reason for every product, computed again from its inputs.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from province_harness import World
from sqlalchemy import select, update
from structlog.testing import capture_logs
from typer.testing import CliRunner

from province_server.cards import Cards
from province_server.catalogues.in_force import InForce
from province_server.cli import app
from yingbin.feed_wire import CardView, FeedKind
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.brain import BRAIN
from yingbin.offers.catalogue import load_catalogue
from yingbin.offers.cli import app as offers
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow
from yingbin.storage.province import CustomerRow
from yingbin.trust.staff import Role


@pytest.fixture(autouse=True)
def _mended() -> Iterator[None]:
    BRAIN.forget()
    yield
    BRAIN.forget()


def failures() -> float:
    return REGISTRY.get_sample_value("yingbin_brain_failures_total", {"step": "card_view"}) or 0.0


def damage_record(world: World, customer_id: str, **changes: Any) -> None:
    """Write over a stored record what this software would never store."""
    keys = world.province.keys
    with world.province.stores.identity.write() as session:
        row = session.get_one(CustomerRow, customer_id)
        said = json.loads(keys.open_record(customer_id, row.record_sealed))
        row.record_sealed = keys.seal_record(customer_id, json.dumps({**said, **changes}).encode())


def damage_catalogue(world: World) -> None:
    with world.province.stores.identity.write() as session:
        in_force = session.scalars(
            select(CatalogueReleaseRow.catalogue_id).where(CatalogueReleaseRow.state == "in_force")
        ).one()
        row = session.get_one(CatalogueRow, in_force)
        broken = CatalogueRow(**{name: getattr(row, name) for name in CatalogueRow.__table__.columns.keys()})  # noqa: SIM118
        broken.catalogue_id, broken.number, broken.digest = "broken", row.number + 1, "0" * 64
        broken.text = row.text.replace("margin_fen = ", "margin_fen = 'much' # ", 1)
        session.add(broken)
        session.flush()
        session.execute(
            update(CatalogueReleaseRow)
            .where(CatalogueReleaseRow.catalogue_id == in_force)
            .values(catalogue_id="broken")
        )


def views(world: World) -> dict[str, CardView]:
    return {view.customer_id: view for view in world.a.kinds(FeedKind.CARD_VIEW)}


def health(world: World) -> dict[str, str]:
    reply = world.http.get("/healthz")
    assert reply.status_code == 200
    return {key: value for key, value in reply.json().items() if key != "version"}


def test_of_a_damaged_record_face_and_name_arrive_and_everybody_elses_offers_too(world: World) -> None:
    for customer_id in ("broken", "sound"):
        world.enrolled(customer_id, world.branch_a)
    assert health(world) == {"status": "ok"}
    damage_record(world, "broken", profile={"as_of": "2026-11-01", "demand_deposit_fen": -777_777})
    before = failures()
    with capture_logs() as logs:
        seen = views(world)
        assert views(world) == seen
    assert (seen["sound"].personalised, len(seen["sound"].candidates) > 0) == (True, True)
    broken = seen["broken"]
    assert (broken.surname, broken.honorific_zh, broken.home_branch_id) == ("欧阳", "女士", world.branch_a)
    assert (broken.personalised, broken.risk_tolerance, broken.purposes) == (False, 0, ("vip_service",))
    assert broken.basis.policy == "general", "he did not opt out, so the card does not say so"
    offered = arbitrate(broken, Context(), 1_790_000_000_000).offers
    general = load_catalogue().general.products
    assert {offer.product for offer in offered} <= set(general), "the list for everybody, and nothing of his"
    assert failures() - before == 2
    said = [one for one in logs if one["event"] == "brain_failed"]
    assert [(one["step"], one["kind"], one["customer_id"], bool(one["error_id"])) for one in said] == [
        ("card_view", "ValidationError", "broken", True)
    ], "once, however often the feed is read"
    assert "777" not in json.dumps(logs)
    assert health(world) == {"status": "degraded", "degraded": "brain"}


def test_with_a_broken_catalogue_face_and_name_arrive_with_the_list_that_was_last_good(world: World) -> None:
    world.enrolled("c-1", world.branch_a)
    good = views(world)["c-1"]
    damage_catalogue(world)
    view = views(world)["c-1"]
    assert (view.surname, view.gallery, view.personalised) == (good.surname, "vip", False)
    assert [one.product for one in view.candidates] == list(load_catalogue().general.products)
    assert health(world)["degraded"] == "brain"


def test_a_province_that_never_saw_a_good_catalogue_sends_face_and_name_alone(world: World) -> None:
    world.enrolled("c-1", world.branch_a)
    damage_catalogue(world)
    started_anew = Cards(world.province.keys, InForce())
    with world.province.stores.identity.read() as session:
        view = started_anew.card_view(session, "c-1")
    assert view is not None
    assert (view.surname, view.candidates, view.avoid) == ("欧阳", (), ())


# --- the whole decision ---------------------------------------------------------------------------------------------


def explained(world: World, customer_id: str, **params: Any) -> dict[str, Any]:
    reply = world.call("GET", f"customers/{customer_id}/decision", params=params)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_C10_a_whole_decision_says_why_of_every_product_and_is_computed_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrolled("c-1", world.branch_a)
    world.made(
        "staff", {"staff_id": "gu", "display_name": "顾", "role": "gallery_admin", "password": "a long password"}
    )
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", "a long password")
    asked = ["decision", "c-1", "--staff-id", "gu", "--url", world.url, "--business", "loan", "--waiting", "12"]
    ran = CliRunner().invoke(app, [*asked, "--minutes", "3", "--camera-role", "ticket_machine", "--refused", "sms"])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    assert "欧阳" not in ran.stdout
    said = json.loads(ran.stdout)
    assert said["inputs"]["context"] == {
        "camera_role": "ticket_machine", "business": "loan", "waiting": 12, "minutes": 3, "refused_products": ["sms"],
    }  # fmt: skip
    reasons = {one["product"]: one for key in ("offers", "withheld") for one in said["output"][key]}
    assert reasons.keys() == load_catalogue().products.keys()
    assert all(one.get("why") or one.get("reason_zh") for one in reasons.values())
    record = tmp_path / "record.json"
    record.write_text(ran.stdout, "utf-8")
    again = CliRunner().invoke(offers, ["replay", str(record)])
    assert (again.exit_code, again.stdout.startswith("identical: offers ")) == (0, True), again.output


def test_a_decision_is_what_the_city_would_make_of_the_view_it_was_sent(world: World) -> None:
    world.enrolled("c-1", world.branch_a)
    said = explained(world, "c-1", branch_id=world.branch_a)
    decided = arbitrate(views(world)["c-1"], Context(branch_id=world.branch_a), said["inputs"]["at_ms"])
    assert [one["product"] for one in said["output"]["offers"]] == [one.product for one in decided.offers]


def test_C12_a_look_at_a_decision_is_in_the_audit_trail_and_asks_for_the_role(world: World) -> None:
    world.enrolled("c-1", world.branch_a)
    explained(world, "c-1")
    trail = world.call("GET", "audit", role=Role.AUDITOR, params={"limit": 50})
    assert trail.status_code == 200, trail.text
    looks = [one for one in trail.json()["items"] if one["action"] == "explain_decision"]
    assert [(one["role"], one["object_kind"], one["outcome"]) for one in looks] == [
        ("gallery_admin", "customer", "done")
    ]
    assert world.call("GET", "customers/c-1/decision", role=Role.AUDITOR).status_code == 403


def test_unknown_unrecognisable_or_nonsense_is_refused_with_a_sentence(world: World) -> None:
    world.customer("no-photo", world.branch_a)
    for customer_id, params, status, words in (
        ("nobody", {}, 404, "there is no customer"),
        ("no-photo", {}, 403, "may not be recognised"),
        ("no-photo", {"business": "lottery"}, 422, "business"),
        ("no-photo", {"waiting": -2}, 422, "waiting"),
    ):
        reply = world.call("GET", f"customers/{customer_id}/decision", params=params)
        assert (reply.status_code, words in reply.json()["detail"]) == (status, True), reply.text
