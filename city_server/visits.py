"""The life of a visit: one a customer and branch, from the first sighting to half an hour after the last. Pure."""

from dataclasses import dataclass, replace
from enum import Enum

from yingbin.ids import new_id


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as of its last sighting; `closed_at_ms` is None while it is open."""

    visit_id: str
    branch_id: str
    customer_id: str
    opened_at_ms: int
    last_seen_at_ms: int
    closed_at_ms: int | None = None
    wrong_person: bool = False


class Sighted(Enum):
    """What a sighting meant: someone arrived, is seen again, or an old message came late."""

    OPENED = "opened"
    SEEN_AGAIN = "seen_again"
    LATE = "late"


def sight(
    visit: Visit | None, branch_id: str, customer_id: str, seen_at_ms: int, closes_after_ms: int
) -> tuple[Visit, Sighted]:
    """Return the visit after a sighting. `visit` is the open one, if any; one that outlived its time counts as over."""
    if visit is None or is_over(visit, seen_at_ms, closes_after_ms):
        return Visit(new_id(), branch_id, customer_id, seen_at_ms, seen_at_ms), Sighted.OPENED
    if seen_at_ms < visit.last_seen_at_ms:
        return visit, Sighted.LATE
    return replace(visit, last_seen_at_ms=seen_at_ms), Sighted.SEEN_AGAIN


def is_over(visit: Visit, now_ms: int, closes_after_ms: int) -> bool:
    """Return whether an open visit has gone without a sighting for too long."""
    return now_ms - visit.last_seen_at_ms >= closes_after_ms


def close(visit: Visit, now_ms: int, *, wrong_person: bool = False) -> Visit:
    """End a visit; `wrong_person`: it was somebody else, so the track never alerts for this customer again."""
    return replace(visit, closed_at_ms=now_ms, wrong_person=wrong_person)
