"""What a run showed: the FIXED keys of `yingbin demo --json`, from the tablet's messages and the box's report."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from yingbin.pad_wire import Card, CardMessage, decode_from_city

_FULL_LINES = 720


@dataclass(frozen=True, slots=True)
class Arrival:
    """A card's first message, and when (UTC ms) the headless tablet had it."""

    card: Card
    received_at_ms: int


class Tablet:
    """Follows the lines of `yingbin pad tail --json`."""

    def __init__(self) -> None:
        self.arrivals: dict[str, Arrival] = {}
        self._with_photo: set[str] = set()
        self.last_heard_ms = 0

    @property
    def photos(self) -> int:
        """How many cards show a photo by now."""
        return len(self._with_photo)

    def line(self, line: str) -> Arrival | None:
        """Take one line; return the arrival when it is the first of its card. Raises `BadMessage`."""
        message = decode_from_city(line)
        if not isinstance(message, CardMessage):
            return None
        self.last_heard_ms = int(json.loads(line)["received_at_ms"])
        if message.card.photo:
            self._with_photo.add(message.card.card_id)
        if message.card.card_id in self.arrivals:
            return None
        arrival = Arrival(message.card, self.last_heard_ms)
        self.arrivals[message.card.card_id] = arrival
        return arrival


def times_to_card(arrivals: Iterable[Arrival], tracks: Sequence[dict[str, Any]]) -> list[float]:
    """Return, for each arrival whose track is known, ms from the first frame in which the face was high enough.

    High enough is 60 px, or 40 px in clips under 720 lines (DESIGN 2). A card that came before that counts 0.
    """
    by_event = {event: track for track in tracks for event in track["events"]}
    times: list[float] = []
    for arrival in arrivals:
        track = by_event.get(arrival.card.first.event_id)
        if track is None:
            continue
        began_ms = track["first_px60_ms"] if track["frame_lines"] >= _FULL_LINES else track["first_px40_ms"]
        times.append(0.0 if began_ms < 0 else max(0.0, float(arrival.received_at_ms - began_ms)))
    return times


def build_report(arrivals: Sequence[Arrival], box: dict[str, Any], people: dict[str, str]) -> dict[str, Any]:
    """Return the JSON object of `--json`; `box` is the final object of `yingbin edge run --json`."""
    times = times_to_card(arrivals, box.get("tracks", []))
    since_shot = [float(arrival.received_at_ms - arrival.card.first.seen_at_ms) for arrival in arrivals]
    return {
        "alerts": [_alert(arrival, people) for arrival in arrivals],
        "face_events": box.get("face_events", -1),
        "bytes_per_event": box.get("bytes_per_event", -1),
        "non_matches": box.get("non_matches", -1),
        "scene_photos_sent": box.get("scene_photos_sent", -1),
        "time_to_card_p50_ms": _percentile(times, 50),
        "time_to_card_p95_ms": _percentile(times, 95),
        "shot_to_card_p50_ms": _percentile(since_shot, 50),
        "shot_to_card_p95_ms": _percentile(since_shot, 95),
        "enrolled": sorted(people.values()),
    }


def _alert(arrival: Arrival, people: dict[str, str]) -> dict[str, Any]:
    card = arrival.card
    return {
        "person": people.get(card.customer_id, ""),
        "customer_id": card.customer_id,
        "branch": card.branch_id,
        "camera_id": card.first.camera_id,
        "tier": card.recognised_by,
        "frame": card.first.frame,
        "seen_at": _iso(card.first.seen_at_ms),
        "alerted_at": _iso(card.alerted_at_ms),
        "offers": [{"product": offer.product, "reason": offer.reason_zh} for offer in card.offers],
    }


def _percentile(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1) if values else -1


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
