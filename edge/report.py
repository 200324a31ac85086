"""What a run did, for `yingbin edge run --json`, tests and benches. Ids and counts only (C2)."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Final

import msgspec

from yingbin.wire import FaceAnswer, FaceLook, Outcome, ScenePhoto

_TRACKS_KEPT: Final = 10_000
_SIZES_KEPT: Final = 10_000
_NEAR_TRACKS: Final = 50


@dataclass(slots=True)
class TrackReport:
    """One track. `first_px*_ms`: UTC ms of the first frame in which its face was so high, -1 if it never was."""

    camera_id: str
    track: int
    frame_lines: int
    first_px40_ms: int = -1
    first_px60_ms: int = -1
    events: list[str] = field(default_factory=list)
    outcome: str = "unsent"

    def saw(self, height_px: float, wall_ms: int) -> None:
        """Note the height of the face in one frame."""
        if self.first_px40_ms < 0 and height_px >= 40:
            self.first_px40_ms = wall_ms
        if self.first_px60_ms < 0 and height_px >= 60:
            self.first_px60_ms = wall_ms


@dataclass(slots=True)
class CameraReport:
    """Counters of one camera. `missed`: frames decoded while it was busy with an earlier one, and left out."""

    state: str = "waiting"
    frames: int = 0
    missed: int = 0
    detections: int = 0
    faces: int = 0
    embeddings: int = 0
    damaged: int = 0
    reconnects: int = 0


@dataclass(slots=True)
class TrafficReport:
    """Bytes between box and city, WebSocket frames with their headers; TLS and TCP/IP come on top."""

    up_bytes: int = 0
    down_bytes: int = 0
    event_up_bytes: int = 0
    answer_down_bytes: int = 0
    photo_up_bytes: int = 0
    event_sizes: deque[int] = field(default_factory=lambda: deque(maxlen=_SIZES_KEPT))

    def sent(self, message: msgspec.Struct, wire_bytes: int) -> None:
        """Count a message to the city."""
        self.up_bytes += wire_bytes
        if isinstance(message, FaceLook):
            self.event_up_bytes += wire_bytes
            self.event_sizes.append(wire_bytes)
        elif isinstance(message, ScenePhoto):
            self.photo_up_bytes += wire_bytes

    def heard(self, message: msgspec.Struct, wire_bytes: int) -> None:
        """Count a message of the city."""
        self.down_bytes += wire_bytes
        if isinstance(message, FaceAnswer):
            self.answer_down_bytes += wire_bytes

    def as_json(self) -> dict[str, Any]:
        """Return totals, and the size of an event; -1 where there was none."""
        sizes = self.event_sizes
        return {
            "bytes_per_event": median(sizes) if sizes else -1,
            "bytes_per_event_mean": round(fmean(sizes), 1) if sizes else -1,
            "bytes_per_event_max": max(sizes, default=-1),
            **{name: getattr(self, name) for name in self.__slots__ if name != "event_sizes"},
        }


@dataclass(slots=True)
class RunReport:
    """Counters of one boot; bounded, whatever the uptime."""

    face_events: int = 0
    non_matches: int = 0
    scene_photos_sent: int = 0
    dropped: int = 0
    traffic: TrafficReport = field(default_factory=TrafficReport)
    tracks: deque[TrackReport] = field(default_factory=lambda: deque(maxlen=_TRACKS_KEPT))

    def track_over(self, track: TrackReport) -> None:
        """Keep the record of a track that is over."""
        self.tracks.append(track)
        if track.events and track.outcome != Outcome.MATCHED:
            self.non_matches += 1

    def near(self, camera_id: str) -> list[bool]:
        """Return of each of a camera's last tracks whether its face grew to 60 px."""
        return [track.first_px60_ms >= 0 for track in self.tracks if track.camera_id == camera_id][-_NEAR_TRACKS:]

    def as_json(self, cameras: Iterable[tuple[str, CameraReport]]) -> dict[str, Any]:
        """Return the JSON object that `--json` prints; numbers are -1 where nothing was measured."""
        by_id = dict(cameras)
        return {
            "cameras": {name: _fields(report) for name, report in by_id.items()},
            "face_events": self.face_events,
            **self.traffic.as_json(),
            "non_matches": self.non_matches,
            "scene_photos_sent": self.scene_photos_sent,
            "embeddings": sum(report.embeddings for report in by_id.values()),
            "events_dropped": self.dropped,
            "tracks": [_fields(track) for track in self.tracks],
        }


def _fields(record: TrackReport | CameraReport) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
