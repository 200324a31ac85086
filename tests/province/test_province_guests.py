"""What a city that met a guest is told when he takes something back (C1), and who is told nothing."""

import pytest
from province_harness import World

from province_server.search import RecentMatches
from yingbin import feed_wire
from yingbin.feed_wire import FeedKind


def test_C1_a_marketing_withdrawal_reaches_every_city_that_met_him_and_says_nothing_to_others(world: World) -> None:
    for who in ("guest", "stay-at-home"):
        world.enrolled(who, world.branch_a)
    assert world.found("guest") == "guest"  # city b has seen him
    before = world.b.page(10_000).head
    for who in ("guest", "stay-at-home"):
        assert world.withdraw(who, "marketing").status_code == 204
    home = {card.customer_id: card.personalised for card in world.a.kinds(FeedKind.CARD_VIEW)}
    assert home == {"guest": False, "stay-at-home": False}
    entries = {(entry.kind, entry.key): entry for entry in world.b.page(before).entries}
    assert set(entries) == {(FeedKind.GUEST_VIEW, "guest"), (FeedKind.GUEST_VIEW, "stay-at-home")}
    view = feed_wire.feed_payload(entries[FeedKind.GUEST_VIEW, "guest"])
    assert (view.customer_id, view.personalised) == ("guest", False)
    assert entries[FeedKind.GUEST_VIEW, "stay-at-home"].payload is None, "b never met him, and learns nothing of him"


def test_C1_a_province_that_does_not_know_any_more_whom_a_city_met_ends_the_offers_there(
    world: World,
) -> None:
    """Meetings are kept in memory for some hours."""
    world.enrolled("guest", world.branch_a)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecentMatches, "remember", lambda *_: None)
        assert world.found("guest") == "guest"
        before = world.b.page(10_000).head
        world.withdraw("guest", "marketing")
        assert [entry.payload for entry in world.b.page(before).entries] == [None]


def test_C13_a_new_pin_gives_the_cities_another_version_of_the_tokens(world: World) -> None:
    body = {"staff_id": "rm1", "display_name": "王经理", "role": "rm", "branch_id": world.branch_a, "pin": "123456"}
    world.made("staff", body)

    def version() -> int:
        (one,) = (one for one in world.a.kinds(FeedKind.STAFF) if one.staff_id == "rm1")
        return int(one.version)

    first = version()
    assert world.call("PUT", "staff/rm1/secret", json={"pin": "654321"}).status_code == 204
    second = version()
    assert world.call("PATCH", "staff/rm1", json={"display_name": "王"}).status_code == 204
    assert version() == second, "a new name ends no token"
    assert world.call("PATCH", "staff/rm1", json={"role": "lobby"}).status_code == 204
    assert first < second < version()
    assert world.call("PATCH", "staff/rm1", json={"active": False}).status_code == 204
    assert [one for one in world.a.kinds(FeedKind.STAFF) if one.staff_id == "rm1"] == []
