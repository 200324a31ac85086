"""How soon to run the detector again, and at which size. Pure.

Often while somebody's first look is due, seldom when all are answered; at half the size while everybody in view is
near, but for a glance at the background now and then.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from edge.motion import Change

SEARCHING_S: Final = 0.1
"""Somebody new has not been looked at: the first usable shot must not be missed."""
NEW_S: Final = 1.5
"""A face still unusable after so long (far away, turned, out of focus) will not be missed at the slower pace either."""
IMPROVING_S: Final = 0.2
"""Nobody is new and somebody may need a better shot: faces grow slowly against this."""
FOLLOWING_S: Final = 0.3
"""Everybody is answered, or nobody is there: keep the tracks, notice whoever comes."""
STILL_S: Final = 1.0
"""Nothing moves and nobody waits; the motion gate alone must not lose anybody."""

BACKGROUND_S: Final = 0.5
"""While all faces in view are large, small ones, of people further back, are looked for this often."""
_NEAR: Final = 2.5
"""A face so many times as high as the smallest one is found at half the size, with something to spare."""


@dataclass(frozen=True, slots=True)
class Open:
    """A track still worth a look: how long ago it began, and whether one was sent."""

    age_s: float
    sent: bool


def interval_s(change: Change, tracks: Collection[Open]) -> float:
    """Return the time between two detections while these tracks are open."""
    if change is Change.CUT:
        return 0.0
    if any(not track.sent and track.age_s < NEW_S for track in tracks):
        return SEARCHING_S
    if tracks:
        return IMPROVING_S
    return STILL_S if change is Change.STILL else FOLLOWING_S


def near_only(min_face_px: int, in_view_px: Collection[float], since_background_s: float) -> bool:
    """Return whether the next detection may be at half the size, where faces under twice `min_face_px` are missed.

    `in_view_px`: heights of the faces that are followed.
    """
    all_near = bool(in_view_px) and min(in_view_px) >= _NEAR * min_face_px
    return all_near and since_background_s < BACKGROUND_S
