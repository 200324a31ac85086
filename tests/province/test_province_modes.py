"""Which city is given R_city: only one with a box whose camera is registered and assessed for picture mode."""

from typing import Any

import numpy as np
import pytest
from province_harness import DIMENSION, YEAR_MS, World, vector_of

from yingbin import feed_wire, wire
from yingbin.galleries import protect
from yingbin.ids import now_ms


def box_of(world: World) -> feed_wire.Box:
    return next(box for box in world.a.kinds(feed_wire.FeedKind.BOX) if box.box_id == world.bundle_a.box_id)


def add_camera(world: World, mode: str, **assessment: Any) -> None:
    body = {"expires_at_ms": now_ms() + YEAR_MS, "roles": ["entrance"], "modes": [mode], "galleries": ["vip"]}
    made = world.made("assessments", {**body, **assessment})["assessment_id"]
    camera = {"branch_id": world.branch_a, "box_id": world.bundle_a.box_id, "role": "entrance", "mode": mode}
    world.made("cameras", {**camera, "assessment_id": made})


def test_a_box_with_an_assessed_picture_camera_brings_its_city_the_map_for_raw_vectors(world: World) -> None:
    assert box_of(world).raw_to_city == b""
    head = world.a.page(0).head
    add_camera(world, "picture")
    told = [feed_wire.feed_payload(entry) for entry in world.a.page(head).entries]
    assert [type(thing) for thing in told] == [feed_wire.Box, wire.Camera]

    box, raw = box_of(world), vector_of(b"somebody")
    direct = protect.apply(protect.decode_transform(box.raw_to_city, DIMENSION), raw)
    by_box = protect.apply(
        protect.decode_transform(box.to_city[world.bundle_a.key_id], DIMENSION),
        protect.apply(world.bundle_a.transform, raw),
    )
    np.testing.assert_allclose(direct, by_box, atol=1e-4)
    assert all(not other.raw_to_city for other in world.b.kinds(feed_wire.FeedKind.BOX))


@pytest.mark.parametrize(
    ("mode", "assessment"),
    [
        ("feature", {}),
        ("video", {}),
        ("picture", {"modes": ["feature", "video"]}),
        ("picture", {"roles": ["ad_screen"]}),
        ("picture", {"expires_at_ms": now_ms() + 1}),
    ],
)
def test_C3_without_an_assessed_picture_camera_no_city_gets_it(
    world: World, mode: str, assessment: dict[str, Any]
) -> None:
    add_camera(world, mode, **assessment)
    assert box_of(world).raw_to_city == b""


def test_a_revoked_box_takes_it_away_again(world: World) -> None:
    add_camera(world, "picture")
    assert box_of(world).raw_to_city
    assert world.call("POST", f"boxes/{world.bundle_a.box_id}/revoke").status_code == 204
    assert box_of(world).raw_to_city == b""
