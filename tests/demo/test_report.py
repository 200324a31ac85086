"""The report: pure functions over the tablet's lines and the box's final object."""

import json

import msgspec

from demo.report import Arrival, Tablet, build_report, times_to_card
from yingbin.pad_wire import Beat, Card, CardMessage, Offer, Sighting

BASE_MS = 1_800_000_000_000


def _card(card_id: str = "card-1", event: str = "box/boot/3/0", **changes: object) -> Card:
    seen = Sighting(event, "cam", "entrance", 42, BASE_MS + 200)
    values: dict[str, object] = {
        "card_id": card_id, "visit_id": "v", "customer_id": "c1", "branch_id": "b", "recognised_by": "city",
        "surname": "陈", "honorific_zh": "先生", "honorific_en": "Mr", "tier": "vip_gold", "from_other_city": False,
        "personalised": True, "first": seen, "last": seen, "alerted_at_ms": BASE_MS + 300,
        "offers": (Offer("time_deposit", "定期存款", "Time deposit", "活期已闲置90天", "idle", "", ""),),
        "avoid": (), "assigned_to": "", "state": "open",
    }  # fmt: skip
    return Card(**{**values, **changes})  # type: ignore[arg-type]


def _line(message: msgspec.Struct, received_at_ms: int) -> str:
    return json.dumps({**msgspec.to_builtins(message), "received_at_ms": received_at_ms})


def _track(**changes: object) -> dict[str, object]:
    track = {"frame_lines": 720, "first_px40_ms": BASE_MS - 900, "first_px60_ms": BASE_MS, "events": ["box/boot/3/0"]}
    return {**track, **changes}


def test_tablet_keeps_the_first_message_of_a_card() -> None:
    tablet = Tablet()
    assert tablet.line(_line(Beat(BASE_MS, degraded=False), BASE_MS)) is None
    first = tablet.line(_line(CardMessage(1, True, _card()), BASE_MS + 310))
    assert first is not None
    assert first.received_at_ms == BASE_MS + 310
    assert tablet.line(_line(CardMessage(2, False, _card(photo="abc")), BASE_MS + 400)) is None
    assert tablet.photos == 1
    assert tablet.last_heard_ms == BASE_MS + 400
    assert list(tablet.arrivals) == ["card-1"]


def test_time_to_card_starts_at_60_px_or_40_in_small_clips() -> None:
    arrival = Arrival(_card(), BASE_MS + 310)
    assert times_to_card([arrival], [_track()]) == [310.0]
    assert times_to_card([arrival], [_track(frame_lines=360)]) == [1210.0]


def test_a_card_before_that_instant_counts_zero() -> None:
    arrival = Arrival(_card(), BASE_MS + 310)
    assert times_to_card([arrival], [_track(first_px60_ms=BASE_MS + 500)]) == [0.0]
    assert times_to_card([arrival], [_track(first_px60_ms=-1)]) == [0.0]


def test_a_card_without_its_track_is_not_measured() -> None:
    assert times_to_card([Arrival(_card(event="other/boot/1/0"), BASE_MS)], [_track()]) == []


def test_report_has_the_fixed_keys() -> None:
    box = {"face_events": 7, "bytes_per_event": 371, "non_matches": 2, "scene_photos_sent": 1, "tracks": [_track()]}
    report = build_report([Arrival(_card(), BASE_MS + 310)], box, {"c1": "chen"})
    assert report["alerts"] == [
        {
            "person": "chen",
            "customer_id": "c1",
            "branch": "b",
            "camera_id": "cam",
            "tier": "city",
            "frame": 42,
            "seen_at": "2027-01-15T08:00:00.200Z",
            "alerted_at": "2027-01-15T08:00:00.300Z",
            "offers": [{"product": "time_deposit", "reason": "活期已闲置90天"}],
        }
    ]
    assert report["face_events"] == 7
    assert report["bytes_per_event"] == 371
    assert report["non_matches"] == 2
    assert report["scene_photos_sent"] == 1
    assert report["time_to_card_p50_ms"] == 310.0
    assert report["time_to_card_p95_ms"] == 310.0
    assert report["shot_to_card_p50_ms"] == 110.0


def test_nothing_measured_is_minus_one() -> None:
    report = build_report([], {}, {})
    assert report["alerts"] == []
    numbers = {key: value for key, value in report.items() if key not in ("alerts", "enrolled")}
    assert set(numbers.values()) == {-1}
