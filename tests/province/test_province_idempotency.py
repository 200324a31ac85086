"""`Idempotency-Key`: a write that is sent again is answered again and not done again, whatever happened in between."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from province_harness import World, public, record

from province_server import idempotency
from province_server.app import Stores
from province_server.idempotency import Answer, Answers, OutcomeUnknown
from province_server.registry import Registry
from province_server.settings import ProvinceSettings
from yingbin.ids import new_id, now_ms
from yingbin.trust.devices import DeviceKey
from yingbin.trust.staff import Role

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def send(
    world: World, method: str, path: str, key: str = KEY, role: Role = Role.GALLERY_ADMIN, **options: Any
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.token(role)}", "Idempotency-Key": key}
    return world.http.request(method, f"/v1/{path}", headers=headers, **options)


def branches(world: World) -> int:
    return len(world.call("GET", "branches").json()["items"])


def new_branch(world: World) -> dict[str, str]:
    return {"city_id": world.a.city_id, "name_zh": "新", "name_en": "New"}


@pytest.mark.parametrize("key", [KEY, f'"{KEY}"'])
def test_the_first_answer_comes_again_and_nothing_is_done_twice(world: World, key: str) -> None:
    before = branches(world)
    first = send(world, "POST", "branches", key, json=new_branch(world))
    again = send(world, "POST", "branches", json=new_branch(world))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["content-type"] == "application/json"
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert branches(world) == before + 1
    send(world, "POST", "branches", "another", json=new_branch(world))
    assert branches(world) == before + 2


def test_an_answer_without_a_body_comes_again_too(world: World) -> None:
    world.customer("li", world.branch_a)
    replies = [send(world, "DELETE", "customers/li") for _ in range(2)]
    assert [one.status_code for one in replies] == [replies[0].status_code] * 2
    assert replies[0].is_success
    assert replies[0].headers.get("location") == replies[1].headers.get("location")
    assert send(world, "DELETE", "customers/li", "another").status_code == 404


def test_a_form_is_the_same_under_another_boundary(world: World) -> None:
    world.customer("li", world.branch_a)
    photo = {"files": {"photo": ("p.jpg", b"a photo")}, "data": {"gallery": "vip"}}
    first, again = (send(world, "POST", "customers/li/photos", **photo) for _ in range(2))
    assert first.headers["content-type"] == again.headers["content-type"]
    assert first.json() == again.json()
    assert world.call("GET", "customers/li").json()["templates"] == 1
    other = {"files": {"photo": ("p.jpg", b"another photo")}, "data": {"gallery": "vip"}}
    assert send(world, "POST", "customers/li/photos", **other).status_code == 422


def test_a_key_is_not_used_for_two_things(world: World) -> None:
    assert send(world, "POST", "branches", json=new_branch(world)).status_code == 201
    for reply in (
        send(world, "POST", "branches", json=new_branch(world) | {"name_en": "Other"}),
        send(world, "PATCH", f"branches/{world.branch_a}", json={"name_en": "Other"}),
        send(world, "POST", "branches?x=1", json=new_branch(world)),
    ):
        assert reply.status_code == 422
        assert reply.json()["type"] == "urn:yingbin:idempotency_key_reused"
        assert reply.headers["content-type"] == "application/problem+json"


def test_a_key_belongs_to_one_member(world: World) -> None:
    first = send(world, "POST", "branches", json=new_branch(world))
    other = send(world, "POST", "branches", role=Role.BRANCH_IT, json=new_branch(world))
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json() != other.json()
    assert send(world, "POST", "branches", role=Role.AUDITOR, json=new_branch(world)).status_code == 403


def test_what_changed_nothing_may_be_sent_again_corrected(world: World) -> None:
    assert send(world, "POST", "customers", json=record("li", "nowhere")).status_code == 422
    assert send(world, "POST", "customers", json=record("li", world.branch_a)).status_code == 201


def test_while_the_first_is_under_way_the_second_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go_on = threading.Event(), threading.Event()
    add = Registry.add_branch

    def slow(self: Registry, new: Any) -> str:
        entered.set()
        assert go_on.wait(20)
        return add(self, new)

    monkeypatch.setattr(Registry, "add_branch", slow)
    replies: list[httpx.Response] = []
    first = threading.Thread(target=lambda: replies.append(send(world, "POST", "branches", json=new_branch(world))))
    first.start()
    assert entered.wait(20)
    second = send(world, "POST", "branches", json=new_branch(world))
    assert (second.status_code, second.json()["type"]) == (409, "urn:yingbin:request_in_progress")
    go_on.set()
    first.join(20)
    assert send(world, "POST", "branches", json=new_branch(world)).json() == replies[0].json()


def test_a_write_cut_short_by_a_crash_or_a_defect_is_not_done_twice(
    world: World, settings: ProvinceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = branches(world)
    add = Registry.add_branch

    def breaks(self: Registry, new: Any) -> str:
        add(self, new)
        raise RuntimeError("after the commit")

    monkeypatch.setattr(Registry, "add_branch", breaks)
    assert send(world, "POST", "branches", json=new_branch(world)).status_code == 500
    monkeypatch.undo()
    again = send(world, "POST", "branches", json=new_branch(world))
    assert (again.status_code, again.json()["type"]) == (409, "urn:yingbin:outcome_unknown")
    assert branches(world) == before + 1

    stores = Stores.open(settings)
    killed, restarted = (Answers(stores.identity, bytes(32)) for _ in range(2))
    assert killed.begin("somebody", "k", b"digest") is None  # and the process dies here
    with pytest.raises(OutcomeUnknown):
        restarted.begin("somebody", "k", b"digest")
    stores.close()


def test_C8_a_kept_answer_is_sealed_and_gone_after_a_day(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"branch_id": world.branch_a, "public_key_base64": public(DeviceKey.generate())}
    first = send(world, "POST", "boxes", json=body)
    assert first.status_code == 201
    assert send(world, "POST", "boxes", json=body).json() == first.json()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("identity.db*") if path.is_file())
    assert first.json()["transform_base64"].encode()[:64] not in raw
    later = now_ms() + idempotency.KEPT_MS
    monkeypatch.setattr(idempotency, "now_ms", lambda: later)
    assert send(world, "POST", "boxes", json=body).status_code == 409  # carried out anew: the box is registered already


def test_the_chore_deletes_what_is_a_day_old(settings: ProvinceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = Stores.open(settings)
    answers = Answers(stores.identity, bytes(32))
    assert answers.begin("somebody", "k", b"digest") is None
    answers.finish("somebody", "k", Answer(201, [], b"{}"))
    answers.purge()
    assert answers.begin("somebody", "k", b"digest") == Answer(201, [], b"{}")
    later = now_ms() + idempotency.KEPT_MS
    monkeypatch.setattr(idempotency, "now_ms", lambda: later)
    answers.purge()
    monkeypatch.undo()
    assert answers.begin("somebody", "k", b"other digest") is None
    stores.close()


def test_a_key_that_is_none_is_refused_and_no_token_needs_no_key(world: World) -> None:
    for wrong in ("", "x" * 65, "a b", "ä".encode()):
        headers = {b"Authorization": f"Bearer {world.token(Role.GALLERY_ADMIN)}".encode()}
        value = wrong if isinstance(wrong, bytes) else wrong.encode()
        reply = world.http.post("/v1/branches", headers={**headers, b"Idempotency-Key": value}, json=new_branch(world))
        assert reply.status_code == 422, wrong
    signing_in = {"staff_id": "nobody", "password": "x"}
    reply = world.http.post("/v1/sessions", headers={"Idempotency-Key": new_id()}, json=signing_in)
    assert reply.status_code == 401
    assert reply.json()["type"] == "urn:yingbin:not_authenticated"
