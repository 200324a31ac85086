"""Staff: who changes is signed out at once, passwords, lock-out, and the duty rota as the cities are told of it."""

from typing import Any

import httpx
import pytest
from province_harness import World

from province_server import rota, sessions
from province_server.rota import Rota
from province_server.settings import ProvinceSettings
from yingbin.feed_wire import FeedKind, Staff
from yingbin.ids import now_ms

PASSWORD = "a long password"
HOUR_MS = 3_600_000


@pytest.fixture
def settings(settings: ProvinceSettings) -> ProvinceSettings:
    return settings.model_copy(update={"sign_in_attempts_per_min": 1000.0})


def sign_in(world: World, staff_id: str, password: str = PASSWORD) -> httpx.Response:
    return world.http.post("/v1/sessions", json={"staff_id": staff_id, "password": password})


def member(world: World, staff_id: str, role: str = "auditor") -> dict[str, str]:
    """Register somebody of the province and return the header he works with."""
    world.made("staff", {"staff_id": staff_id, "display_name": "审计", "role": role, "password": PASSWORD})
    return header(sign_in(world, staff_id))


def header(session: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.json()['token']}"}


def works(world: World, headers: dict[str, str]) -> bool:
    status = world.http.get("/v1/me", headers=headers).status_code
    assert status in {200, 401}
    return status == 200


def rm(world: World, staff_id: str = "rm1", **changes: Any) -> None:
    body = {"staff_id": staff_id, "display_name": "王经理", "role": "rm", "branch_id": world.branch_a, "pin": "123456"}
    world.made("staff", body | changes)


def told(world: World, staff_id: str = "rm1") -> Staff | None:
    return next((one for one in world.a.kinds(FeedKind.STAFF) if one.staff_id == staff_id), None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "staff/aud", {"active": False}),
        ("PATCH", "staff/aud", {"role": "analyst"}),
        ("PUT", "staff/aud/secret", {"password": "another long password"}),
    ],
)
def test_whoever_is_changed_is_signed_out_at_once(world: World, method: str, path: str, body: dict[str, Any]) -> None:
    headers, other = member(world, "aud"), member(world, "other")
    assert works(world, headers)
    assert world.call(method, path, json=body).status_code == 204
    assert not works(world, headers)
    assert works(world, other)


def test_a_new_name_signs_nobody_out(world: World) -> None:
    headers = member(world, "aud")
    assert world.call("PATCH", "staff/aud", json={"display_name": "新名"}).status_code == 204
    assert world.http.get("/v1/me", headers=headers).json()["display_name"] == "新名"


def test_who_left_cannot_sign_in_and_may_come_back(world: World) -> None:
    member(world, "aud")
    assert world.call("PATCH", "staff/aud", json={"active": False}).status_code == 204
    assert sign_in(world, "aud").status_code == 401
    listed = world.call("GET", "staff", params={"active": False}).json()["items"]
    assert [one["staff_id"] for one in listed] == ["aud"]
    assert world.call("PATCH", "staff/aud", json={"active": True}).status_code == 204
    assert sign_in(world, "aud").status_code == 201


def test_signing_out_ends_every_session(world: World) -> None:
    here, there = member(world, "aud"), header(sign_in(world, "aud"))
    assert world.http.delete("/v1/sessions", headers=here).status_code == 204
    assert not works(world, here)
    assert not works(world, there)
    assert works(world, header(sign_in(world, "aud")))


def test_a_password_is_changed_by_who_knows_it(world: World) -> None:
    old = member(world, "aud")
    body = {"password": PASSWORD, "new_password": "staple after battery"}
    assert world.http.put("/v1/me/password", headers=old, json=body | {"password": "wrong"}).status_code == 401
    assert world.http.put("/v1/me/password", headers=old, json=body | {"new_password": "short"}).status_code == 422
    changed = world.http.put("/v1/me/password", headers=old, json=body)
    assert changed.status_code == 200
    assert works(world, header(changed))
    assert not works(world, old)
    assert sign_in(world, "aud").status_code == 401
    assert sign_in(world, "aud", "staple after battery").status_code == 201


def test_ten_wrong_passwords_lock_until_the_time_is_over_or_an_administrator_resets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(world, "aud")
    for _ in range(sessions.MAX_FAILURES - 1):
        assert sign_in(world, "aud", "wrong").status_code == 401
    assert sign_in(world, "aud").status_code == 201  # and the count begins anew
    wrong = [sign_in(world, "aud", "wrong") for _ in range(sessions.MAX_FAILURES)]
    locked = sign_in(world, "aud")
    assert locked.status_code == 401
    assert locked.json()["detail"] == wrong[0].json()["detail"] == sign_in(world, "nobody").json()["detail"]
    later = now_ms() + sessions.LOCK_MS
    monkeypatch.setattr(sessions, "now_ms", lambda: later)
    assert sign_in(world, "aud").status_code == 201
    monkeypatch.undo()
    assert world.call("PUT", "staff/aud/secret", json={"password": PASSWORD}).status_code == 204
    assert sign_in(world, "aud").status_code == 201


def test_a_secret_is_of_the_kind_its_role_needs(world: World) -> None:
    rm(world)
    member(world, "aud")
    assert world.call("PUT", "staff/rm1/secret", json={"pin": "654321"}).status_code == 204
    for path, body in (
        ("staff/rm1/secret", {"password": PASSWORD}),
        ("staff/aud/secret", {"pin": "654321"}),
        ("staff/aud/secret", {}),
        ("staff/aud/secret", {"password": PASSWORD, "pin": "654321"}),
    ):
        assert world.call("PUT", path, json=body).status_code == 422
    assert world.call("PATCH", "staff/rm1", json={"role": "auditor"}).status_code == 422
    assert world.call("PATCH", "staff/aud", json={"branch_id": world.branch_a}).status_code == 422
    assert world.call("PATCH", "staff/nobody", json={"active": False}).status_code == 404
    assert world.call("PATCH", "staff/aud", json={}).status_code == 422


def test_the_last_administrator_stays(world: World) -> None:
    assert world.call("PATCH", "staff/a-gallery_admin", json={"active": False}).status_code == 409
    assert world.call("PATCH", "staff/a-gallery_admin", json={"role": "auditor"}).status_code == 409
    member(world, "second", "gallery_admin")
    assert world.call("PATCH", "staff/second", json={"role": "auditor"}).status_code == 204


def test_the_city_follows_a_member_who_moves_or_leaves(world: World) -> None:
    rm(world, on_duty=True)
    assert told(world) == Staff("rm1", "王经理", "rm", world.branch_a, told(world).pin_hash, on_duty=True)  # type: ignore[union-attr]
    assert world.call("PATCH", "staff/rm1", json={"branch_id": world.branch_b}).status_code == 204
    assert told(world) is None
    (there,) = world.b.kinds(FeedKind.STAFF)
    assert (there.branch_id, there.on_duty) == (world.branch_b, False)
    assert world.call("PATCH", "staff/rm1", json={"active": False}).status_code == 204
    assert world.b.kinds(FeedKind.STAFF) == []
    assert world.call("PATCH", "staff/rm1/duty", json={"on_duty": True}).status_code == 422


def test_shifts_begin_and_end_by_the_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rm(world)
    clock = Rota(world.province.stores.identity, world.province.notifier)
    begins = now_ms() + HOUR_MS
    shift = {"staff_id": "rm1", "branch_id": world.branch_a, "from_ms": begins, "until_ms": begins + HOUR_MS}
    world.made("shifts", shift)
    for at_ms, on_duty in (
        (begins - 1, False),
        (begins, True),
        (begins + HOUR_MS - 1, True),
        (begins + HOUR_MS, False),
    ):
        monkeypatch.setattr(rota, "now_ms", lambda at_ms=at_ms: at_ms)
        head = world.a.page(0).head
        before = told(world)
        clock.settle_all()
        clock.settle_all()
        after = told(world)
        assert after is not None
        assert after.on_duty == on_duty, at_ms
        assert (world.a.page(0).head > head) == (before != after)  # told once, and only what changed


def test_somebody_may_help_at_another_branch_of_his_city(world: World) -> None:
    rm(world)
    names = {"city_id": world.a.city_id, "name_zh": "二支行", "name_en": "Second"}
    second = world.made("branches", names)["branch_id"]
    shift = {"staff_id": "rm1", "branch_id": second, "from_ms": now_ms() - 1}
    assert world.call("POST", "shifts", json=shift | {"branch_id": world.branch_b}).status_code == 422
    shift_id = world.made("shifts", shift)["shift_id"]
    assert (told(world).branch_id, told(world).on_duty) == (second, True)  # type: ignore[union-attr]
    assert world.call("POST", "shifts", json=shift | {"from_ms": now_ms() + HOUR_MS}).status_code == 409
    assert world.call("DELETE", f"shifts/{shift_id}").status_code == 204
    assert (told(world).branch_id, told(world).on_duty) == (world.branch_a, False)  # type: ignore[union-attr]
    assert world.call("DELETE", f"shifts/{shift_id}").status_code == 409  # what was worked stays on record
    (kept,) = world.call("GET", "shifts", params={"staff_id": "rm1", "branch_id": second}).json()["items"]
    assert kept["until_ms"] is not None


def test_put_on_duty_by_hand_lasts_until_the_next_planned_shift(world: World) -> None:
    rm(world)
    begins = now_ms() + HOUR_MS
    shift = {"staff_id": "rm1", "branch_id": world.branch_a, "from_ms": begins, "until_ms": begins + HOUR_MS}
    planned = world.made("shifts", shift)["shift_id"]
    for _ in range(2):
        assert world.call("PATCH", "staff/rm1/duty", json={"on_duty": True}).status_code == 204
    untils = {one["shift_id"]: one["until_ms"] for one in world.call("GET", "shifts").json()["items"]}
    assert sorted(untils.values()) == [begins, begins + HOUR_MS]
    assert world.call("PATCH", "staff/rm1/duty", json={"on_duty": False}).status_code == 204
    assert told(world).on_duty is False  # type: ignore[union-attr]
    assert world.call("DELETE", f"shifts/{planned}").status_code == 204
    assert planned not in [one["shift_id"] for one in world.call("GET", "shifts").json()["items"]]


def test_staff_are_listed_by_branch_role_and_state(world: World) -> None:
    rm(world, "rm1")
    rm(world, "rm2", branch_id=world.branch_b)
    rm(world, "lo1", role="lobby")

    def ids(**wanted: Any) -> list[str]:
        items = world.call("GET", "staff", params=wanted).json()["items"]
        return [one["staff_id"] for one in items if not one["staff_id"].startswith("a-")]

    assert ids() == ["lo1", "rm1", "rm2"]
    assert ids(branch_id=world.branch_a) == ["lo1", "rm1"]
    assert ids(role="rm") == ["rm1", "rm2"]
    assert ids(role="rm", branch_id=world.branch_a, active=True) == ["rm1"]
    assert world.call("GET", "staff", params={"role": "king"}).status_code == 422


def test_a_city_is_told_of_its_own_staff_only(world: World) -> None:
    rm(world)
    assert told(world) is not None
    assert world.b.kinds(FeedKind.STAFF) == []
