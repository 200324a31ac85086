"""Watch lists (C13): they rest on an authority's written order, never on consent, and are no `Gallery`.

A type of their own, so that nothing written for customers - enrolment, search, feed, tablet - can take one by mistake.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from yingbin.trust.staff import Role
from yingbin.wire import Camera, CameraRole


class WatchList(StrEnum):
    """Whom to look out for: wanted by the police, or a debtor whom his account manager wants to speak to."""

    POLICE = "police"
    OVERDUE = "overdue"


MANAGED_BY: Final[Mapping[WatchList, Role]] = {
    WatchList.POLICE: Role.SECURITY_OFFICER,
    WatchList.OVERDUE: Role.GALLERY_ADMIN,
}
"""The one role that proposes, confirms and removes entries: two people of it."""

TOLD: Final[Mapping[WatchList, Role]] = {
    WatchList.POLICE: Role.SECURITY,
    WatchList.OVERDUE: Role.ACCOUNT_MANAGER,
}
"""The one role that is told: security of the branch; of overdue the account manager named in the entry, alone."""

RINGS: Final = frozenset({WatchList.POLICE})
"""The lists whose alerts ring until somebody acknowledges them; the others are discreet."""

WATCHED: Final[Mapping[CameraRole, frozenset[WatchList]]] = {
    CameraRole.ENTRANCE: frozenset(WatchList),
    CameraRole.TICKET_MACHINE: frozenset(WatchList),
    CameraRole.SELF_SERVICE: frozenset({WatchList.POLICE}),
    CameraRole.AD_SCREEN: frozenset(),
}
"""Which lists a camera's looks may be compared with: fixed by its role."""


def watch_lists_for(camera: Camera, at_ms: int) -> tuple[WatchList, ...]:
    """Return the lists this camera's looks may be compared with at `at_ms`; empty when none (C3).

    Role and impact assessment must both allow it. A camera that recognises on its box sends no vector to compare.
    """
    assessment = camera.assessment
    if assessment is None or camera.local_recognition:
        return ()
    of_role = WATCHED[camera.role]
    return tuple(w for w in WatchList if w in of_role and assessment.covers(camera.role, camera.mode, w, at_ms))
