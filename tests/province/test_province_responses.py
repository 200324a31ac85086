"""How soon watch-list alerts are acknowledged (C13: each list for its own role); how long that and shifts are kept."""

from typing import Any

import msgspec
import pytest
from province_harness import World

from province_server.lifecycle.retention import DAY_MS, DAYS
from yingbin.ids import new_id
from yingbin.report_wire import WatchAnswered
from yingbin.storage.province import ShiftRow, StaffRow
from yingbin.trust.staff import Role

RAISED_MS = 1_793_600_000_000  # 2 November 2026 in China


def answered(world: World, watch_list: str, took_s: float, branch: str = "") -> WatchAnswered:
    return WatchAnswered(new_id(), branch or world.branch_a, watch_list, RAISED_MS, RAISED_MS + round(took_s * 1000))


def tell(world: World, *answers: WatchAnswered) -> int:
    return world.a.ask("POST", "watch-responses", content=msgspec.msgpack.encode(answers)).status_code


def ask(world: World, role: Role, **params: str) -> list[dict[str, Any]]:
    span = {"first": "2026-11-01", "last": "2026-11-30", **params}
    found: list[dict[str, Any]] = world.call("GET", "statistics", role, params=span).json()["watch"]
    return found


def test_C13_response_times_are_told_by_branch_and_list_to_the_role_of_the_list(world: World) -> None:
    other = world.made("branches", {"city_id": world.a.city_id, "name_zh": "二", "name_en": "Two"})["branch_id"]
    police = [answered(world, "police", took) for took in (10, 20, 30, 40, 100)]
    overdue = [answered(world, "overdue", 7), answered(world, "overdue", 9, other)]
    for _ in range(2):  # the second time changes nothing
        assert tell(world, *police, *overdue) == 204
    of_police = [
        {"branch_id": world.branch_a, "watch_list": "police", "acknowledged": 5, "median_s": 30.0, "p90_s": 76.0}
    ]
    assert ask(world, Role.SECURITY_OFFICER) == of_police
    assert {one["watch_list"] for one in ask(world, Role.GALLERY_ADMIN)} == {"overdue"}
    assert [one["median_s"] for one in ask(world, Role.GALLERY_ADMIN, branch_id=other)] == [9.0]
    assert len(ask(world, Role.AUDITOR)) == 3
    for role in (Role.ANALYST, Role.PRODUCT_MANAGER):
        assert ask(world, role) == []
    assert ask(world, Role.AUDITOR, first="2026-11-03") == []
    assert ask(world, Role.AUDITOR, last="2026-11-01") == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"watch_list": "vip"}, 422), ({"acknowledged_at_ms": RAISED_MS - 1}, 422), ({"alert_id": "x" * 65}, 422),
     ({"branch_id": "elsewhere"}, 403)],
)  # fmt: skip
def test_times_that_cannot_be_used_are_refused(world: World, change: dict[str, Any], status: int) -> None:
    assert tell(world, msgspec.structs.replace(answered(world, "police", 1), **change)) == status
    assert tell(world, *[answered(world, "police", 1)] * 1001) == 422


def test_C18_shifts_that_ended_and_response_times_go_at_their_limit(world: World) -> None:
    assert tell(world, answered(world, "police", 1)) == 204
    with world.province.stores.identity.write() as session:
        row = StaffRow(staff_id="rm-1", display_name="rm", role=Role.RM, secret_hash="", on_duty=False)
        row.branch_id = world.branch_a
        session.add(row)
        session.flush()
        for until_ms in (RAISED_MS, None):  # the second has not ended
            shift = ShiftRow(shift_id=new_id(), staff_id="rm-1", branch_id=world.branch_a, from_ms=RAISED_MS - DAY_MS)
            shift.until_ms = until_ms
            session.add(shift)
    retention = world.province.retention
    early = retention.due(RAISED_MS + DAYS["shifts"] * DAY_MS).gone
    assert (early["shifts"], early["watch_responses"]) == (0, 0)
    gone = retention.run(RAISED_MS + DAYS["shifts"] * DAY_MS + 1).gone
    assert (gone["shifts"], gone["watch_responses"]) == (1, 1)
    with world.province.stores.identity.read() as session:
        assert [shift.until_ms for shift in session.query(ShiftRow)] == [None]
