"""Consent by purpose (C1): nothing is matched, stored or offered without its own row. What a camera may search (C3)."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from yingbin.errors import NotAllowed
from yingbin.wire import Camera, CameraMode, CameraRole


class Purpose(StrEnum):
    """What a person can consent to, each by itself (PIPL art. 14, 29; 人脸识别办法 art. 5-6)."""

    VIP_SERVICE = "vip_service"
    TICKETING = "ticketing"
    TELLER_ASSIST = "teller_assist"
    MARKETING = "marketing"
    WHEREABOUTS = "whereabouts"
    CENTRAL_STORAGE = "central_storage"


class Gallery(StrEnum):
    """The galleries a camera may search."""

    VIP = "vip"
    POTENTIAL = "potential"


GALLERY_PURPOSE: Final[dict[Gallery, Purpose]] = {
    Gallery.VIP: Purpose.VIP_SERVICE,
    Gallery.POTENTIAL: Purpose.VIP_SERVICE,
}
"""The consent under which a template may be searched in a gallery."""


_GREETED: Final = frozenset({Gallery.VIP, Gallery.POTENTIAL})

SEARCHABLE: Final[Mapping[CameraRole, Mapping[Purpose, frozenset[Gallery]]]] = {
    CameraRole.ENTRANCE: {Purpose.VIP_SERVICE: _GREETED},
    # VIPs are recognised here without a tap, because the entrance misses people; only ticketing needs one.
    CameraRole.TICKET_MACHINE: {Purpose.VIP_SERVICE: _GREETED, Purpose.TICKETING: _GREETED},
    CameraRole.SELF_SERVICE: {Purpose.VIP_SERVICE: _GREETED},
    CameraRole.AD_SCREEN: {Purpose.VIP_SERVICE: _GREETED},
}
"""Which galleries a camera may search for which purpose: fixed by its role. What is not named is never searched."""

PURPOSE_MODES: Final[Mapping[Purpose, frozenset[CameraMode]]] = {
    Purpose.VIP_SERVICE: frozenset(CameraMode),
    # A tap is answered by the box beside the machine, and only in this mode does it make vectors itself.
    Purpose.TICKETING: frozenset({CameraMode.FEATURE}),
}
"""The modes in which a purpose is served at all."""

LOCAL_PURPOSES: Final = frozenset({Purpose.VIP_SERVICE})
"""The purposes served by a camera whose box recognises by itself; a tap for a ticket would carry a vector away."""

AT_A_CAMERA: Final = frozenset(PURPOSE_MODES)
"""The purposes for which a camera may recognise somebody."""


def galleries_for(camera: Camera, purpose: Purpose, at_ms: int) -> tuple[Gallery, ...]:
    """Return what this camera may search for a purpose at `at_ms`; empty when nothing (C3).

    Both must allow it: the camera's role, by `SEARCHABLE`, and its impact assessment, by role, mode and gallery. Local
    recognition must be named by the assessment too, and is for mode feature alone: the other two send faces away.
    """
    assessment = camera.assessment
    if assessment is None or camera.mode not in PURPOSE_MODES.get(purpose, frozenset()):
        return ()
    if camera.local_recognition and not (
        assessment.local_recognition and camera.mode is CameraMode.FEATURE and purpose in LOCAL_PURPOSES
    ):
        return ()
    of_role = SEARCHABLE[camera.role].get(purpose, frozenset())
    return tuple(g for g in Gallery if g in of_role and assessment.covers(camera.role, camera.mode, g, at_ms))


class ConsentMissing(NotAllowed):
    """The customer has not consented to this purpose, or has withdrawn."""

    code = "consent_missing"


def require(granted: Collection[Purpose], *needed: Purpose) -> None:
    """Raise `ConsentMissing`, naming every purpose of `needed` that is not in `granted`."""
    missing = [purpose.value for purpose in needed if purpose not in granted]
    if missing:
        raise ConsentMissing(f"consent is missing for: {', '.join(missing)}; record it before continuing")
