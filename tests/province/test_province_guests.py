"""What a city that met a guest is told when he takes something back (C1), and who is told nothing."""

from typing import Any

import pytest
from bulk_lists import csv_file, finished, flat
from province_harness import World, record

from province_server.search import RecentMatches
from yingbin import feed_wire
from yingbin.feed_wire import CardView, FeedKind


def told(world: World, after: int) -> dict[str, CardView | None]:
    """Return what city b was told of guests since a revision."""
    entries = [one for one in world.b.page(after).entries if one.kind is FeedKind.GUEST_VIEW]
    return {one.key: feed_wire.feed_payload(one) if one.payload else None for one in entries}


def assessed(level: str, valid_until: str = "2099-12-31") -> dict[str, Any]:
    """Return a profile with a risk assessment."""
    return {"as_of": "2026-11-01", "risk_assessment": {"level": level, "valid_until": valid_until}}


def met(world: World) -> int:
    """Enrol `guest`, whom city b meets, and `stay-at-home`, both of tolerance 5; return the head of b's feed."""
    for who in ("guest", "stay-at-home"):
        world.enrolled(who, world.branch_a)
        put(world, who, profile=assessed("risk_c5"))
    assert world.found("guest") == "guest"
    return world.b.page(10_000).head


def put(world: World, who: str, **changes: Any) -> None:
    reply = world.call("PUT", f"customers/{who}", json=record(who, world.branch_a, **changes))
    assert reply.status_code == 204, reply.text


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


def test_C11_a_lower_tolerance_reaches_every_city_that_met_him_and_says_nothing_to_others(world: World) -> None:
    before = met(world)
    for who in ("guest", "stay-at-home"):
        put(world, who, profile=assessed("risk_c1"))
    views = told(world, before)
    assert views.keys() == {"guest", "stay-at-home"}
    assert views["guest"] is not None
    assert (views["guest"].risk_tolerance, views["guest"].gallery) == (1, "vip")
    assert views["stay-at-home"] is None, "b never met him, and learns nothing of him"
    assert {card.customer_id: card.risk_tolerance for card in world.a.kinds(FeedKind.CARD_VIEW)} == {
        "guest": 1, "stay-at-home": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "less",
    [
        {"opted_out_of_automated_decisions": True, "profile": assessed("risk_c5")},
        {"profile": assessed("risk_c5", "2020-01-01")},
        {"profile": {"as_of": "2026-11-01"}},
    ],
    ids=["opted out", "assessment ended", "no assessment any more"],
)
def test_C10_C11_a_province_that_forgot_whom_a_city_met_ends_the_offers_there(
    world: World, monkeypatch: pytest.MonkeyPatch, less: dict[str, Any]
) -> None:
    monkeypatch.setattr(RecentMatches, "remember", lambda *_: None)
    before = met(world)
    put(world, "guest", **less)
    assert told(world, before) == {"guest": None}


def test_C11_a_change_that_takes_no_offer_away_goes_only_where_he_was(world: World) -> None:
    before = met(world)
    for who in ("guest", "stay-at-home"):
        put(world, who, tier="vip_diamond", profile=assessed("risk_c5"))
    views = told(world, before)
    assert {who: view and view.tier for who, view in views.items()} == {"guest": "vip_diamond"}


def test_C11_an_import_tells_the_cities_that_met_somebody_and_no_others(world: World) -> None:
    before = met(world)
    lower = {"risk_level": "risk_c2", "risk_valid_until": "2099-12-31"}
    rows = [flat(who, world.branch_a, **lower) for who in ("guest", "stay-at-home", "new")]
    reply = world.call("POST", "imports/customers", files={"table": csv_file(rows)})
    assert finished(world, reply.json()["job_id"], "imports/customers")["state"] == "done"
    views = told(world, before)
    assert {who: view and view.risk_tolerance for who, view in views.items()} == {"guest": 2}
    assert {card.customer_id: card.risk_tolerance for card in world.a.kinds(FeedKind.CARD_VIEW)} == {
        "guest": 2, "stay-at-home": 2,
    }  # fmt: skip


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
