"""How the branches do, /v1/statistics: visits, how often the face was right, how soon somebody came; people enrolled.

Counts by branch and day, told by the cities, and by gallery and day, taken here. Nobody is named.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.auth import Gate
from province_server.records import Id
from province_server.watch.responses import WatchResponse, WatchResponses
from yingbin.errors import InvalidInput, NotAllowed
from yingbin.ids import now_ms
from yingbin.offers.profile import china_day
from yingbin.report_wire import RESPONSE_LIMITS_S, BranchDay
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, TemplateLink
from yingbin.storage.statistics import BranchDayRow, GalleryDayRow
from yingbin.trust.consent import Gallery
from yingbin.trust.staff import Role, StaffToken

ENROLLED_EVERY_S = 600.0
MAX_BRANCH_DAYS = 1000
MAX_DAYS = 400
_CLASSES = len(RESPONSE_LIMITS_S) + 1


class Day(BaseModel):
    """Sums over the branches asked for. `answered`: cards taken, by class of response time."""

    day: date
    visits: int = Field(examples=[42])
    confirmed: int = Field(description="cards of which a manager said: it is him", examples=[31])
    wrong_person: int = Field(description="cards of which a manager said: it is somebody else", examples=[0])
    answered: list[int] = Field(examples=[[12, 9, 6, 3, 1, 0]])


class EnrolledOfDay(BaseModel):
    """Customers with a template in a gallery on a day."""

    day: date
    gallery: Gallery
    customers: int = Field(examples=[1280])


class Statistics(BaseModel):
    """Days in order; a day on which nothing was told is left out. `response_limits_s`: upper limits of the classes."""

    days: list[Day]
    enrolled: list[EnrolledOfDay]
    watch: list[WatchResponse] = Field(description="of the lists that the caller's role manages; all for an auditor")
    response_limits_s: list[int] = Field(examples=[list(RESPONSE_LIMITS_S)])


class StatisticsService:
    """Keeps and sums counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch = WatchResponses(database)

    def store(self, city_id: str, days: Sequence[BranchDay]) -> None:
        """Keep what a city tells; of a day the newest counts. Raises `InvalidInput`, `NotAllowed`."""
        if len(days) > MAX_BRANCH_DAYS:
            raise InvalidInput(f"{len(days)} days in a request; at most {MAX_BRANCH_DAYS}")
        with self._database.write() as session:
            for told in days:
                self._one(session, city_id, told)

    def count_enrolled(self, at_ms: int | None = None) -> None:
        """Count the customers of every gallery, for the day of `at_ms`, now without it."""
        day = china_day(now_ms() if at_ms is None else at_ms).isoformat()
        linked = select(TemplateLink.gallery, func.count(TemplateLink.customer_id.distinct()).label("customers"))
        with self._database.write() as session:
            found = session.execute(linked.where(TemplateLink.state == "linked").group_by(TemplateLink.gallery))
            counts = {row.gallery: row.customers for row in found}
            for gallery in Gallery:
                session.merge(GalleryDayRow(gallery=gallery, day=day, customers=counts.get(gallery, 0)))

    def between(self, first: date, last: date, branch_id: str | None, role: Role) -> Statistics:
        """Return the days from `first` to `last`, both included, as `role` may see them. Raises `InvalidInput`."""
        if not 0 <= (last - first).days < MAX_DAYS:
            raise InvalidInput(f"`last` must not lie before `first`, nor {MAX_DAYS} days or more after it")
        days: dict[str, list[int]] = defaultdict(lambda: [0] * (3 + _CLASSES))
        with self._database.read() as session:
            told = select(BranchDayRow).where(BranchDayRow.day.between(first.isoformat(), last.isoformat()))
            if branch_id is not None:
                told = told.where(BranchDayRow.branch_id == branch_id)
            for row in session.scalars(told):
                counts = (row.visits, row.confirmed, row.wrong_person, *row.answered)
                days[row.day] = [old + new for old, new in zip(days[row.day], counts, strict=True)]
            held = select(GalleryDayRow).where(GalleryDayRow.day.between(first.isoformat(), last.isoformat()))
            enrolled = [
                EnrolledOfDay(day=date.fromisoformat(row.day), gallery=Gallery(row.gallery), customers=row.customers)
                for row in session.scalars(held.order_by(GalleryDayRow.day, GalleryDayRow.gallery))
            ]
        return Statistics(
            days=[
                Day(day=date.fromisoformat(day), visits=sums[0], confirmed=sums[1], wrong_person=sums[2],
                    answered=sums[3:])
                for day, sums in sorted(days.items())
            ],
            enrolled=enrolled,
            watch=self._watch.between(first, last, branch_id, role),
            response_limits_s=list(RESPONSE_LIMITS_S),
        )  # fmt: skip

    def _one(self, session: Session, city_id: str, told: BranchDay) -> None:
        branch = session.get(BranchRow, told.branch_id)
        if branch is None or branch.city_id != city_id:
            raise NotAllowed(f"branch {told.branch_id} is not one of this city")
        counts = (told.changes, told.visits, told.confirmed, told.wrong_person, *told.answered)
        if not _is_day(told.day) or len(told.answered) != _CLASSES or min(counts) < 0:
            raise InvalidInput("a day's counts cannot be used: see report_wire.BranchDay")
        row = session.get(BranchDayRow, (told.branch_id, told.day), with_for_update=True)
        if row is None or row.changes < told.changes:
            session.merge(
                BranchDayRow(
                    branch_id=told.branch_id, day=told.day, changes=told.changes, visits=told.visits,
                    confirmed=told.confirmed, wrong_person=told.wrong_person, answered=list(told.answered),
                )
            )  # fmt: skip


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def routes(statistics: StatisticsService, gate: Gate) -> APIRouter:
    """Return the routes of statistics."""
    router = APIRouter(prefix="/v1/statistics", tags=["statistics"])
    roles = (Role.GALLERY_ADMIN, Role.ANALYST, Role.PRODUCT_MANAGER, Role.AUDITOR, Role.SECURITY_OFFICER)
    reader = Depends(gate.requires(*roles))

    @router.get("")
    def get_statistics(
        who: Annotated[StaffToken, reader],
        first: Annotated[date, Query(description="First day, China's clock")],
        last: Annotated[date, Query(description=f"Last day; fewer than {MAX_DAYS} days in all")],
        branch_id: Annotated[Id | None, Query(description="This branch alone; all together without it")] = None,
    ) -> Statistics:
        """Tell how many came, how often the face was right and how soon somebody came; how many are enrolled."""
        return statistics.between(first, last, branch_id, who.role)

    return router
