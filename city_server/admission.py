"""May this event be searched? The camera, its impact assessment (C3), and the event's clock. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yingbin.errors import NotAllowed
from yingbin.local_wire import LocalHit
from yingbin.trust.consent import Purpose, galleries_for
from yingbin.trust.watch import watch_lists_for
from yingbin.wire import Camera, CameraMode, FaceEvent, FaceLook, FacePicture, TicketAsk

_NAMES: Final[Mapping[type[FaceLook], str]] = {FaceEvent: "vectors", FacePicture: "pictures", LocalHit: "hits"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event that may be searched, in these galleries and watch lists; `seen_at_ms` by the city's clock.

    Watch lists never open a camera of their own: only a look that may serve customers is compared with them, and a tap
    for a ticket never is.
    """

    camera: Camera
    galleries: tuple[str, ...]
    seen_at_ms: int
    watch_lists: tuple[str, ...] = ()


def admit(event: FaceLook, camera: Camera | None, box_id: str, now_ms: int, future_tolerance_ms: int) -> Admitted:
    """Return what may be done with an event. Raises `NotAllowed` with what branch IT must put right."""
    camera = _registered(event, camera, box_id)
    if type(event) is not _form(camera):
        way = "local recognition" if camera.local_recognition else f"mode {camera.mode}"
        raise NotAllowed(f"camera {camera.camera_id} is registered for {way}, not for sending {_NAMES[type(event)]}")
    galleries = _searchable(event, camera, Purpose.VIP_SERVICE, now_ms)
    seen_at_ms = now_ms if event.seen_at_ms > now_ms + future_tolerance_ms else event.seen_at_ms
    return Admitted(camera, galleries, seen_at_ms, watch_lists_for(camera, now_ms))


def admit_ticket(ask: TicketAsk, camera: Camera | None, box_id: str, now_ms: int) -> Admitted:
    """Return what may be searched for somebody who tapped at the ticket machine. Raises `NotAllowed`."""
    camera = _registered(ask, camera, box_id)
    return Admitted(camera, _searchable(ask, camera, Purpose.TICKETING, now_ms), now_ms)


def _form(camera: Camera) -> type[FaceLook]:
    """Return the one form in which a camera ships its looks."""
    if camera.local_recognition:
        return LocalHit
    return FacePicture if camera.mode is CameraMode.PICTURE else FaceEvent


def _registered(event: FaceLook | TicketAsk, camera: Camera | None, box_id: str) -> Camera:
    if camera is None or camera.box_id != box_id:
        raise NotAllowed(f"camera {event.camera_id} is not registered for this box")
    return camera


def _searchable(event: FaceLook | TicketAsk, camera: Camera, purpose: Purpose, now_ms: int) -> tuple[str, ...]:
    assessment = camera.assessment
    if assessment is None:
        raise NotAllowed(f"camera {camera.camera_id} has no impact assessment; nothing may be matched from it")
    if assessment.assessment_id != event.assessment_id:
        raise NotAllowed(f"camera {camera.camera_id} is under another impact assessment by now")
    if now_ms >= assessment.expires_at_ms:
        raise NotAllowed(f"the impact assessment of camera {camera.camera_id} has expired; renew it at the province")
    galleries = galleries_for(camera, purpose, now_ms)
    if not galleries:
        raise NotAllowed(
            f"camera {camera.camera_id} may search no gallery for {purpose}: its role does not serve that purpose, or "
            "its impact assessment covers none"
        )
    return galleries
