"""Messages between tiers: small, strict, and never crashing on bytes from outside."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingbin import pad_wire, wire
from yingbin.local_wire import LocalHit

EVENT = wire.FaceEvent("c" * 36, "a" * 36, 7, 0, 210, 1_700_000_000_000, 80, 0.5, 1, b"\1" * 256)


def test_a_face_event_is_far_below_a_kilobyte() -> None:
    assert len(wire.encode(EVENT)) <= 400
    assert wire.decode_from_box(wire.encode(EVENT)) == EVENT


def test_C2_a_hit_of_local_recognition_is_small_and_has_no_room_for_a_vector() -> None:
    hit = LocalHit("c" * 36, "a" * 36, 7, 0, 210, 1_700_000_000_000, 80, 0.5, 1, "p" * 36)
    assert wire.decode_from_box(wire.encode(hit)) == hit
    assert len(wire.encode(hit)) <= 180
    assert not {field.type for field in msgspec.structs.fields(LocalHit)} & {bytes, bytearray, memoryview}
    with pytest.raises(wire.BadMessage):
        wire.decode_from_city(wire.encode(hit))


def test_oversized_and_unknown_messages_are_refused() -> None:
    with pytest.raises(wire.BadMessage, match="at most"):
        wire.decode_from_box(b"\0" * (wire.MAX_BOX_MESSAGE_BYTES + 1))
    with pytest.raises(wire.BadMessage):
        wire.decode_from_box(msgspec.msgpack.encode(["unknown", 1]))
    with pytest.raises(wire.BadMessage):
        wire.decode_from_box(wire.encode(wire.Challenge(b"n", "city", 0)))
    with pytest.raises(pad_wire.BadMessage, match="at most"):
        pad_wire.decode_from_pad(" " * (pad_wire.MAX_PAD_MESSAGE_BYTES + 1))


@given(st.binary(max_size=600))
def test_any_bytes_decode_or_are_refused(raw: bytes) -> None:
    for decode in (wire.decode_from_box, wire.decode_from_city, pad_wire.decode_from_pad, pad_wire.decode_from_city):
        with contextlib.suppress(wire.BadMessage):
            decode(raw)


@given(st.integers(0, 400), st.integers(0, 255))
def test_one_changed_byte_decodes_or_is_refused(place: int, value: int) -> None:
    raw = bytearray(wire.encode(EVENT))
    raw[place % len(raw)] = value
    with contextlib.suppress(wire.BadMessage):
        wire.decode_from_box(bytes(raw))


def test_C3_an_assessment_covers_only_what_it_names() -> None:
    assessment = wire.Assessment("a", 1000, (wire.CameraRole.ENTRANCE,), (wire.CameraMode.FEATURE,), ("vip",))
    for role in wire.CameraRole:
        for mode in wire.CameraMode:
            for gallery in ("vip", "potential"):
                covered = role == "entrance" and mode == "feature" and gallery == "vip"
                assert assessment.covers(role, mode, gallery, 999) is covered
                assert not assessment.covers(role, mode, gallery, 1000)
