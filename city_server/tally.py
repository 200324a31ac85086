"""How many came and how it went, by branch and day: numbers alone, for the province's statistics. Names nobody.

A row counts up in the transaction of what it counts, and goes to the province as a whole, so that telling it twice
changes nothing there.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from yingbin.offers.profile import china_day
from yingbin.pad_wire import Card
from yingbin.report_wire import RESPONSE_LIMITS_S, BranchDay
from yingbin.storage.city import BranchDayRow

_RIGHT: Final = frozenset({"confirmed", "greeted"})
_TAKEN: Final = _RIGHT | {"acknowledged"}
_WRONG: Final = "wrong_person"
_KEPT_MS: Final = 40 * 24 * 3600 * 1000


def visited(session: Session, branch_id: str, at_ms: int) -> None:
    """Count a visit for which a card was made."""
    row = _row(session, branch_id, at_ms)
    row.visits += 1
    row.changes += 1


def dealt_with(session: Session, before: Card, after: Card, at_ms: int) -> None:
    """Count what a manager's action changed: how soon the card was taken, whether it was the right person."""
    row = _row(session, before.branch_id, before.alerted_at_ms)
    if before.state == "open" and after.state in _TAKEN:
        bucket = bisect_left(RESPONSE_LIMITS_S, (at_ms - before.alerted_at_ms) / 1000)
        row.answered = [count + (i == bucket) for i, count in enumerate(row.answered)]
    row.confirmed += (after.state in _RIGHT) - (before.state in _RIGHT)
    row.wrong_person += (after.state == _WRONG) - (before.state == _WRONG)
    row.changes += 1


def unreported(session: Session, at_most: int) -> list[BranchDay]:
    """Return days that changed since the province was told."""
    changed = select(BranchDayRow).where(BranchDayRow.changes > BranchDayRow.reported)
    rows = session.scalars(changed.order_by(BranchDayRow.day, BranchDayRow.branch_id).limit(at_most))
    return [
        BranchDay(row.branch_id, row.day, row.changes, row.visits, row.confirmed, row.wrong_person, tuple(row.answered))
        for row in rows
    ]


def mark_reported(session: Session, days: Sequence[BranchDay], now_ms: int) -> None:
    """Note what the province has, and drop days that lie far back."""
    for day in days:
        session.get_one(BranchDayRow, (day.branch_id, day.day)).reported = day.changes
    old = BranchDayRow.day < _day(now_ms - _KEPT_MS)
    session.execute(delete(BranchDayRow).where(old, BranchDayRow.changes == BranchDayRow.reported))


def _row(session: Session, branch_id: str, at_ms: int) -> BranchDayRow:
    key = (branch_id, _day(at_ms))
    row = session.get(BranchDayRow, key, with_for_update=True)
    if row is None:
        row = BranchDayRow(
            branch_id=branch_id, day=key[1], visits=0, confirmed=0, wrong_person=0,
            answered=[0] * (len(RESPONSE_LIMITS_S) + 1), changes=0, reported=0,
        )  # fmt: skip
        session.add(row)
    return row


def _day(at_ms: int) -> str:
    return china_day(at_ms).isoformat()
