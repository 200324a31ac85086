"""Releases: a second person puts a checked version in force, now or at a later moment, or an older one again.

Exactly one is in force, and the history stays. A later release takes the place of one that still waits for its moment.
"""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.catalogues.in_force import IN_FORCE, InForce
from province_server.catalogues.versions import CHECKED, RELEASED, add, existing, usable
from province_server.records import insert
from yingbin.errors import Conflict, InvalidInput, NotAllowed, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.offers.catalogue import parse_catalogue
from yingbin.offers.faults import BadCatalogue
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow
from yingbin.storage.database import Database
from yingbin.storage.province import TemplateLink

SCHEDULED, ENDED, CANCELLED = "scheduled", "ended", "cancelled"
SYSTEM: Final = "system"
FURTHEST_MS: Final = 366 * 86_400_000

log = get_logger()


class SecondPersonNeeded(NotAllowed):
    """Who wrote a version may not release it."""

    code = "second_person_needed"


class CatalogueReleases:
    """The only writer of which catalogue is in force."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._in_force = in_force

    def begin(self, text: str, name: str) -> None:
        """At the start of a province: put the file in force where nothing is, or nothing that still passes.

        A file that no version says yet becomes a checked version, for somebody to release. Raises `BadCatalogue`.
        """
        digest = parse_catalogue(text, name).digest
        try:
            with audit.acting("job:catalogue"), insert(self._database, "another process began") as session:
                current = _in_force(session)
                known = select(CatalogueRow).where(CatalogueRow.digest == digest).order_by(CatalogueRow.number)
                row = session.scalars(known.limit(1)).first()
                if row is None:
                    row = add(session, text, CHECKED, [SYSTEM], None)
                    row.label, row.digest = parse_catalogue(text, name).version, digest
                if current is not None and self._passes(session):
                    return
                row.state = RELEASED
                reason = (
                    "no catalogue was in force" if current is None else "the one in force is refused by this software"
                )
                self._enforce(session, self._add(session, row, SYSTEM, reason, now_ms()))
        except Conflict:  # a process beside this one has done the same
            log.info("catalogue_begun_elsewhere")
        self.look()

    def release(self, catalogue_id: str, staff_id: str, reason: str, from_ms: int | None) -> CatalogueReleaseRow:
        """Release a version, at once or from `from_ms` (UTC) on; an older one again is how to roll back.

        Raises `NotFound`, `Conflict` (not checked, or in force already), `SecondPersonNeeded`, `InvalidInput`.
        """
        with insert(self._database, "somebody else released at this moment; look, then try again") as session:
            row = existing(session, catalogue_id, lock=True)
            if row.state not in {CHECKED, RELEASED}:
                raise Conflict(f"this version is {row.state}: only one that was checked can be released")
            if staff_id in row.authors:
                raise SecondPersonNeeded("you wrote on this version: somebody else has to release it")
            usable(row)
            at_ms = now_ms()
            if from_ms is not None and from_ms > at_ms + FURTHEST_MS:
                raise InvalidInput("`from_ms` is more than 366 days away: release it nearer to its time")
            waiting = session.scalars(
                select(CatalogueReleaseRow).where(CatalogueReleaseRow.state == SCHEDULED).with_for_update()
            ).all()
            current = _in_force(session)
            if current is not None and current.catalogue_id == catalogue_id and not waiting:
                raise Conflict("this version is in force already")
            for other in waiting:
                other.state, other.ended_at_ms = CANCELLED, at_ms
            row.state = RELEASED
            release = self._add(session, row, staff_id, reason, max(from_ms or 0, at_ms))
            if release.from_ms <= at_ms:
                self._enforce(session, release)
            session.flush()
            session.refresh(release)
            session.expunge(release)
        log.info("catalogue_released", number=release.number, state=release.state, staff_id=staff_id)
        return release

    def cancel(self, release_id: str) -> None:
        """Take back a release that still waits for its moment. Raises `NotFound`, `Conflict`."""
        with self._database.write() as session:
            row = session.get(CatalogueReleaseRow, release_id, with_for_update=True)
            if row is None:
                raise NotFound(f"there is no release {release_id}")
            if row.state != SCHEDULED:
                raise Conflict(f"this release is {row.state}: to go back, release the version before it again")
            row.state, row.ended_at_ms = CANCELLED, now_ms()

    def enforce_due(self) -> None:
        """Put in force what waited for this moment."""
        due = (CatalogueReleaseRow.state == SCHEDULED, CatalogueReleaseRow.from_ms <= now_ms())
        with self._database.read() as session:
            if session.scalars(select(CatalogueReleaseRow.release_id).where(*due).limit(1)).first() is None:
                return
        with audit.acting("job:catalogue"), self._database.write() as session:
            release = session.scalars(select(CatalogueReleaseRow).where(*due).with_for_update()).first()
            if release is not None:
                self._enforce(session, release)

    def look(self) -> None:
        """Look up what is in force, for work of this process that has no session. Raises `BadCatalogue`."""
        with self._database.read() as session:
            self._in_force(session)

    def page(self, after: str, limit: int) -> list[tuple[CatalogueReleaseRow, int]]:
        """Return releases by id, which is by age, each with the number of its version."""
        found = (
            select(CatalogueReleaseRow, CatalogueRow.number)
            .join(CatalogueRow, CatalogueRow.catalogue_id == CatalogueReleaseRow.catalogue_id)
            .where(CatalogueReleaseRow.release_id > after)
            .order_by(CatalogueReleaseRow.release_id)
        )
        with self._database.read() as session:
            return [(release, number) for release, number in session.execute(found.limit(limit))]

    def number_of(self, catalogue_id: str) -> int:
        """Return the number of a version. Raises `NotFound`."""
        with self._database.read() as session:
            return existing(session, catalogue_id).number

    def _passes(self, session: Session) -> bool:
        try:
            self._in_force(session)
        except BadCatalogue as error:
            log.error("catalogue_refused", reason=error.message, error_id=error.error_id)  # noqa: TRY400
            return False
        return True

    @staticmethod
    def _add(session: Session, row: CatalogueRow, staff_id: str, reason: str, from_ms: int) -> CatalogueReleaseRow:
        last = session.scalars(select(func.max(CatalogueReleaseRow.number))).one()
        release = CatalogueReleaseRow(
            release_id=new_id(), number=(last or 0) + 1, catalogue_id=row.catalogue_id, state=SCHEDULED,
            from_ms=from_ms, reason=reason, released_by=staff_id, released_at_ms=now_ms(),
        )  # fmt: skip
        session.add(release)
        session.flush()
        return release

    @staticmethod
    def _enforce(session: Session, release: CatalogueReleaseRow) -> None:
        """End what is in force and put this in its place; the card views follow (`republish.py`)."""
        at_ms = now_ms()
        if (current := _in_force(session)) is not None:
            current.state, current.ended_at_ms = ENDED, at_ms
            session.flush()
        release.state, release.in_force_at_ms = IN_FORCE, at_ms
        linked = select(func.count(TemplateLink.customer_id.distinct())).where(TemplateLink.state == "linked")
        release.total = session.scalars(linked).one()
        session.flush()
        audit.note(session, "catalogue_in_force", "catalogue", release.catalogue_id, {"release": release.number})


def _in_force(session: Session) -> CatalogueReleaseRow | None:
    found = select(CatalogueReleaseRow).where(CatalogueReleaseRow.state == IN_FORCE)
    return session.scalars(found.with_for_update()).one_or_none()
