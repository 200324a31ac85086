"""Counts of branches and galleries by day: the newest of a day, sums over branches, who may tell and who may ask."""

import httpx
import msgspec
import pytest
from province_harness import World

from province_server.statistics import StatisticsService
from yingbin.ids import now_ms
from yingbin.offers.profile import china_day
from yingbin.report_wire import BranchDay
from yingbin.trust.staff import Role

ANSWERED = (3, 2, 1, 0, 0, 1)


def day(branch: str, changes: int, visits: int, when: str = "2026-11-02", **other: object) -> BranchDay:
    counts = {"confirmed": 2, "wrong_person": 1, "answered": ANSWERED, **other}
    return BranchDay(branch, when, changes, visits, **counts)  # type: ignore[arg-type]


def tell(world: World, *days: BranchDay) -> httpx.Response:
    return world.a.ask("POST", "statistics", content=msgspec.msgpack.encode(days))


def ask(world: World, **params: str) -> httpx.Response:
    return world.call("GET", "statistics", Role.ANALYST, params={"first": "2026-11-01", "last": "2026-11-30", **params})


def test_the_newest_of_a_day_counts_and_branches_are_summed(world: World) -> None:
    other = world.made("branches", {"city_id": world.a.city_id, "name_zh": "二", "name_en": "Two"})["branch_id"]
    for days in ([day(world.branch_a, 9, 7), day(other, 1, 5)], [day(world.branch_a, 8, 6)], [day(other, 1, 5)]):
        assert tell(world, *days).status_code == 204
    assert ask(world).json()["days"] == [
        {"day": "2026-11-02", "visits": 12, "confirmed": 4, "wrong_person": 2, "answered": [6, 4, 2, 0, 0, 2]}
    ]
    assert [found["visits"] for found in ask(world, branch_id=other).json()["days"]] == [5]
    assert ask(world, branch_id="nowhere").json()["days"] == []


def test_people_enrolled_are_counted_for_each_day(world: World) -> None:
    world.enrolled("c-1", world.branch_a)
    StatisticsService(world.province.stores.identity).count_enrolled()
    today = china_day(now_ms()).isoformat()
    found = ask(world, first=today, last=today).json()["enrolled"]
    assert found == [
        {"day": today, "gallery": "potential", "customers": 0},
        {"day": today, "gallery": "vip", "customers": 1},
    ]


@pytest.mark.parametrize(
    "wrong", [{"answered": (1, 2)}, {"confirmed": -1}, {"when": "yesterday"}, {"when": "20261102"}]
)
def test_counts_that_cannot_be_used_are_refused(world: World, wrong: dict[str, object]) -> None:
    reply = tell(world, day(world.branch_a, 1, 1, **wrong))  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:yingbin:invalid_input")


def test_a_city_tells_of_its_own_branches_only(world: World) -> None:
    assert tell(world, day(world.branch_b, 1, 1)).status_code == 403


def test_the_span_is_bounded(world: World) -> None:
    assert ask(world, first="2026-11-30", last="2026-11-01").status_code == 422
    assert ask(world, first="2020-01-01").status_code == 422
