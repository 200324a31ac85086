import typing
from collections.abc import Callable
from typing import Any

import msgspec
from city_box import BoxClient
from city_house import House
from city_people import face
from websockets.sync.client import connect

from yingbin import feed_wire, wire
from yingbin.ids import now_ms
from yingbin.local_wire import GalleryMember, GalleryPage
from yingbin.trust.devices import DeviceKey
from yingbin.wire import CameraMode, CameraRole, Outcome


def test_a_known_box_is_welcomed_with_its_own_cameras(shared_house: House) -> None:
    box = shared_house.ready_box()
    assert isinstance(box.greeting, wire.Welcome)
    assert [camera.camera_id for camera in box.greeting.cameras] == ["cam-1"]


def test_an_unknown_box_is_refused(shared_house: House) -> None:
    shared_house.ready_box()
    box = shared_house.box("box-77")
    assert isinstance(box.greeting, wire.Refused)
    assert (box.greeting.code, box.close_code()) == ("not_authenticated", 4401)


def test_a_box_with_another_key_is_refused(shared_house: House) -> None:
    shared_house.ready_box()
    box = BoxClient(shared_house, "box-1", DeviceKey.generate(), shared_house.boxes["box-1"][1])
    assert isinstance(box.greeting, wire.Refused)
    assert (box.greeting.code, box.close_code()) == ("not_authenticated", 4401)


def test_a_box_with_another_pack_is_refused(shared_house: House) -> None:
    shared_house.ready_box()
    box = shared_house.box(pack="other-00000000")
    assert isinstance(box.greeting, wire.Refused)
    assert (box.greeting.code, box.close_code()) == ("wrong_pack", 4400)


def test_a_revoked_box_is_cut_off_at_once_and_stays_out(house: House) -> None:
    box = house.ready_box()
    house.put_box("box-1", revoked=True)
    refused = box.receive()
    assert isinstance(refused, wire.Refused)
    assert (refused.code, box.close_code()) == ("box_revoked", 4403)
    again = house.box()
    assert isinstance(again.greeting, wire.Refused)
    assert again.greeting.code == "box_revoked"


def test_a_new_connection_of_a_box_replaces_the_old(shared_house: House) -> None:
    old, new = shared_house.ready_box(), shared_house.ready_box()
    assert old.close_code() == 4409
    assert new.look(face(1), 1).outcome is Outcome.MATCHED


def test_a_changed_camera_is_told_at_once(house: House) -> None:
    box = house.ready_box()
    changed = house.camera("cam-1", "box-1", CameraRole.SELF_SERVICE)
    house.province.put(feed_wire.FeedKind.CAMERA, "cam-1", changed)
    welcome = box.receive()
    assert isinstance(welcome, wire.Welcome)
    assert welcome.cameras == (changed,)


def assessment(**changes: Any) -> wire.Assessment:
    whole = wire.Assessment("pia-1", now_ms() + 3_600_000, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), ("vip",))
    return msgspec.structs.replace(whole, **changes)


NOT_COVERED: tuple[dict[str, Any], ...] = (
    {"assessment": None},
    {"assessment": assessment(expires_at_ms=1)},
    {"assessment": assessment(assessment_id="pia-2")},
    {"assessment": assessment(roles=(CameraRole.AD_SCREEN,))},
    {"assessment": assessment(modes=(CameraMode.VIDEO,))},
    {"assessment": assessment(galleries=())},
    {"assessment": assessment(galleries=("police",))},
    {"mode": CameraMode.VIDEO},
    {"box_id": "box-2"},
)


def test_C3_what_the_assessment_does_not_cover_is_refused(house: House) -> None:
    box = house.ready_box()
    for track, changes in enumerate(NOT_COVERED):
        camera = house.camera("cam-1", "box-1", CameraRole.ENTRANCE, **changes)
        house.province.put(feed_wire.FeedKind.CAMERA, "cam-1", camera)
        assert isinstance(box.receive(), wire.Welcome)
        answer = box.look(face(1), track)
        assert isinstance(answer, wire.Refused), changes
        assert (answer.code, answer.camera_id, answer.track, answer.seq) == ("not_allowed", "cam-1", track, 0)


def test_C3_a_gallery_outside_the_assessment_is_not_searched(house: House) -> None:
    box = house.ready_box()
    narrow = house.camera("cam-1", "box-1", CameraRole.ENTRANCE, assessment=assessment(galleries=("potential",)))
    house.province.put(feed_wire.FeedKind.CAMERA, "cam-1", narrow)
    box.receive()
    assert box.look(face(1), 1).outcome is Outcome.NOT_ENROLLED
    assert box.look(face(3), 2).outcome is not Outcome.MATCHED


def test_a_bad_vector_is_refused_and_the_line_stays(shared_house: House) -> None:
    box = shared_house.ready_box()
    for track, vector in enumerate((b"", bytes(256), b"\xff" * 256, b"\x00\x3c" * 128, bytes(258))):
        answer = box.look(face(1), track, vector=vector)
        assert isinstance(answer, wire.Refused)
        assert (answer.code, answer.track) == ("bad_vector", track)
    assert box.look(face(1), 9).outcome is Outcome.MATCHED


def test_malformed_messages_are_refused_and_too_many_end_the_connection(shared_house: House) -> None:
    box = shared_house.ready_box()
    for raw in (b"", b"\xc1", b"\x91\xa1x", "text"):
        box.socket.send(raw)
        refused = box.receive()
        assert isinstance(refused, wire.Refused)
        assert refused.code == "bad_message"
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    box.socket.send(b"\xc1")
    assert box.close_code() == 1003


def test_an_oversized_message_ends_the_connection(shared_house: House) -> None:
    box = shared_house.ready_box()
    box.socket.send(bytes(wire.MAX_BOX_MESSAGE_BYTES + 1))
    assert box.close_code() == 1009


def test_something_else_than_a_proof_is_refused(shared_house: House) -> None:
    shared_house.ready_box()
    with connect(f"ws://{shared_house.address}/v1/box") as socket:
        socket.recv()
        socket.send(wire.encode(wire.CameraStatus("cam-1", wire.CameraState.RUNNING, "")))
        refused = wire.decode_from_city(socket.recv())
    assert isinstance(refused, wire.Refused)
    assert refused.code == "not_authenticated"


def test_a_box_that_floods_is_limited(open_house: Callable[..., House]) -> None:
    house = open_house(box_events_per_s=0.01, box_events_burst=2)
    box = house.ready_box()
    for track in range(3):
        box.socket.send(wire.encode(box.event(face(50), track)))
    answers = [box.receive() for _ in range(3)]
    refused = [answer for answer in answers if isinstance(answer, wire.Refused)]
    assert [(answer.code, answer.track) for answer in refused] == [("rate_limited", 2)]


def test_C8_no_message_to_a_box_or_tablet_can_hold_a_score_or_a_vector() -> None:
    from yingbin import pad_wire

    def names(kind: type) -> set[str]:
        return {field.name for field in msgspec.structs.fields(kind)}

    def nested(kind: type) -> set[object]:
        types = (field.type for field in msgspec.structs.fields(kind))
        return {argument for one in types for argument in typing.get_args(one)}

    told = [*wire.CityMessage.__args__, *pad_wire.CityToPad.__args__, pad_wire.Card, pad_wire.Offer]
    for kind in told:
        assert not names(kind) & {"score", "vector", "runner_up", "template"}
        members = GalleryMember in nested(kind)
        assert members is (kind is GalleryPage), "templates go only to boxes that recognise locally"


def test_a_city_that_has_not_heard_from_the_province_does_not_turn_a_box_away_for_good(
    open_house: Callable[..., House],
) -> None:
    house = open_house(started=False, catch_up_wait_s=0.1)
    house.province.down = True
    house.start()
    box = house.box()
    assert isinstance(box.greeting, wire.Refused)
    assert (box.greeting.code, box.close_code()) == ("unavailable", 1013)
    assert house.sign_in("rm-1").status_code == 503
    house.province.down = False
    assert house.ready_box().look(face(1), 1).outcome is Outcome.MATCHED
