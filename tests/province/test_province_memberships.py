"""Who is in which gallery; a customer moves from one to another with his consents, everywhere at once."""

from typing import Any

import pytest
from province_harness import World

from yingbin.feed_wire import FeedKind


def members(world: World, gallery: str, **wanted: Any) -> list[str]:
    items = world.call("GET", f"galleries/{gallery}/members", params=wanted).json()["items"]
    return [one["customer_id"] for one in items]


def templates(world: World) -> dict[str, int]:
    return {one["gallery"]: one["templates"] for one in world.call("GET", "galleries").json()["items"]}


def test_galleries_say_how_full_they_are(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.photo("li", b"second").status_code == 201
    assert templates(world) == {"vip": 1, "potential": 0}  # one a customer
    galleries = {one["gallery"]: one for one in world.call("GET", "galleries").json()["items"]}
    assert all(one["fit_for_templates"] > 0 for one in galleries.values())
    assert galleries["vip"]["needed"] == ["central_storage", "vip_service"]


def test_members_are_paged_once_each(world: World) -> None:
    for name in ("a", "b", "c"):
        world.enrolled(name, world.branch_a)
        assert world.photo(name, f"{name} again".encode()).status_code == 201
    first = world.call("GET", "galleries/vip/members", params={"limit": 2}).json()
    assert [(one["customer_id"], one["templates"], one["tier"]) for one in first["items"]] == [
        ("a", 2, "vip_gold"),
        ("b", 2, "vip_gold"),
    ]
    assert members(world, "vip", limit=2, after=first["next"]) == ["c"]
    assert members(world, "potential") == []
    assert world.call("GET", "galleries/police/members").status_code == 422


def test_C3_a_customer_who_moves_is_found_in_the_new_gallery_only(world: World) -> None:
    world.enrolled("li", world.branch_a)
    assert world.found("li") == "li"  # the camera's assessment covers vip alone
    for _ in range(2):
        assert world.call("PUT", "customers/li/gallery", json={"gallery": "potential"}).status_code == 204
        assert world.found("li") is None
    assert (members(world, "vip"), members(world, "potential")) == ([], ["li"])
    (view,) = world.a.kinds(FeedKind.CARD_VIEW)
    (template,) = world.a.kinds(FeedKind.TEMPLATE)
    assert (view.gallery, template.gallery) == ("potential", "potential")
    assert world.call("PUT", "customers/li/gallery", json={"gallery": "vip"}).status_code == 204
    assert world.found("li") == "li"


def test_C1_nobody_moves_without_his_consents_or_without_a_template(world: World) -> None:
    world.customer("wang", world.branch_a, ())
    for customer_id, status in (("nobody", 404), ("wang", 403)):
        reply = world.call("PUT", f"customers/{customer_id}/gallery", json={"gallery": "potential"})
        assert reply.status_code == status
    world.customer("zhao", world.branch_a)
    assert world.call("PUT", "customers/zhao/gallery", json={"gallery": "potential"}).status_code == 409


def test_what_is_being_enrolled_while_he_moves_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enrolled("li", world.branch_a)
    store = world.province.vault.store
    prepare = store.prepare

    def prepare_then_move(new: Any) -> Any:
        prepared = prepare(new)
        monkeypatch.undo()
        assert world.call("PUT", "customers/li/gallery", json={"gallery": "potential"}).status_code == 204
        return prepared

    monkeypatch.setattr(store, "prepare", prepare_then_move)
    assert world.photo("li", b"second").status_code == 409
    assert templates(world) == {"vip": 0, "potential": 1}
