"""What the visit itself says, and which signals follow from it: levers of the catalogue count while a signal holds.

No signal depends on the hour of the day (C16): instants are used for the day in China and for time that has passed.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from math import prod
from typing import Final

import msgspec

from yingbin.feed_wire import CardView, Lever
from yingbin.offers.profile import china_day
from yingbin.queue_wire import Business
from yingbin.wire import CameraRole

CAMPAIGN: Final = "campaign"
INSIGHT: Final = "insight"
"""Of a soft fact that holds until the end of its lever (`yingbin.offers.insights.effects`)."""
LONG_QUEUE: Final = 10
"""Customers waiting from which a queue is long."""
SHORT_OF_TIME_MIN: Final = 5
SALARY_DAYS: Final = 2
"""Days after the salary arrives during which it counts as salary day."""
MATURING_DAYS: Final = 7

SIGNALS: Final = (
    "at_entrance", "at_ticket_machine", "at_self_service", "at_ad_screen",
    "for_cash", "for_transfer", "for_card", "for_deposit", "for_wealth", "for_loan", "for_fx", "for_other",
    "long_queue", "short_of_time", "maturing_this_week", "salary_day", "refused_last_visit",
)  # fmt: skip
"""What a lever may name; `campaign` comes from the catalogue's own campaigns."""

_WEAKEST, _STRONGEST = 0.5, 2.0
"""All levers of a product together: the visit nudges the order, the customer's situation decides it."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The visit: where he stands, at which branch, what for, what he has declined in it. What is unknown has no effect.

    `refused_products`: declined during this visit, by code. `waiting`: customers in the queue, `minutes`: how long he
    has; -1 where nobody knows.
    """

    camera_role: CameraRole = CameraRole.ENTRANCE
    refused_products: frozenset[str] = frozenset()
    branch_id: str = ""
    business: Business = ""
    waiting: int = -1
    minutes: int = -1


def signals(view: CardView, context: Context, at_ms: int) -> frozenset[str]:
    """Return the `SIGNALS` that hold, and `CAMPAIGN` and `INSIGHT`, whose levers name their own branches and time."""
    today = china_day(at_ms)
    holds: Mapping[str, bool] = {
        f"at_{context.camera_role}": True,
        f"for_{context.business}": bool(context.business),
        "long_queue": context.waiting >= LONG_QUEUE,
        "short_of_time": 0 <= context.minutes < SHORT_OF_TIME_MIN,
        "maturing_this_week": _matures_within(view.matures_on, today),
        "salary_day": _is_salary_day(view.salary_day, today),
        "refused_last_visit": view.refused_last_visit,
        CAMPAIGN: True,
        INSIGHT: True,
    }
    return frozenset(name for name, true in holds.items() if true)


def factor(levers: tuple[Lever, ...], holding: frozenset[str], branch_id: str, at_ms: int) -> float:
    """Return what the levers whose signal is among `holding` make together, 0.5 to 2."""
    product = prod(lever.factor for lever in in_force(levers, holding, branch_id, at_ms))
    return min(max(product, _WEAKEST), _STRONGEST)


def in_force(levers: tuple[Lever, ...], holding: frozenset[str], branch_id: str, at_ms: int) -> tuple[Lever, ...]:
    """Return the levers that count: their signal is among `holding`, and it is their time and branch."""
    return tuple(
        lever
        for lever in levers
        if lever.signal in holding
        and lever.from_ms <= at_ms
        and (not lever.until_ms or at_ms < lever.until_ms)
        and (not lever.branches or branch_id in lever.branches)
    )


def _matures_within(matures_on: str, today: date) -> bool:
    return bool(matures_on) and 0 <= (date.fromisoformat(matures_on) - today).days < MATURING_DAYS


def _is_salary_day(day: int, today: date) -> bool:
    """Return whether the salary came today or just before; one due on the 31st comes on a short month's last day."""
    if not day:
        return False
    this_month = min(day, monthrange(today.year, today.month)[1])
    if today.day >= this_month:
        return today.day - this_month <= SALARY_DAYS
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    last = date(year, month, min(day, monthrange(year, month)[1]))
    return (today - last).days <= SALARY_DAYS
