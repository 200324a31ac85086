"""May this event be searched? The camera, its impact assessment (C3), and the event's clock. Pure."""

from dataclasses import dataclass
from typing import Final

from yingbin.errors import NotAllowed
from yingbin.trust.consent import Gallery
from yingbin.wire import Camera, CameraMode, FaceEvent

_ALERTED: Final = tuple(gallery.value for gallery in Gallery)
"""Galleries whose hits may become cards of greeters; any other kind is not searched here (C13)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event that may be searched, in these galleries; `seen_at_ms` by the city's clock."""

    camera: Camera
    galleries: tuple[str, ...]
    seen_at_ms: int


def admit(event: FaceEvent, camera: Camera | None, box_id: str, now_ms: int, future_tolerance_ms: int) -> Admitted:
    """Return what may be done with an event. Raises `NotAllowed` with what branch IT must put right."""
    if camera is None or camera.box_id != box_id:
        raise NotAllowed(f"camera {event.camera_id} is not registered for this box")
    if camera.mode is not CameraMode.FEATURE:
        raise NotAllowed(f"camera {camera.camera_id} is registered for mode {camera.mode}, not for face events")
    assessment = camera.assessment
    if assessment is None:
        raise NotAllowed(f"camera {camera.camera_id} has no impact assessment; nothing may be matched from it")
    if assessment.assessment_id != event.assessment_id:
        raise NotAllowed(f"camera {camera.camera_id} is under another impact assessment by now")
    if now_ms >= assessment.expires_at_ms:
        raise NotAllowed(f"the impact assessment of camera {camera.camera_id} has expired; renew it at the province")
    galleries = tuple(name for name in _ALERTED if assessment.covers(camera.role, camera.mode, name, now_ms))
    if not galleries:
        raise NotAllowed(f"the impact assessment of camera {camera.camera_id} covers no gallery for its role")
    seen_at_ms = now_ms if event.seen_at_ms > now_ms + future_tolerance_ms else event.seen_at_ms
    return Admitted(camera, galleries, seen_at_ms)
