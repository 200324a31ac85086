"""Cities, branches, boxes, cameras, assessments: lists, changes, and that each is in force at once (C3)."""

import itertools
from typing import Any

import msgspec
import pytest
from province_harness import YEAR_MS, World, public

from yingbin import feed_wire, search_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.trust.devices import DeviceKey
from yingbin.wire import CameraMode, CameraRole

GALLERIES = {"li": "vip", "wang": "potential"}


def assessed(world: World, **changes: Any) -> str:
    body = {"expires_at_ms": now_ms() + YEAR_MS, "roles": ["entrance"], "modes": ["feature"], "galleries": ["vip"]}
    return str(world.made("assessments", {**body, **changes})["assessment_id"])


def told(world: World, camera_id: str) -> wire.Camera | None:
    return next((one for one in world.b.kinds(FeedKind.CAMERA) if one.camera_id == camera_id), None)


def changed(world: World, camera_id: str, **changes: Any) -> int:
    return world.call("PATCH", f"cameras/{camera_id}", json=changes).status_code


def listed(world: World, path: str, **wanted: Any) -> list[dict[str, Any]]:
    reply = world.call("GET", path, params={"limit": 200, **wanted})
    assert reply.status_code == 200, reply.text
    items: list[dict[str, Any]] = reply.json()["items"]
    return items


def test_cities_and_branches_are_listed_and_renamed(world: World) -> None:
    assert world.call("PATCH", f"cities/{world.a.city_id}", json={"name": "成都"}).status_code == 204
    world.b.page(0)
    cities = {one["city_id"]: one for one in listed(world, "cities")}
    assert cities[world.a.city_id]["name"] == "成都"
    assert cities[world.a.city_id]["public_key_base64"] == public(world.a.key)
    assert cities[world.b.city_id]["asked_at_ms"] <= now_ms()
    assert cities[world.a.city_id]["asked_at_ms"] is None
    assert world.call("PATCH", f"branches/{world.branch_a}", json={"name_en": "Tianfu"}).status_code == 204
    (branch,) = listed(world, "branches", city_id=world.a.city_id)
    assert (branch["name_zh"], branch["name_en"]) == ("支行", "Tianfu")
    assert [one.name_en for one in world.a.kinds(FeedKind.BRANCH)] == ["Tianfu"]
    for path, body in (("cities/none", {"name": "x"}), ("branches/none", {"name_en": "x"})):
        assert world.call("PATCH", path, json=body).status_code == 404
    assert world.call("PATCH", f"branches/{world.branch_a}", json={}).status_code == 422


def test_boxes_and_cameras_are_listed_by_place_and_state(world: World) -> None:
    assert world.call("POST", f"boxes/{world.bundle_a.box_id}/revoke").status_code == 204
    assert [one["box_id"] for one in listed(world, "boxes", revoked=True)] == [world.bundle_a.box_id]
    assert [one["box_id"] for one in listed(world, "boxes", branch_id=world.branch_b)] == [world.bundle_b.box_id]
    assert listed(world, "boxes", branch_id=world.branch_b, revoked=True) == []
    assert world.call("DELETE", f"cameras/{world.camera_a}").status_code == 204
    assert [one["camera_id"] for one in listed(world, "cameras", retired=True)] == [world.camera_a]
    assert [one["camera_id"] for one in listed(world, "cameras", retired=False)] == [world.camera_b]
    assert [one["camera_id"] for one in listed(world, "cameras", box_id=world.bundle_a.box_id)] == [world.camera_a]


def test_what_may_change_at_a_camera_reaches_its_city(world: World) -> None:
    local = assessed(world, local_recognition=True)
    spare = world.made("boxes", {"branch_id": world.branch_b, "public_key_base64": public(DeviceKey.generate())})
    changes = {"box_id": spare["box_id"], "assessment_id": local, "local_recognition": True, "min_face_px": 60}
    assert changed(world, world.camera_b, **changes) == 204
    camera = told(world, world.camera_b)
    assert camera is not None
    assert camera.assessment is not None
    assert (camera.box_id, camera.assessment.assessment_id) == (spare["box_id"], local)
    assert (camera.local_recognition, camera.min_face_px) == (True, 60)
    assert changed(world, world.camera_b, local_recognition=False, mode="picture") == 204
    assert changed(world, world.camera_b, assessment_id=None) == 204
    camera = told(world, world.camera_b)
    assert camera is not None
    assert (camera.mode, camera.assessment, camera.box_id) == ("picture", None, spare["box_id"])


def test_a_change_that_does_not_fit_is_refused_whole(world: World) -> None:
    before = told(world, world.camera_b)
    for wrong in (
        {"local_recognition": True, "mode": "picture"},
        {"box_id": world.bundle_a.box_id},
        {"box_id": None},
        {"min_face_px": 60, "assessment_id": "none"},
        {"min_face_px": 60, "role": "ad_screen"},
        {"branch_id": world.branch_a},
    ):
        assert changed(world, world.camera_b, **wrong) == 422, wrong
    assert told(world, world.camera_b) == before


def test_C3_a_box_gets_the_map_for_pictures_with_its_camera_and_loses_it_again(world: World) -> None:
    pictures = assessed(world, modes=["picture"])

    def has_it() -> bool:
        (box,) = world.b.kinds(FeedKind.BOX)
        assert isinstance(box, feed_wire.Box)
        return bool(box.raw_to_city)

    for change, expected in (
        ({"mode": "picture", "assessment_id": pictures}, True),
        ({"mode": "feature"}, False),
        ({"mode": "picture"}, True),
        ({"assessment_id": None}, False),
        ({"assessment_id": pictures}, True),
    ):
        assert changed(world, world.camera_b, **change) == 204
        assert has_it() == expected, change
    assert world.call("POST", f"assessments/{pictures}/revoke").status_code == 204
    assert not has_it()
    assert changed(world, world.camera_b, assessment_id=assessed(world, modes=["picture"])) == 204
    assert has_it()
    assert world.call("DELETE", f"cameras/{world.camera_b}").status_code == 204
    assert not has_it()


def test_C3_a_retired_camera_is_no_more(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.found("li") == "li"
    probe = world.probe("li")
    for _ in range(2):
        assert world.call("DELETE", f"cameras/{world.camera_b}").status_code == 204
    assert told(world, world.camera_b) is None
    assert world.search(probe).status_code == 403
    assert changed(world, world.camera_b, min_face_px=60) == 409
    assert world.call("DELETE", "cameras/none").status_code == 404


def test_C3_an_assessment_is_extended_and_revoked_with_effect_at_once(world: World) -> None:
    world.enrolled("li", world.branch_a)
    path, probe = f"assessments/{world.assessment}", world.probe("li")
    past, future = now_ms() - 1000, now_ms() + 2 * YEAR_MS
    for until_ms, status in ((past, 403), (future, 200)):
        assert world.call("PATCH", path, json={"expires_at_ms": until_ms}).status_code == 204
        camera = told(world, world.camera_b)
        assert camera is not None
        assert camera.assessment is not None
        assert camera.assessment.expires_at_ms == until_ms
        assert world.search(probe).status_code == status
    for _ in range(2):
        assert world.call("POST", f"{path}/revoke").status_code == 204
    camera = told(world, world.camera_b)
    assert camera is not None
    assert camera.assessment is not None
    assert camera.assessment.expires_at_ms <= now_ms()
    assert world.search(probe).status_code == 403
    assert world.call("PATCH", path, json={"expires_at_ms": future}).status_code == 409
    (known,) = listed(world, "assessments")
    assert known["revoked_at_ms"] <= now_ms()
    assert known["expires_at_ms"] == future  # as it was assessed
    assert world.call("POST", "assessments/none/revoke").status_code == 404


@pytest.mark.parametrize("role", list(CameraRole))
def test_C3_role_x_mode_x_gallery_at_the_province(world: World, role: CameraRole) -> None:
    """A camera finds whom its assessment names a gallery of, if the assessment names its role and mode too."""
    for who, gallery in GALLERIES.items():
        world.customer(who, world.branch_a)
        assert world.photo(who, who.encode(), gallery=gallery).status_code == 201
    other_role = CameraRole.AD_SCREEN if role is not CameraRole.AD_SCREEN else CameraRole.ENTRANCE
    camera = {"branch_id": world.branch_b, "box_id": world.bundle_b.box_id, "role": role}
    camera_id = world.made("cameras", camera)["camera_id"]
    probes = {who: world.probe(who, camera=camera_id) for who in GALLERIES}
    for mode, galleries in itertools.product(CameraMode, (["vip"], ["potential"], ["potential", "vip"])):
        other_mode = CameraMode.VIDEO if mode is not CameraMode.VIDEO else CameraMode.FEATURE
        for roles, modes in (([role], [mode]), ([other_role], [mode]), ([role], [other_mode])):
            assessment = assessed(world, roles=roles, modes=modes, galleries=galleries)
            assert changed(world, camera_id, mode=mode, assessment_id=assessment) == 204
            covered = (roles, modes) == ([role], [mode])
            for who, probe in probes.items():
                asked = msgspec.structs.replace(probe, assessment_id=assessment)
                reply = world.search(asked)
                assert reply.status_code == (200 if covered else 403), (role, mode, roles, modes)
                if covered:
                    card = wire.decode(reply.content, search_wire.SearchReply).hits[0].card_view
                    found = card.customer_id if card else None
                    assert found == (who if GALLERIES[who] in galleries else None), (role, mode, galleries)
