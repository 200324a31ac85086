"""What the customer says of what was concluded: confirmed, it may be stated; denied, it is silent for a year (C14)."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import bank_tables
import pytest
from insight_relations import commuter
from insight_world import answer, conclusion, enrol, levers, loaded, notes, rows_of, send, summary
from province_harness import World

from province_server.insights import nights
from yingbin.ids import new_id, now_ms
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.life_cycle import DENIED_REST
from yingbin.offers.insights.nightly import infer
from yingbin.offers.profile import china_today
from yingbin.trust.staff import Role

COMMUTES = load_library()["commutes"]


@pytest.fixture
def shared(shared_insights: World) -> World:
    return shared_insights


def fact_about(world: World, customer: str) -> str:
    """Enrol a customer, load a fact about him, return its id."""
    enrol(world, customer)
    loaded(world, conclusion(customer, "commutes", "card_presence", "transaction"))
    (row,) = rows_of(world, customer)
    return row.fact_id


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Return a function that plants a bank on a day, in which `rides` commutes, and infers that night's file."""

    def night(day: date) -> bytes:
        monkeypatch.setattr(bank_tables, "AS_OF", day)
        monkeypatch.setattr(bank_tables, "END_MS", (day - date(1970, 1, 1)).days * 86_400_000 + 16 * 3_600_000)
        monkeypatch.setattr(nights, "china_today", lambda: day)
        tables = bank_tables.Tables()
        commuter(tables, "rides")
        out = tmp_path / f"{day}.parquet"
        infer(tables.write(tmp_path / str(day)), out, library=[COMMUTES])
        return out.read_bytes()

    return night


def test_C14_from_the_banks_tables_to_the_card_confirmed_stated_denied_and_silent_for_a_year(
    insight_world: World, on: Any
) -> None:
    world, today = insight_world, china_today()
    enrol(world, "rides")
    assert "platinum_card" not in levers(world, "rides")
    assert summary(world, send(world, on(today)))["corroborated"] == 1
    assert levers(world, "rides")["platinum_card"].factor == 1.25
    (note,) = notes(world.a, "rides")
    assert (note["text_zh"], note["text_en"], note["stated"]) == (COMMUTES.ask_zh, COMMUTES.ask_en, False)
    assert [one["family_zh"] for one in note["evidence"]] == ["用卡与出行", "交易流水"]
    assert all(one["support"] > 1 and one["last_seen"] <= today.isoformat() for one in note["evidence"])

    assert answer(world.a, "rides", note["fact_id"], confirmed=True).status_code == 204
    assert levers(world, "rides")["platinum_card"].factor == 1.5
    (stated,) = notes(world.a, "rides")
    assert (stated["text_zh"], stated["stated"], stated["fact_id"]) == (COMMUTES.say_zh, True, note["fact_id"])
    assert stated["expires_on"] == (today + timedelta(days=COMMUTES.expires_days)).isoformat()

    assert answer(world.a, "rides", note["fact_id"], confirmed=False).status_code == 204
    assert levers(world, "rides") == {}
    assert notes(world.a, "rides") == []
    for day in (today, today + DENIED_REST):
        assert summary(world, send(world, on(day)))["corroborated"] == 0
        (row,) = rows_of(world, "rides")
        assert (row.state, row.silent_until, row.content_sealed) == ("expired", today + DENIED_REST, b"")
    assert summary(world, send(world, on(today + DENIED_REST + timedelta(days=1))))["corroborated"] == 1
    assert [row.state for row in rows_of(world, "rides")] == ["corroborated"]


def test_an_answer_counts_once_and_an_older_one_not_at_all(shared: World) -> None:
    fact_id, at_ms = fact_about(shared, "once"), now_ms()
    first = {"answer_id": new_id(), "at_ms": at_ms - 1_000}
    assert answer(shared.a, "once", fact_id, confirmed=True, **first).status_code == 204
    assert answer(shared.a, "once", fact_id, confirmed=False, at_ms=at_ms - 2_000).status_code == 204
    assert [row.state for row in rows_of(shared, "once")] == ["confirmed"]
    assert answer(shared.a, "once", fact_id, confirmed=False).status_code == 204
    head = shared.a.page(10**9).head
    assert answer(shared.a, "once", fact_id, confirmed=True, **first).status_code == 204
    assert [row.state for row in rows_of(shared, "once")] == ["expired"]
    assert shared.a.page(10**9).head == head


def test_the_day_of_an_answer_that_waited_in_a_city_is_its_own_and_never_in_the_future(shared: World) -> None:
    late, early = fact_about(shared, "late"), fact_about(shared, "early")
    day_ms = 86_400_000
    assert answer(shared.a, "late", late, confirmed=True, at_ms=now_ms() - day_ms).status_code == 204
    assert answer(shared.a, "early", early, confirmed=True, at_ms=now_ms() + 900 * day_ms).status_code == 204
    today, lasts = china_today(), timedelta(days=COMMUTES.expires_days)
    assert [row.expires_on for row in rows_of(shared, "late")] == [today - timedelta(days=1) + lasts]
    assert [row.expires_on for row in rows_of(shared, "early")] == [today + lasts]


def test_C12_only_who_may_see_the_portrait_may_answer_and_either_way_it_is_recorded(shared: World) -> None:
    fact_id = fact_about(shared, "seen")
    assert answer(shared.b, "seen", fact_id, confirmed=False).status_code == 403
    assert answer(shared.a, "seen", fact_id, confirmed=False, staff_id="stranger").status_code == 403
    assert answer(shared.a, "seen", fact_id, confirmed=False, staff_id=shared.b.manager()).status_code == 403
    assert [row.state for row in rows_of(shared, "seen")] == ["corroborated"]
    assert answer(shared.a, "seen", fact_id, confirmed=True).status_code == 204
    asked = {"action": "insight_answered", "object_kind": "fact", "object_id": fact_id}
    trail = shared.call("GET", "audit", Role.AUDITOR, params=asked).json()["items"]
    assert sorted(one["outcome"] for one in trail) == ["done", "refused", "refused", "refused"]
    assert all(one["actor_kind"] == "staff" for one in trail)


def test_a_fact_that_is_not_there_or_another_customers_cannot_be_answered(shared: World) -> None:
    fact_id = fact_about(shared, "mine")
    enrol(shared, "yours")
    assert answer(shared.a, "yours", fact_id, confirmed=False).status_code == 404
    assert answer(shared.a, "mine", new_id(), confirmed=False).status_code == 404
    assert [row.state for row in rows_of(shared, "mine")] == ["corroborated"]


@pytest.mark.parametrize(
    "wrong", [{"confirmed": "yes"}, {"at_ms": 0}, {"answer_id": ""}, {"answer_id": "x" * 65}, {"staff_id": 7}]
)
def test_an_answer_that_cannot_be_read_is_refused(shared: World, wrong: dict[str, Any]) -> None:
    body = {"confirmed": True, **wrong}
    assert answer(shared.a, "nobody", new_id(), **body).status_code == 422


def test_C14_what_was_never_corroborated_cannot_be_confirmed(shared: World) -> None:
    fact_id = fact_about(shared, "weak")
    loaded(shared, conclusion("weak", "commutes", "transaction"))
    assert answer(shared.a, "weak", fact_id, confirmed=True).status_code == 204
    assert [row.state for row in rows_of(shared, "weak")] == ["hypothesis"]
