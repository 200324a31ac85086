"""Ticketing at the province: a purpose of its own, at ticket machines only (C1, C3)."""

import msgspec
from province_harness import YEAR_MS, World

from yingbin import search_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms


def ticket_camera(world: World) -> tuple[str, str]:
    """Return a ticket machine's camera of city b, and its assessment."""
    assessment = world.made(
        "assessments",
        {"expires_at_ms": now_ms() + YEAR_MS, "roles": ["ticket_machine"], "modes": ["feature"], "galleries": ["vip"]},
    )["assessment_id"]
    body = {"branch_id": world.branch_b, "box_id": world.bundle_b.box_id, "role": "ticket_machine"}
    return str(world.made("cameras", {**body, "assessment_id": assessment})["camera_id"]), assessment


def who(world: World, name: str, camera: str, assessment: str, purpose: str) -> str | None:
    probe = msgspec.structs.replace(world.probe(name, camera=camera, assessment=assessment), purpose=purpose)
    reply = world.search(probe)
    assert reply.status_code == 200, reply.text
    view = wire.decode(reply.content, search_wire.SearchReply).hits[0].card_view
    return view.customer_id if view else None


def test_C1_only_who_consented_to_ticketing_is_found_for_it(world: World) -> None:
    camera, assessment = ticket_camera(world)
    world.enrolled("li", world.branch_a)
    assert who(world, "li", camera, assessment, "ticketing") is None
    assert who(world, "li", camera, assessment, "vip_service") == "li"
    assert world.grant("li", "ticketing").status_code == 204
    assert who(world, "li", camera, assessment, "ticketing") == "li"
    assert world.withdraw("li", "ticketing").status_code == 204
    assert who(world, "li", camera, assessment, "ticketing") is None
    assert who(world, "li", camera, assessment, "vip_service") == "li"


def test_C3_a_purpose_the_cameras_role_does_not_serve_is_refused(world: World) -> None:
    camera, assessment = ticket_camera(world)
    refused = [(world.camera_b, world.assessment, "ticketing")]
    refused += [(camera, assessment, purpose) for purpose in ("marketing", "teller_assist", "whereabouts", "nonsense")]
    for name, covered_by, purpose in refused:
        probe = msgspec.structs.replace(world.probe("li", camera=name, assessment=covered_by), purpose=purpose)
        reply = world.search(probe)
        assert (reply.status_code, reply.json()["type"]) == (403, "urn:yingbin:not_assessed")


def test_C1_a_city_learns_only_the_purposes_a_camera_serves_and_at_once(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert [view.purposes for view in world.a.kinds(FeedKind.CARD_VIEW)] == [("vip_service",)]
    world.grant("li", "ticketing")
    assert [view.purposes for view in world.a.kinds(FeedKind.CARD_VIEW)] == [("ticketing", "vip_service")]
    world.withdraw("li", "ticketing")
    assert [view.purposes for view in world.a.kinds(FeedKind.CARD_VIEW)] == [("vip_service",)]


def test_a_tap_gives_a_city_no_reason_to_see_the_portrait(world: World) -> None:
    camera, assessment = ticket_camera(world)
    world.enrolled("li", world.branch_a)
    world.grant("li", "ticketing")
    assert who(world, "li", camera, assessment, "ticketing") == "li"
    assert world.b.ask("GET", "customers/li/portrait").status_code == 403
    assert who(world, "li", camera, assessment, "vip_service") == "li"
    assert world.b.ask("GET", "customers/li/portrait").status_code == 200
