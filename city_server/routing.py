"""Whom a card rings for, and when it goes on to the next. Pure; time is passed in (DESIGN 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yingbin.feed_wire import Staff
from yingbin.trust.staff import Role

FIRST: Final = 0
EVERYONE: Final = 1


@dataclass(frozen=True, slots=True)
class Route:
    """`routed_to`: the customer's own manager when he is on duty here, else empty; `level`: how far it escalated."""

    routed_to: str
    level: int
    escalate_at_ms: int | None


def route(rm_staff_id: str, colleagues: Iterable[Staff], now_ms: int, escalate_after_ms: int) -> Route:
    """Choose the first audience among the staff of the branch: own manager, else lobby managers, else everyone."""
    on_duty = [one for one in colleagues if one.on_duty]
    own = any(one.staff_id == rm_staff_id and one.role == Role.RM for one in on_duty)
    if own or any(one.role == Role.LOBBY for one in on_duty):
        return Route(rm_staff_id if own else "", FIRST, now_ms + escalate_after_ms)
    return Route("", EVERYONE, None)


def escalate(current: Route) -> Route:
    """Nobody took the card in time: everyone of the branch who may greet is told."""
    return Route(current.routed_to, EVERYONE, None)


def rings_for(current: Route, staff_id: str, role: Role) -> bool:
    """Return whether a card on this route rings at the tablet of this person."""
    if current.routed_to == staff_id:
        return True
    if current.level == FIRST:
        return not current.routed_to and role is Role.LOBBY
    return role in {Role.LOBBY, Role.BRANCH_MANAGER} or (not current.routed_to and role is Role.RM)
