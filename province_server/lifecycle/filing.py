"""The filing duty (C7): who stores the faces of 100,000 people has 30 working days to file.

With the province's office for cyberspace affairs (人脸识别技术应用安全管理办法 art. 15).
People are counted, not templates: customers with a searchable template, and those on watch lists. The clock starts at
the first count of 100,000 and runs on if the number falls again; filing ends it.
"""

from datetime import date

from fastapi import APIRouter, Depends
from prometheus_client import Gauge
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.auth import Gate
from province_server.lifecycle.working_days import WorkingDays
from province_server.records import Body, Label
from yingbin.errors import Conflict
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers.profile import china_day
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import FilingRow
from yingbin.storage.province import TemplateLink
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.staff import Role

FILING_PEOPLE = 100_000
ALERT_SHARE = 0.8
FILING_WORKING_DAYS = 30
FILING_EVERY_S = 60.0

log = get_logger()
_PEOPLE = Gauge("yingbin_province_people_stored", "People whose face templates are stored (C7).")
_DAYS_LEFT = Gauge("yingbin_province_filing_working_days_left", "Working days left to file; -1 while no clock runs.")
_DAYS_LEFT.set(-1)


class Filing(BaseModel):
    """Where the duty stands. `state`: below, alert (from 80 %), due, overdue or filed."""

    legal_entity: str
    people: int
    duty_from_people: int
    state: str
    alerted_at_ms: int | None
    crossed_at_ms: int | None
    due_on: date | None
    working_days_left: int | None
    holidays_known: bool = Field(description="false: the holidays of the year of `due_on` are not in the calendar yet")
    filed_at_ms: int | None
    filing_number: str


class Filed(Body):
    """The number under which the filing was accepted."""

    filing_number: Label = Field(examples=["浙网信备-2026-0017"])


class FilingCounter:
    """Counts people and runs the clock of one legal entity. `threshold` is smaller in tests only."""

    def __init__(
        self, database: Database, legal_entity: str, calendar: WorkingDays, threshold: int = FILING_PEOPLE
    ) -> None:
        self._database = database
        self._legal_entity = legal_entity
        self._calendar = calendar
        self._threshold = threshold

    def take(self, at_ms: int | None = None) -> Filing:
        """Count, start what is to start, and return where the duty stands at `at_ms`, now without it."""
        at_ms = now_ms() if at_ms is None else at_ms
        with self._database.read() as session:
            people = _people(session)
            before = session.get(FilingRow, self._legal_entity)
            settled = before is not None and before.crossed_at_ms is not None
            news = people >= self._threshold * ALERT_SHARE and not settled
        if news:
            with self._database.write() as session:
                self._advance(session, people, at_ms)
        with self._database.read() as session:
            filing = self._filing(session.get(FilingRow, self._legal_entity), people, at_ms)
        _PEOPLE.set(people)
        running = filing.working_days_left if filing.state in {"due", "overdue"} else None
        _DAYS_LEFT.set(-1 if running is None else running)
        return filing

    def job(self) -> None:
        """Count by the clock; what starts then is recorded as the job's doing."""
        with audit.acting("job:filing"):
            self.take()

    def filed(self, number: str) -> None:
        """Record that the filing was accepted. Raises `Conflict` when none is due."""
        with self._database.write() as session:
            row = session.get(FilingRow, self._legal_entity, with_for_update=True)
            if row is None or row.crossed_at_ms is None:
                raise Conflict(f"no filing is due: fewer than {self._threshold:,} people are stored")
            row.filed_at_ms, row.filing_number = now_ms(), number

    def _advance(self, session: Session, people: int, at_ms: int) -> None:
        row = session.get(FilingRow, self._legal_entity, with_for_update=True)
        if row is None:
            row = FilingRow(legal_entity=self._legal_entity)
            session.add(row)
        if row.alerted_at_ms is None:
            row.alerted_at_ms = at_ms
            log.warning("filing_alert", people=people, threshold=self._threshold)
        if people >= self._threshold and row.crossed_at_ms is None:
            row.crossed_at_ms = at_ms
            log.warning("filing_clock_started", people=people, due_on=str(self._due(at_ms)))

    def _due(self, crossed_at_ms: int) -> date:
        return self._calendar.after(china_day(crossed_at_ms), FILING_WORKING_DAYS)

    def _filing(self, row: FilingRow | None, people: int, at_ms: int) -> Filing:
        crossed_at_ms, filed_at_ms = (row.crossed_at_ms, row.filed_at_ms) if row else (None, None)
        due_on = self._due(crossed_at_ms) if crossed_at_ms is not None else None
        state = "alert" if people >= self._threshold * ALERT_SHARE else "below"
        if due_on is not None:
            state = "filed" if filed_at_ms is not None else "due" if china_day(at_ms) <= due_on else "overdue"
        return Filing(
            legal_entity=self._legal_entity,
            people=people,
            duty_from_people=self._threshold,
            state=state,
            alerted_at_ms=row.alerted_at_ms if row else None,
            crossed_at_ms=crossed_at_ms,
            due_on=due_on,
            working_days_left=self._calendar.left(china_day(at_ms), due_on) if due_on is not None else None,
            holidays_known=self._calendar.knows(due_on or china_day(at_ms)),
            filed_at_ms=filed_at_ms,
            filing_number=row.filing_number if row else "",
        )


def _people(session: Session) -> int:
    enrolled = select(func.count(TemplateLink.customer_id.distinct())).where(TemplateLink.state == "linked")
    watched = select(func.count()).where(WatchEntryRow.state.in_(("proposed", "in_force")))
    return session.scalars(enrolled).one() + session.scalars(watched).one()


def routes(filing: FilingCounter, gate: Gate) -> APIRouter:
    """Return the routes of the filing duty."""
    router = APIRouter(prefix="/v1/filing", tags=["filing"])

    @router.get("", dependencies=[Depends(gate.requires(Role.SECURITY_OFFICER, Role.GALLERY_ADMIN, Role.AUDITOR))])
    def get_filing() -> Filing:
        """Tell how many people are stored, and by when that has to be filed."""
        return filing.take()

    @router.put("", dependencies=[Depends(gate.requires(Role.SECURITY_OFFICER))])
    def record_filing(body: Filed) -> Filing:
        """Record that the filing was accepted."""
        filing.filed(body.filing_number)
        return filing.take()

    return router
