"""What a run did, for `yingbin edge run --json`, tests and benches. Ids and counts only (C2)."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Final

from yingbin.wire import Outcome

_TRACKS_KEPT: Final = 10_000
_SIZES_KEPT: Final = 10_000


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
    """Counters of one camera."""

    state: str = "waiting"
    frames: int = 0
    detections: int = 0
    faces: int = 0
    embeddings: int = 0


@dataclass(slots=True)
class RunReport:
    """Counters of one boot; bounded, whatever the uptime."""

    face_events: int = 0
    non_matches: int = 0
    scene_photos_sent: int = 0
    dropped: int = 0
    event_bytes: deque[int] = field(default_factory=lambda: deque(maxlen=_SIZES_KEPT))
    tracks: deque[TrackReport] = field(default_factory=lambda: deque(maxlen=_TRACKS_KEPT))

    def track_over(self, track: TrackReport) -> None:
        """Keep the record of a track that is over."""
        self.tracks.append(track)
        if track.events and track.outcome != Outcome.MATCHED:
            self.non_matches += 1

    def as_json(self, cameras: Iterable[tuple[str, CameraReport]]) -> dict[str, Any]:
        """Return the JSON object that `--json` prints; numbers are -1 where nothing was measured."""
        by_id = dict(cameras)
        return {
            "cameras": {name: _fields(report) for name, report in by_id.items()},
            "face_events": self.face_events,
            "bytes_per_event": median(self.event_bytes) if self.event_bytes else -1,
            "bytes_per_event_mean": round(fmean(self.event_bytes), 1) if self.event_bytes else -1,
            "bytes_per_event_max": max(self.event_bytes, default=-1),
            "non_matches": self.non_matches,
            "scene_photos_sent": self.scene_photos_sent,
            "embeddings": sum(report.embeddings for report in by_id.values()),
            "events_dropped": self.dropped,
            "tracks": [_fields(track) for track in self.tracks],
        }


def _fields(record: TrackReport | CameraReport) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
