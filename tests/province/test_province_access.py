"""Signing in, what the feed says of it, and what happens with bad input. Who may do what: test_role_matrix.py."""

import base64
import socket
from typing import Any

import pytest
from province_harness import World, record
from pydantic import SecretStr
from sqlalchemy import delete, event

from province_server.app import Stores
from province_server.settings import ProvinceSettings
from province_server.staff import first_admin
from yingbin.errors import BadConfiguration, Conflict
from yingbin.feed_wire import FeedKind
from yingbin.http.serve import bind
from yingbin.storage.province import StaffRow
from yingbin.wire import DEFAULT_MIN_FACE_PX


def test_city_token_opens_nothing_for_staff(world: World) -> None:
    assert world.a.ask("GET", "../customers").status_code == 401


def test_sign_in(world: World, settings: ProvinceSettings) -> None:
    with world.province.stores.identity.write() as session:
        session.execute(delete(StaffRow))  # those the harness works with: the province is as new
    with pytest.raises(BadConfiguration):
        first_admin(world.province.stores.identity, "admin", "short")
    first_admin(world.province.stores.identity, "admin", "a long password")
    with pytest.raises(Conflict):
        first_admin(world.province.stores.identity, "other", "a long password")
    good = world.http.post("/v1/sessions", json={"staff_id": "admin", "password": "a long password"})
    assert good.status_code == 201
    headers = {"Authorization": f"Bearer {good.json()['token']}"}
    assert world.http.get("/v1/customers", headers=headers).status_code == 200
    for wrong in ({"staff_id": "admin", "password": "wrong"}, {"staff_id": "who", "password": "a long password"}):
        assert world.http.post("/v1/sessions", json=wrong).status_code == 401


def test_staff_of_a_branch_reach_the_feed_and_cannot_sign_in_here(world: World) -> None:
    body = {"staff_id": "rm1", "display_name": "王经理", "role": "rm", "branch_id": world.branch_a, "pin": "123456"}
    world.made("staff", body)
    assert world.call("POST", "staff", json=body).status_code == 409
    assert world.call("PATCH", "staff/rm1/duty", json={"on_duty": True}).status_code == 204
    entry = next(thing for (_, key), thing in world.a.replica().items() if key == "rm1")
    assert entry.on_duty
    assert entry.pin_hash.startswith("$argon2id$")
    assert world.http.post("/v1/sessions", json={"staff_id": "rm1", "password": "123456"}).status_code == 401
    assert world.call("POST", "staff", json=body | {"staff_id": "rm2", "pin": "1"}).status_code == 422


def test_revoked_box_stays_in_the_feed_as_revoked(world: World) -> None:
    box = world.bundle_a.box_id
    assert world.call("POST", f"boxes/{box}/revoke").status_code == 204
    assert next(thing for (_, key), thing in world.a.replica().items() if key == box).revoked


def test_how_small_a_face_may_be_is_registered_changed_and_told_to_the_city(world: World) -> None:
    (camera,) = world.a.kinds(FeedKind.CAMERA)
    assert camera.min_face_px == DEFAULT_MIN_FACE_PX
    path = f"cameras/{camera.camera_id}"
    assert world.call("PATCH", path, json={"min_face_px": 60}).status_code == 204
    assert [one.min_face_px for one in world.a.kinds(FeedKind.CAMERA)] == [60]
    listed = world.call("GET", "cameras").json()["items"]
    assert {one["camera_id"]: one["min_face_px"] for one in listed}[camera.camera_id] == 60
    for wrong in ({"min_face_px": 19}, {"min_face_px": 401}, {"min_face_px": "large"}, {}, {"role": "entrance"}):
        assert world.call("PATCH", path, json=wrong).status_code == 422
    assert world.call("PATCH", "cameras/none", json={"min_face_px": 60}).status_code == 404
    body = {"branch_id": world.branch_a, "box_id": world.bundle_a.box_id, "role": "entrance"}
    assert world.call("POST", "cameras", json={**body, "min_face_px": 401}).status_code == 422
    made = world.made("cameras", {**body, "min_face_px": 400})["camera_id"]
    assert {one.camera_id: one.min_face_px for one in world.a.kinds(FeedKind.CAMERA)} == {
        camera.camera_id: 60,
        made: 400,
    }


def test_bad_input_is_refused_with_a_reason(world: World) -> None:
    world.customer("li", world.branch_a)
    assert world.call("POST", "customers", json=record("li", world.branch_a)).status_code == 409
    assert world.call("POST", "customers", json=record("x", "nowhere")).status_code == 422
    assert world.call("POST", "customers", json=record("x", world.branch_a, iq=180)).status_code == 422
    assert world.call("POST", "branches", json={"city_id": "x", "name_zh": "a", "name_en": "b"}).status_code == 422
    assert world.call("POST", "cities", json={"name": "c", "public_key_base64": "!"}).status_code == 422
    key = base64.b64encode(world.a.key.public_bytes).decode()
    assert world.call("POST", "cities", json={"name": "c", "public_key_base64": key}).status_code == 409
    refused = world.photo("li", b"")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:yingbin:enrolment_refused"
    assert world.photo("nobody", b"x").status_code == 404
    assert world.photo("li", b"x", gallery="police").status_code == 422


def test_lists_are_paged(world: World) -> None:
    for number in range(5):
        world.made("customers", record(f"c{number}", world.branch_a))
    first = world.call("GET", "customers", params={"limit": 3}).json()
    rest = world.call("GET", "customers", params={"limit": 3, "after": first["next"]}).json()
    assert [item["customer_id"] for item in first["items"] + rest["items"]] == [f"c{number}" for number in range(5)]
    assert rest["next"] is None


@pytest.mark.parametrize("store", ["identity", "templates"])
def test_full_disk_is_said_and_nothing_half_done_can_match(world: World, store: str) -> None:
    world.customer("li", world.branch_a)
    engine = getattr(world.province.stores, store).engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def shrink(connection: Any, _: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite takes it as the present size

    def write(number: int) -> int:
        if store == "templates":
            return world.photo("li", f"photo {number}".encode()).status_code
        return world.call("POST", "customers", json=record(f"c{number}", world.branch_a)).status_code

    statuses = []
    while 507 not in statuses and len(statuses) < 100:
        statuses.append(write(len(statuses)))
    assert statuses[-1] == 507
    assert set(statuses[:-1]) <= {201}
    if store == "templates":
        assert world.call("GET", "customers/li").json()["templates"] == statuses.count(201)
    assert world.http.get("/healthz").status_code == 200


def test_start_is_refused_with_one_clear_error(settings: ProvinceSettings) -> None:
    Stores.open(settings).close()
    bad = settings.keystore_file.parent / "bad.toml"
    bad.write_text('database_urll = "x"', "utf-8")
    with pytest.raises(BadConfiguration, match="passphrase"):
        Stores.open(settings.model_copy(update={"keystore_passphrase": SecretStr("wrong")}))
    with pytest.raises(BadConfiguration, match="two databases"):
        Stores.open(settings.model_copy(update={"templates_database_url": settings.database_url}))
    with pytest.raises(BadConfiguration, match="database_urll"):
        ProvinceSettings.load(bad)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadConfiguration, match="cannot listen"):
        bind("127.0.0.1", taken.getsockname()[1])
