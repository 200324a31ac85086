"""What the city knows of its cameras: the newest word of their box, and nothing when the box is away."""

from typing import Any

import httpx
import structlog
from city_house import PIN_HASH, House
from city_sockets import wait_for

from city_server.camera_states import UNKNOWN, CameraStates
from yingbin import feed_wire, wire
from yingbin.wire import CameraRole, CameraState, CameraStatus

CAMERAS = {name: House.camera(name, box, CameraRole.ENTRANCE) for name, box in (("cam-1", "box-1"), ("cam-2", "box-2"))}
OF_BOX_1, OF_BOX_2 = ([CAMERAS[name]] for name in CAMERAS)


def status(camera_id: str, state: CameraState, detail: str = "") -> CameraStatus:
    return CameraStatus(camera_id, state, detail)


def test_a_state_holds_until_the_next_word_or_until_the_box_is_away() -> None:
    states = CameraStates(5)
    assert {name: (one.state, one.since_ms) for name, one in states.of(CAMERAS).items()} == {
        "cam-1": (UNKNOWN, 5), "cam-2": (UNKNOWN, 5),
    }  # fmt: skip
    assert states.told("box-1", OF_BOX_1, status("cam-1", CameraState.FROZEN, "the picture stands still"), 10)
    assert not states.told("box-1", OF_BOX_1, status("cam-1", CameraState.FROZEN, "the picture stands still"), 11)
    frozen = states.of(CAMERAS)["cam-1"]
    assert (frozen.state, frozen.detail, frozen.since_ms) == ("frozen", "the picture stands still", 10)
    states.lost("box-2", 12)
    assert states.of(CAMERAS)["cam-1"] == frozen
    states.lost("box-1", 13)
    states.lost("box-1", 14)
    gone = states.of(CAMERAS)["cam-1"]
    assert (gone.state, gone.since_ms) == (UNKNOWN, 13)
    assert states.told("box-1", OF_BOX_1, status("cam-1", CameraState.FROZEN, "the picture stands still"), 20)
    assert states.of(CAMERAS)["cam-1"].since_ms == 20


def test_a_box_speaks_for_its_own_cameras_only() -> None:
    states = CameraStates(0)
    assert not states.told("box-2", OF_BOX_2, status("cam-1", CameraState.RUNNING), 1)
    assert not states.told("box-1", [], status("cam-1", CameraState.RUNNING), 1)
    assert states.of(CAMERAS)["cam-1"].state == UNKNOWN
    assert states.told("box-1", OF_BOX_1, status("cam-1", CameraState.RUNNING), 1)
    moved = {"cam-1": House.camera("cam-1", "box-2", CameraRole.ENTRANCE)}
    assert states.of(moved)["cam-1"].state == UNKNOWN
    assert states.of({}) == {}


def cameras(house: House, staff_id: str = "boss-1") -> dict[str, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {house.token(staff_id)}"}
    reply = httpx.get(f"http://{house.address}/v1/cameras", headers=headers)
    assert reply.status_code == 200, reply.text
    return {one["camera_id"]: one for one in reply.json()}


def gauge(house: House, camera_id: str) -> list[str]:
    """Return the states that hold, as Prometheus reads them."""
    lines = httpx.get(f"http://{house.address}/metrics").text.splitlines()
    mine = [line for line in lines if line.startswith(f'yingbin_city_camera_state{{camera="{camera_id}",')]
    assert len(mine) == 1 + len(CameraState)
    return [line.split('state="')[1].split('"')[0] for line in mine if line.endswith(" 1.0")]


def test_the_manager_and_prometheus_see_how_the_cameras_are_and_the_log_says_each_change_once(house: House) -> None:
    with structlog.testing.capture_logs() as logged:
        box = house.ready_box()
        assert {name: one["state"] for name, one in cameras(house).items()} == {"cam-1": UNKNOWN, "cam-2": UNKNOWN}
        for state in (CameraState.RUNNING, CameraState.RUNNING, CameraState.DARK, CameraState.DARK):
            box.socket.send(wire.encode(status("cam-1", state, f"it is {state}")))
        box.socket.send(wire.encode(status("cam-2", CameraState.RUNNING)))  # not a camera of this box
        wait_for(lambda: cameras(house)["cam-1"]["state"] == "dark")
        seen = cameras(house)
        assert (seen["cam-1"]["detail"], seen["cam-1"]["box_id"], seen["cam-1"]["role"]) == (
            "it is dark", "box-1", "entrance",
        )  # fmt: skip
        assert seen["cam-2"]["state"] == UNKNOWN
        assert (gauge(house, "cam-1"), gauge(house, "cam-2")) == (["dark"], [UNKNOWN])

        again = house.ready_box()  # replaces the first connection: nothing became unknown meanwhile
        assert box.close_code() == 4409
        assert cameras(house)["cam-1"] == seen["cam-1"]
        again.socket.send(wire.encode(status("cam-1", CameraState.DARK, "it is dark")))
        again.close()
        wait_for(lambda: cameras(house)["cam-1"]["state"] == UNKNOWN)
        assert cameras(house)["cam-1"]["detail"] == "the box is offline"
        assert gauge(house, "cam-1") == [UNKNOWN]
    changes = [(one["camera_id"], one["state"]) for one in logged if one["event"] == "camera_status"]
    assert changes == [("cam-1", "running"), ("cam-1", "dark")]


def test_after_a_restart_nothing_is_claimed_until_the_box_has_told(house: House) -> None:
    box = house.ready_box()
    box.socket.send(wire.encode(status("cam-1", CameraState.RUNNING)))
    wait_for(lambda: cameras(house)["cam-1"]["state"] == "running")
    house.stop()
    house.start()
    assert cameras(house)["cam-1"]["state"] == UNKNOWN


def test_only_the_manager_of_the_branch_may_look(house: House) -> None:
    house.ready_box()
    boss = feed_wire.Staff("boss-2", "BOSS-2", "branch_manager", "branch-2", PIN_HASH, on_duty=True)
    house.province.put(feed_wire.FeedKind.STAFF, "boss-2", boss)
    assert cameras(house, "boss-2") == {}
    url = f"http://{house.address}/v1/cameras"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer x"}).status_code == 401
    for staff_id in ("rm-1", "lobby-1"):
        reply = httpx.get(url, headers={"Authorization": f"Bearer {house.token(staff_id)}"})
        assert (reply.status_code, "branch_manager" in reply.json()["detail"]) == (403, True)
