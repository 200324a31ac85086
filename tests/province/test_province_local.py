"""Local recognition at the province: off unless registered, told to the city, and never searched from here."""

from typing import Any

from province_harness import YEAR_MS, World

from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms


def assessed(world: World, **changes: Any) -> str:
    body = {"expires_at_ms": now_ms() + YEAR_MS, "roles": ["entrance"], "modes": ["feature"], "galleries": ["vip"]}
    return str(world.made("assessments", {**body, **changes})["assessment_id"])


def registration(world: World, assessment: str, **changes: Any) -> dict[str, Any]:
    camera = {"branch_id": world.branch_b, "box_id": world.bundle_b.box_id, "role": "entrance"}
    return {**camera, "assessment_id": assessment, "local_recognition": True, **changes}


def told(world: World, camera_id: str) -> wire.Camera:
    found: wire.Camera = next(one for one in world.b.kinds(FeedKind.CAMERA) if one.camera_id == camera_id)
    return found


def test_C3_it_is_off_unless_the_camera_and_its_assessment_both_name_it(world: World) -> None:
    plain = told(world, world.camera_b)
    assert plain.assessment
    assert (plain.local_recognition, plain.assessment.local_recognition) == (False, False)
    not_covered = world.made("cameras", registration(world, world.assessment))["camera_id"]
    covered = world.made("cameras", registration(world, assessed(world, local_recognition=True)))["camera_id"]
    for camera_id, names_it in ((not_covered, False), (covered, True)):
        camera = told(world, camera_id)
        assert camera.assessment
        assert (camera.local_recognition, camera.assessment.local_recognition) == (True, names_it)
    listed = world.call("GET", "cameras").json()["items"]
    assert {one["camera_id"]: one["local_recognition"] for one in listed} == {
        world.camera_a: False,
        world.camera_b: False,
        not_covered: True,
        covered: True,
    }


def test_C3_it_is_for_mode_feature_only(world: World) -> None:
    everything = assessed(world, local_recognition=True, modes=["feature", "picture", "video"])
    for mode in ("picture", "video"):
        reply = world.call("POST", "cameras", json=registration(world, everything, mode=mode))
        assert reply.status_code == 422
        assert "local_recognition" in reply.text


def test_C3_the_province_searches_nothing_for_a_camera_that_sends_no_vectors(world: World) -> None:
    assessment = assessed(world, local_recognition=True)
    camera = world.made("cameras", registration(world, assessment))["camera_id"]
    reply = world.search(world.probe("zhao", camera=camera, assessment=assessment))
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:yingbin:not_assessed")


def test_a_customer_of_the_branch_reaches_its_city_with_home_gallery_and_consent(world: World) -> None:
    world.enrolled("zhao", world.branch_b)
    (view,) = world.b.kinds(FeedKind.CARD_VIEW)
    assert isinstance(view, feed_wire.CardView)
    assert (view.home_branch_id, view.gallery, "vip_service" in view.purposes) == (world.branch_b, "vip", True)
