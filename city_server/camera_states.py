"""How every camera of this city is, as its box last said: pure; time is passed in.

Kept in memory only. A box tells the state of all its cameras whenever it connects, so after a restart nothing is
claimed that nobody has said since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from yingbin.wire import Camera, CameraState, CameraStatus

UNKNOWN: Final = "unknown"
STATES: Final = (UNKNOWN, *(state.value for state in CameraState))
_DETAIL_CHARS: Final = 200
_OFFLINE: Final = "the box is offline"
_NOT_HEARD: Final = "the box has not told yet"


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """`state`: a value of `CameraState`, or `unknown` while the box is away. `since_ms`: UTC."""

    state: str
    detail: str
    since_ms: int


class CameraStates:
    """The newest state of each camera. Which cameras there are, and whose, is passed in: the feed says it."""

    def __init__(self, since_ms: int) -> None:
        self._never = CameraHealth(UNKNOWN, _NOT_HEARD, since_ms)
        self._told: dict[str, tuple[str, CameraHealth]] = {}

    def told(self, box_id: str, cameras: Iterable[Camera], status: CameraStatus, at_ms: int) -> bool:
        """Take what a box with these cameras says; return whether it is news. Of another's camera nothing is taken."""
        if status.camera_id not in {camera.camera_id for camera in cameras}:
            return False
        now = CameraHealth(status.state.value, status.detail[:_DETAIL_CHARS], at_ms)
        before = self._of(status.camera_id, box_id)
        if (before.state, before.detail) == (now.state, now.detail):
            return False
        self._told[status.camera_id] = box_id, now
        return True

    def lost(self, box_id: str, at_ms: int) -> None:
        """Note that a box went offline: how its cameras are is unknown from now on."""
        for camera_id, (teller, health) in self._told.items():
            if teller == box_id and health.state != UNKNOWN:
                self._told[camera_id] = box_id, CameraHealth(UNKNOWN, _OFFLINE, at_ms)

    def of(self, cameras: Mapping[str, Camera]) -> dict[str, CameraHealth]:
        """Return the state of each of these cameras, by id; may be called from any thread."""
        return {camera_id: self._of(camera_id, camera.box_id) for camera_id, camera in cameras.items()}

    def _of(self, camera_id: str, box_id: str) -> CameraHealth:
        teller, health = self._told.get(camera_id, (box_id, self._never))
        return health if teller == box_id else self._never
