"""The filing duty (C7), retention (C18), candidates and campaigns (C1)."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from bulk_lists import enrol, row
from province_harness import World

from province_server.lifecycle.filing import FilingCounter
from province_server.lifecycle.retention import AUDIT, DAY_MS, DAYS
from province_server.lifecycle.working_days import WorkingDays
from yingbin.errors import BadConfiguration, Conflict
from yingbin.ids import new_id, now_ms
from yingbin.storage.lifecycle import CampaignRow
from yingbin.storage.province import ConsentRow, OutcomeRow
from yingbin.trust.staff import Role

NOON = datetime(2026, 9, 18, 4, tzinfo=UTC)  # a Friday in China


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_C7_working_days_follow_the_state_councils_calendar() -> None:
    calendar = WorkingDays.load(None)
    worked = {day: calendar.is_working(date.fromisoformat(day)) for day in (
        "2026-01-01", "2026-01-04", "2026-02-14", "2026-02-16", "2026-02-24", "2026-09-20", "2026-10-05", "2026-10-10",
        "2026-11-21", "2026-11-23",
    )}  # fmt: skip
    assert list(worked.values()) == [False, True, True, False, True, True, False, True, False, True]
    assert calendar.after(date(2026, 9, 18), 1) == date(2026, 9, 20), "a Sunday worked instead"
    assert calendar.after(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert (calendar.knows(date(2026, 1, 1)), calendar.knows(date(2027, 1, 1))) == (True, False)


def test_C7_a_calendar_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "holidays.toml"
    broken.write_text("[2027]\nholidays = ['2027-01-01']\nworked_weekends = []\n")
    with pytest.raises(BadConfiguration, match="calendar"):
        WorkingDays.load(broken)


def test_C7_crossing_starts_the_clock_and_crossing_back_does_not_stop_it(world: World) -> None:
    calendar = WorkingDays.load(None)
    counter = FilingCounter(world.province.stores.identity, "Bank", calendar, threshold=5)
    for number in range(3):
        world.enrolled(f"c{number}", world.branch_a)
    world.photo("c0", b"another photo of the same person")
    assert (counter.take(ms(NOON)).people, counter.take(ms(NOON)).state) == (3, "below")
    with pytest.raises(Conflict):
        counter.filed("x")
    world.enrolled("c3", world.branch_a)
    alerted = counter.take(ms(NOON))
    assert (alerted.state, alerted.alerted_at_ms, alerted.due_on) == ("alert", ms(NOON), None)
    world.enrolled("c4", world.branch_b)
    crossed = counter.take(ms(NOON))
    # 18 September + 30 working days: over the holidays of Mid-Autumn and the National Day.
    assert (crossed.state, crossed.crossed_at_ms, crossed.due_on) == ("due", ms(NOON), date(2026, 11, 5))
    assert (crossed.working_days_left, crossed.holidays_known) == (30, True)
    world.withdraw("c4", "vip_service")
    world.withdraw("c3", "vip_service")
    later = counter.take(ms(NOON + timedelta(days=3)))
    assert (later.people, later.state, later.due_on) == (3, "due", date(2026, 11, 5))
    assert counter.take(ms(NOON + timedelta(days=60))).state == "overdue"
    counter.filed("浙网信备-1")
    assert counter.take(ms(NOON + timedelta(days=60))).state == "filed"


def test_C7_who_may_see_it_and_who_files(world: World) -> None:
    seen = world.call("GET", "filing", Role.AUDITOR).json()
    assert (seen["duty_from_people"], seen["people"], seen["state"]) == (100_000, 0, "below")
    body = {"filing_number": "x"}
    assert world.call("PUT", "filing", Role.GALLERY_ADMIN, json=body).status_code == 403
    assert world.call("PUT", "filing", Role.SECURITY_OFFICER, json=body).status_code == 409


def outcome(world: World, customer_id: str, at_ms: int) -> None:
    with world.province.stores.identity.write() as session:
        session.add(
            OutcomeRow(
                outcome_id=new_id(), card_id="c", customer_id=customer_id, branch_id=world.branch_a, staff_id="rm",
                kind="greeted", product="", at_ms=at_ms,
            )
        )  # fmt: skip


def test_C18_records_past_their_limit_are_gone_and_the_others_are_not(world: World) -> None:
    for who in ("dormant", "seen", "photographed-again"):
        world.enrolled(who, world.branch_a)
    world.customer("withdrew", world.branch_a)
    world.withdraw("withdrew", "marketing")
    later_ms = now_ms() + (DAYS["templates_vip"] + 1) * DAY_MS
    outcome(world, "seen", later_ms - DAY_MS)
    outcome(world, "dormant", now_ms())
    with world.province.stores.identity.write() as session:
        session.add(
            CampaignRow(campaign_id=new_id(), name="old", created_by="x", created_at_ms=0, expires_at_ms=now_ms())
        )
    retention = world.province.retention
    assert sum(retention.due(now_ms()).gone.values()) == 0
    with pytest.MonkeyPatch.context() as patch:
        # Who is enrolled again is not dormant: his newer template's id says when.
        patch.setattr("province_server.template_store.new_id", lambda: str(UUID(int=(later_ms - DAY_MS) << 80)))
        assert world.photo("photographed-again", b"2").status_code == 201
    would = retention.due(later_ms).gone
    gone = retention.run(later_ms).gone
    assert would == gone
    assert (gone["templates_vip"], gone["outcomes"], gone["withdrawn_consents"], gone["campaigns"]) == (1, 1, 1, 1)
    assert world.found("dormant") is None
    assert (world.found("seen"), world.found("photographed-again")) == ("seen", "photographed-again")
    assert world.call("GET", "customers/dormant").json()["consents"], "record and consents stay: he may enrol again"
    assert sum(retention.run(later_ms).gone.values()) == 0
    with world.province.stores.identity.read() as session:
        assert session.query(ConsentRow).filter(ConsentRow.withdrawn_at_ms.is_not(None)).count() == 0
    reports = world.call("GET", "retention/runs", Role.AUDITOR).json()["items"]
    assert gone in [one["gone"] for one in reports]


def test_C18_limits_are_data_that_the_security_officer_changes(world: World) -> None:
    limits = {one["kind"]: one for one in world.call("GET", "retention", Role.AUDITOR).json()["items"]}
    assert set(limits) == set(DAYS)
    world.enrolled("li", world.branch_a)
    outcome(world, "li", now_ms() - 40 * DAY_MS)
    assert world.call("GET", "retention/due").json()["gone"]["outcomes"] == 0
    for role, status in ((Role.GALLERY_ADMIN, 403), (Role.SECURITY_OFFICER, 200)):
        assert world.call("PATCH", "retention/outcomes", role, json={"days": 30}).status_code == status
    changed = {one["kind"]: one for one in world.call("GET", "retention").json()["items"]}["outcomes"]
    assert (changed["days"], changed["default_days"], changed["changed_by"]) == (30, 730, "a-security_officer")
    assert world.call("GET", "retention/due").json()["gone"]["outcomes"] == 1
    for days in (0, 4000, "x"):
        assert world.call("PATCH", "retention/outcomes", Role.SECURITY_OFFICER, json={"days": days}).status_code == 422
    assert world.call("PATCH", "retention/secrets", Role.SECURITY_OFFICER, json={"days": 3}).status_code == 404


def test_C18_the_audit_trail_is_cut_at_its_limit_and_still_verifies(world: World) -> None:
    retention, trail = world.province.retention, world.province.stores.trail.ledger
    world.customer("li", world.branch_a)
    with world.province.stores.identity.read() as session:
        before = list(trail.records(session))
    past_ms = before[-1][0].at_ms + DAYS[AUDIT] * DAY_MS + 1
    assert retention.due(past_ms - DAY_MS).gone[AUDIT] == 0
    assert retention.due(past_ms).gone[AUDIT] == len(before) - 1, "the newest always stays"
    assert retention.run(past_ms).gone[AUDIT] == len(before) - 1
    with world.province.stores.identity.read() as session:
        checker, left = trail.checker(session), list(trail.records(session))
        checker.follow(left)
        assert checker.finish(trail.head(session)) is None
    assert left[0] == before[-1]
    assert [one.action for one, _ in left].count("audit_cut") == 1
    assert retention.due(now_ms()).gone[AUDIT] == 0


def test_C18_bulk_lists_go_row_by_row_and_then_altogether(world: World) -> None:
    rows = [row(f"c-{number}", world.branch_a) for number in range(6)]
    assert enrol(world, rows)["counts"] == {"enrolled": 6}
    retention, ended_ms = world.province.retention, now_ms()

    def gone(days: int) -> tuple[int, int]:
        due = retention.due(ended_ms + days * DAY_MS).gone
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("province_server.lifecycle.retention.BATCH", 4)  # more than one step
            done = retention.run(ended_ms + days * DAY_MS).gone
        assert (done["batch_rows"], done["batch_jobs"]) == (due["batch_rows"], due["batch_jobs"])
        return done["batch_rows"], done["batch_jobs"]

    assert gone(DAYS["batch_rows"] - 1) == (0, 0)
    assert gone(DAYS["batch_rows"] + 1) == (6, 0)
    (job,) = world.call("GET", "bulk/jobs").json()["items"]
    assert (job["state"], job["total"], job["counts"]) == ("done", 6, {})
    assert gone(DAYS["batch_jobs"] + 1) == (0, 1)
    assert world.call("GET", "bulk/jobs").json()["items"] == []


def test_C18_the_audit_trail_is_kept_five_years_at_least(world: World) -> None:
    (limit,) = (one for one in world.call("GET", "retention").json()["items"] if one["kind"] == AUDIT)
    assert (limit["days"], limit["least_days"]) == (3650, 1827)
    path, officer = f"retention/{AUDIT}", Role.SECURITY_OFFICER
    refused = world.call("PATCH", path, officer, json={"days": 1826})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:yingbin:invalid_input")
    assert world.call("PATCH", path, officer, json={"days": 1827}).status_code == 200


def candidate(customer_id: str, **changes: object) -> dict[str, object]:
    return {
        "customer_id": customer_id, "reason": "idle deposit", "source": "import 1.csv",
        "expires_at_ms": now_ms() + DAY_MS, **changes,
    }  # fmt: skip


def test_C1_a_candidate_is_recognised_only_after_consent_and_enrolment(world: World) -> None:
    world.customer("li", world.branch_a, ())
    manager = Role.PRODUCT_MANAGER
    body = {"items": [candidate("li"), candidate("nobody")]}
    assert world.call("POST", "candidates", manager, json=body).status_code == 422
    assert world.call("GET", "candidates", manager).json()["items"] == [], "all or none"
    assert world.call("POST", "candidates", manager, json={"items": [candidate("li")]}).json() == {"added": 1}
    assert world.call("POST", "candidates", manager, json={"items": [candidate("li", reason="b")]}).json() == {
        "added": 0
    }

    def seen() -> tuple[str, list[str], str]:
        (one,) = world.call("GET", "candidates", manager).json()["items"]
        return one["state"], one["consents_missing"], one["reason"]

    assert seen() == ("candidate", ["central_storage", "vip_service"], "b")
    assert world.photo("li", b"li", "potential").json()["type"] == "urn:yingbin:consent_missing"
    assert world.call("POST", "customers/li/photos", manager).status_code == 403
    for purpose in ("vip_service", "central_storage"):
        world.grant("li", purpose)
    assert seen()[:2] == ("consented", [])
    assert world.photo("li", b"li", "potential").status_code == 201
    assert seen()[0] == "enrolled"
    for role in (Role.RM, Role.ENROLLER, Role.ANALYST, Role.AUDITOR):
        assert world.call("GET", "candidates", role).status_code == 403


def test_C1_a_campaign_lists_only_who_consents_to_marketing_and_ends(world: World) -> None:
    manager = Role.PRODUCT_MANAGER
    world.customer("yes", world.branch_a, ("marketing",))
    world.customer("no", world.branch_a, ("vip_service", "central_storage"))
    assert world.call("POST", "campaigns", manager, json={"name": "x", "expires_at_ms": 1}).status_code == 422
    made = world.call("POST", "campaigns", manager, json={"name": "winter", "expires_at_ms": now_ms() + DAY_MS}).json()
    path = f"campaigns/{made['campaign_id']}"
    refused = world.call("PUT", f"{path}/members", manager, json={"customer_ids": ["yes", "no"]})
    assert refused.json()["type"] == "urn:yingbin:consent_missing"
    assert world.call("GET", f"{path}/members", manager).json()["items"] == []
    assert world.call("PUT", f"{path}/members", manager, json={"customer_ids": ["yes"]}).status_code == 204
    assert world.call("GET", f"{path}/members", manager).json()["items"] == ["yes"]
    world.withdraw("yes", "marketing")
    assert world.call("GET", f"{path}/members", manager).json()["items"] == []
    assert [one["members"] for one in world.call("GET", "campaigns", manager).json()["items"]] == [0]
    with world.province.stores.identity.write() as session:
        session.get_one(CampaignRow, made["campaign_id"]).expires_at_ms = now_ms() - 1
    assert world.call("GET", f"{path}/members", manager).status_code == 404
    assert world.call("GET", "campaigns", manager).json()["items"] == []
