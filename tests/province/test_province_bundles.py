"""Which bundle each box uses: said by its city, shown beside the newest one."""

from typing import Any

import msgspec
from province_harness import City, World

from yingbin.report_wire import BundleInUse
from yingbin.trust.devices import BoxBundle
from yingbin.trust.staff import Role


def says(city: City, *bundles: BundleInUse) -> int:
    return city.ask("POST", "bundles", content=msgspec.msgpack.encode(bundles)).status_code


def shown(world: World, box_id: str) -> dict[str, Any]:
    (box,) = (one for one in world.call("GET", "boxes").json()["items"] if one["box_id"] == box_id)
    return dict(box)


def test_a_box_is_shown_with_the_bundle_it_uses_until_it_has_the_new_one(world: World) -> None:
    old = world.bundle_a
    assert (shown(world, old.box_id)["key_id_in_use"], shown(world, old.box_id)["connected_at_ms"]) == ("", 0)
    assert says(world.a, BundleInUse(old.box_id, old.key_id, 10)) == 204
    box = shown(world, old.box_id)
    assert box["key_id_in_use"] == box["key_id_newest"] == old.key_id
    new = msgspec.convert(world.call("POST", f"renewals/boxes/{old.box_id}").json(), BoxBundle)
    box = shown(world, old.box_id)
    assert (box["key_id_in_use"], box["key_id_newest"]) == (old.key_id, new.key_id)
    assert says(world.a, BundleInUse(old.box_id, new.key_id, 30), BundleInUse(old.box_id, old.key_id, 20)) == 204
    box = shown(world, old.box_id)
    assert (box["key_id_in_use"], box["connected_at_ms"]) == (new.key_id, 30)


def test_a_city_speaks_of_its_own_boxes_only(world: World) -> None:
    box_id = world.bundle_a.box_id
    assert says(world.b, BundleInUse(box_id, "k", 10), BundleInUse("nobody's", "k", 10)) == 204
    assert shown(world, box_id)["key_id_in_use"] == ""


def test_a_box_is_shown_with_when_it_was_last_seen(world: World) -> None:
    box_id = world.bundle_a.box_id
    assert shown(world, box_id)["last_seen_at_ms"] == 0
    said = BundleInUse(box_id, "k", 10, 10)
    for seen_ms, expected in ((10, 10), (70, 70), (40, 70)):
        assert says(world.a, msgspec.structs.replace(said, seen_at_ms=seen_ms)) == 204
        assert shown(world, box_id)["last_seen_at_ms"] == expected
    assert shown(world, box_id)["connected_at_ms"] == 10
    trail = world.call("GET", "audit", Role.AUDITOR, params={"action": "city_bundles"}).json()["items"]
    assert len(trail) == 1, "that its line still lives is no change that anybody made"


def test_reports_that_are_too_long_are_refused(world: World) -> None:
    one = BundleInUse(world.bundle_a.box_id, "k", 10)
    assert says(world.a, *[one] * 1001) == 422
    assert says(world.a, msgspec.structs.replace(one, key_id="k" * 65)) == 422
    assert shown(world, one.box_id)["key_id_in_use"] == ""
