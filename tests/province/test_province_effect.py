"""What the offers do: counts by product, branch and week, nobody in a group too small to hide in."""

from typing import Any

import httpx
import pytest
from province_harness import World

from yingbin.ids import new_id
from yingbin.storage.province import OutcomeRow
from yingbin.trust.staff import Role

NOON_MS = 1_793_592_000_000
"""Monday 2026-11-02, noon in China."""
DAY_MS = 86_400_000


def ask(world: World, role: Role = Role.ANALYST, **params: str) -> httpx.Response:
    return world.call("GET", "effect", role, params={"first": "2026-11-01", "last": "2026-11-30", **params})


def told(world: World, *events: tuple[str, str, str, str, int]) -> None:
    """Store outcomes: customer, card, kind, product, at."""
    with world.province.stores.identity.write() as session:
        for customer_id, card_id, kind, product, at_ms in events:
            session.add(
                OutcomeRow(
                    outcome_id=new_id(), card_id=card_id, customer_id=customer_id, staff_id="s",
                    branch_id=world.branch_a, kind=kind, product=product, at_ms=at_ms,
                )
            )  # fmt: skip


@pytest.fixture
def crowd(world: World) -> World:
    """Twelve customers are shown a deposit, each twice; six take it up; one is shown a bond, too."""
    events: list[tuple[str, str, str, str, int]] = []
    for number in range(12):
        who = f"c-{number}"
        world.enrolled(who, world.branch_a)
        for week in range(2):
            card = f"{who}/{week}"
            events.append((who, card, "greeted", "", NOON_MS + week * 7 * DAY_MS))
            events.append((who, card, "shown", "time_deposit", NOON_MS + week * 7 * DAY_MS))
        kind = "accepted" if number % 2 else "not_interested"
        events.append((who, f"{who}/1", kind, "time_deposit", NOON_MS + 7 * DAY_MS + 1))
    events.append(("c-1", "c-1/1", "sold", "time_deposit", NOON_MS + 7 * DAY_MS + 2))
    events.append(("c-0", "c-0/0", "shown", "treasury_bond", NOON_MS))
    told(world, *events)
    return world


def named(figures: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in figures}


def test_impressions_acceptances_refusals_and_sales_are_counted(crowd: World) -> None:
    found = ask(crowd).json()
    deposit = named(found["products"])["time_deposit"]
    counts = {name: deposit[name] for name in ("customers", "shown", "taken", "refused", "sold")}
    assert counts == {"customers": 12, "shown": 24, "taken": 6, "refused": 6, "sold": 1}
    assert deposit["rate"] == 0.25
    assert deposit["rate_low"] < 0.25 < deposit["rate_high"]
    assert named(found["branches"])[crowd.branch_a]["shown"] == 25
    assert [(one["name"], one["taken"]) for one in found["weeks"]] == [("2026-11-02", 0), ("2026-11-09", 6)]


def test_C8_a_group_of_fewer_than_ten_is_left_out(crowd: World) -> None:
    found = ask(crowd).json()
    assert "treasury_bond" not in named(found["products"])
    assert (found["left_out"], found["k"]) == (1, 10)
    assert "c-1" not in ask(crowd).text


def test_cards_of_the_wrong_person_do_not_count(crowd: World) -> None:
    told(crowd, *((f"c-{n}", f"c-{n}/0", "wrong_person", "", NOON_MS + 5) for n in range(12)))
    assert named(ask(crowd).json()["products"])["time_deposit"]["shown"] == 12


def test_only_the_days_asked_for_count_and_the_span_is_bounded(crowd: World) -> None:
    first_week = named(ask(crowd, last="2026-11-08").json()["products"])
    assert first_week["time_deposit"]["shown"] == 12
    assert ask(crowd, first="2026-11-10").json()["products"] == []
    assert ask(crowd, first="2026-12-01").status_code == 422
    assert ask(crowd, first="2020-01-01").status_code == 422
