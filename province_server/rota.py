"""The duty rota: who works at which branch from when until when, and what the cities are told of it.

`StaffRow.on_duty` and `duty_branch_id` are what a city was told last. `settle` compares them with the shifts of now and
tells the differences; it runs after every change and, since shifts begin and end by themselves, by the clock.
"""

from typing import Final, Self

from pydantic import Field, model_validator
from sqlalchemy import Select, and_, delete, or_, select
from sqlalchemy.orm import Session

from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.records import AN_ID, Body, Id, InstantMs, existing, page_of
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, ShiftRow, StaffRow

SETTLE_EVERY_S: Final = 10.0
"""How late a city may hear that a shift has begun or ended."""


class NewShift(Body):
    """A shift, in UTC milliseconds; open-ended without `until_ms`. The branch may be any of the member's own city."""

    staff_id: Id = Field(examples=["rm-1"])
    branch_id: Id = Field(examples=[AN_ID])
    from_ms: InstantMs = Field(examples=[1_790_000_000_000])
    until_ms: InstantMs | None = Field(default=None, examples=[1_790_030_000_000])

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until_ms is not None and self.until_ms <= self.from_ms:
            raise ValueError("`until_ms` must be after `from_ms`")
        return self


class Rota:
    """Plans shifts and keeps the cities informed."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    def plan(self, new: NewShift) -> str:
        """Return the new shift's id. Raises `InvalidInput`, `Conflict` when it overlaps another of the same member."""
        shift_id = new_id()
        with self._database.write() as session:
            row = existing(session, StaffRow, new.staff_id, "member of staff")
            branch = existing(session, BranchRow, new.branch_id, "branch")
            if row.branch_id is None or not row.active:
                raise InvalidInput(f"{new.staff_id} does not work at a branch")
            if branch.city_id != city_of(session, row.branch_id):
                raise InvalidInput("the branch is in another city than the member's own: move the member first")
            if session.scalars(_overlapping(new.staff_id, new.from_ms, new.until_ms).limit(1)).first():
                raise Conflict(f"{new.staff_id} has a shift at that time already; cancel it first")
            session.add(ShiftRow(shift_id=shift_id, **new.model_dump()))
            session.flush()
            cities = settle(session, row)
        self._wake(cities)
        return shift_id

    def cancel(self, shift_id: str) -> None:
        """Delete a shift to come; end one that has begun. Raises `NotFound`, `Conflict` for one that is over."""
        at_ms = now_ms()
        with self._database.write() as session:
            shift = session.get(ShiftRow, shift_id)
            if shift is None:
                raise NotFound(f"there is no shift {shift_id}")
            if shift.until_ms is not None and shift.until_ms <= at_ms:
                raise Conflict("this shift is over; what was worked stays on record")
            if shift.from_ms >= at_ms:
                session.delete(shift)
            else:
                shift.until_ms = at_ms
            session.flush()
            cities = settle(session, session.get_one(StaffRow, shift.staff_id))
        self._wake(cities)

    def set_on_duty(self, staff_id: str, *, on_duty: bool) -> None:
        """Begin an open-ended shift at the own branch, until the next planned one, or end the running one.

        Safe to repeat. Raises `NotFound`, `InvalidInput`.
        """
        at_ms = now_ms()
        with self._database.write() as session:
            row = session.get(StaffRow, staff_id)
            if row is None:
                raise NotFound(f"there is nobody with the staff id {staff_id}")
            if on_duty and (row.branch_id is None or not row.active):
                raise InvalidInput(f"{staff_id} does not work at a branch")
            running = session.scalars(_overlapping(staff_id, at_ms, at_ms + 1)).all()
            if on_duty and not running:
                begin(session, row, at_ms)
            for shift in () if on_duty else running:
                shift.until_ms = at_ms
            session.flush()
            cities = settle(session, row)
        self._wake(cities)

    def page(
        self, after: str, limit: int, staff_id: str | None, branch_id: str | None, from_ms: int, until_ms: int
    ) -> list[ShiftRow]:
        """Return shifts that touch the time from `from_ms` to `until_ms`, by id."""
        conditions = [
            ShiftRow.from_ms < until_ms,
            or_(ShiftRow.until_ms.is_(None), ShiftRow.until_ms > from_ms),
            *([ShiftRow.staff_id == staff_id] if staff_id else []),
            *([ShiftRow.branch_id == branch_id] if branch_id else []),
        ]
        with self._database.read() as session:
            return page_of(session, ShiftRow, ShiftRow.shift_id, after, limit, *conditions)

    def settle_all(self) -> None:
        """Tell the cities of every shift that began or ended since the last time."""
        at_ms = now_ms()
        running = and_(
            ShiftRow.staff_id == StaffRow.staff_id,
            ShiftRow.from_ms <= at_ms,
            or_(ShiftRow.until_ms.is_(None), ShiftRow.until_ms > at_ms),
        )
        told_wrong = or_(
            and_(StaffRow.on_duty, ShiftRow.shift_id.is_(None)),
            and_(~StaffRow.on_duty, ShiftRow.shift_id.is_not(None)),
            StaffRow.duty_branch_id != ShiftRow.branch_id,
        )
        stale = (
            select(StaffRow.staff_id).outerjoin(ShiftRow, running).where(StaffRow.branch_id.is_not(None), told_wrong)
        )
        with self._database.read() as session:
            due = list(session.scalars(stale))
        for staff_id in due:
            with self._database.write() as session:
                cities = settle(session, session.get_one(StaffRow, staff_id))
            self._wake(cities)

    def _wake(self, cities: set[str]) -> None:
        for city_id in cities:
            self._notifier.wake(city_id)


def begin(session: Session, row: StaffRow, at_ms: int) -> None:
    """Put somebody on duty at his own branch from `at_ms` until his next planned shift."""
    following = select(ShiftRow.from_ms).where(ShiftRow.staff_id == row.staff_id, ShiftRow.from_ms > at_ms)
    until_ms = session.scalars(following.order_by(ShiftRow.from_ms).limit(1)).first()
    session.add(
        ShiftRow(
            shift_id=new_id(), staff_id=row.staff_id, branch_id=row.branch_id, from_ms=at_ms, until_ms=until_ms
        )
    )  # fmt: skip


def end_all(session: Session, row: StaffRow, at_ms: int) -> None:
    """End the running shift of somebody and drop those to come: he leaves, or moves to another branch."""
    session.execute(delete(ShiftRow).where(ShiftRow.staff_id == row.staff_id, ShiftRow.from_ms >= at_ms))
    for shift in session.scalars(_overlapping(row.staff_id, at_ms, at_ms + 1)):
        shift.until_ms = at_ms


def settle(session: Session, row: StaffRow) -> set[str]:
    """Bring what a city knows of somebody in line with his shift of now; return the city to wake, if any."""
    at_ms = now_ms()
    session.flush()
    shift = session.scalars(_overlapping(row.staff_id, at_ms, at_ms + 1).limit(1)).first()
    now = (shift is not None, shift.branch_id if shift else None)
    if row.branch_id is None or now == (row.on_duty, row.duty_branch_id):
        return set()
    row.on_duty, row.duty_branch_id = now
    session.flush()
    city_id = city_of(session, row.branch_id)
    publish(session, city_id, FeedKind.STAFF, row.staff_id)
    return {city_id}


def _overlapping(staff_id: str, from_ms: int, until_ms: int | None) -> Select[ShiftRow]:
    """Select the shifts of somebody that touch the time from `from_ms` until `until_ms`."""
    found = select(ShiftRow).where(
        ShiftRow.staff_id == staff_id, or_(ShiftRow.until_ms.is_(None), ShiftRow.until_ms > from_ms)
    )
    return found if until_ms is None else found.where(ShiftRow.from_ms < until_ms)
