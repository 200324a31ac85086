"""Enrols rows together: one commit for many, and each whole or not at all.

A row's customer, consents, template and the note of its outcome become true in the same transaction, so nobody is ever
half enrolled, whenever the process is killed. What a row brings is entered in a savepoint of its own; one that is
refused leaves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from province_server.admission import Wanted, refusals
from province_server.audit import trail as audit
from province_server.batch.jobs import Jobs
from province_server.bulk.rows import Row, RowRefused
from province_server.consents import ConsentService
from province_server.customers import CustomerService
from province_server.duplicates import Duplicates
from province_server.feed import Notifier
from province_server.template_store import NewTemplate, Prepared
from province_server.vault import TemplateVault
from yingbin.errors import Conflict, YingbinError
from yingbin.faces.enrolment import EnrolmentRefused
from yingbin.galleries.protect import Vector
from yingbin.storage.database import Database
from yingbin.storage.province import ConsentRow, CustomerRow


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A row whose photo was read: `vector` is the raw unit vector, fp32 (d,)."""

    number: int
    digest: str
    row: Row
    vector: Vector


@dataclass(frozen=True, slots=True)
class Settled:
    """A row that needs no enrolling any more: refused before, or enrolled by an earlier list."""

    number: int
    digest: str
    customer_id: str
    outcome: str
    code: str = ""


class Enroller:
    """Turns candidates into enrolled customers."""

    def __init__(
        self,
        database: Database,
        customers: CustomerService,
        consents: ConsentService,
        vault: TemplateVault,
        duplicates: Duplicates,
        notifier: Notifier,
        jobs: Jobs,
    ) -> None:
        self._database = database
        self._customers = customers
        self._consents = consents
        self._vault = vault
        self._duplicates = duplicates
        self._notifier = notifier
        self._jobs = jobs

    def enrolled_already(self, candidates: Sequence[Candidate]) -> list[YingbinError | None]:
        """Return for each who looks like somebody in the galleries that he does."""
        if not candidates:
            return []
        ids, vectors = [one.row.customer_id for one in candidates], np.stack([one.vector for one in candidates])
        return list(self._duplicates.among(ids, vectors))

    def enrol(
        self,
        job_id: str,
        staff_id: str,
        candidates: Sequence[Candidate],
        settled: Sequence[Settled],
        earlier: Sequence[Candidate],
        *,
        dry_run: bool,
    ) -> list[Candidate]:
        """Enrol what can be, note what became of every row, and return who is in; all of it is durable then.

        `earlier`: who may not have been in the galleries yet when `enrolled_already` looked there.
        """
        alike = self._alike(candidates, earlier)
        hopeful = [one for one, refusal in zip(candidates, alike, strict=True) if refusal is None]
        results = [*settled]
        results += [refused(one, error) for one, error in zip(candidates, alike, strict=True) if error is not None]
        prepared = [] if dry_run else self._prepare(hopeful)
        enrolled: list[Candidate] = []
        try:
            enrolled = self._commit(job_id, staff_id, hopeful, prepared, results, dry_run=dry_run)
        finally:
            if len(enrolled) < len(prepared):
                self._vault.store.discard(prepared)
        return enrolled

    def _alike(self, candidates: Sequence[Candidate], earlier: Sequence[Candidate]) -> list[YingbinError | None]:
        if not candidates:
            return []
        vectors = np.stack([one.vector for one in candidates])
        before = np.stack([one.vector for one in earlier]) if earlier else vectors[:0]
        ids, before_ids = [one.row.customer_id for one in candidates], [one.row.customer_id for one in earlier]
        return list(self._duplicates.between(ids, vectors, before_ids, before))

    def _commit(
        self,
        job_id: str,
        staff_id: str,
        hopeful: Sequence[Candidate],
        prepared: Sequence[Prepared],
        results: list[Settled],
        *,
        dry_run: bool,
    ) -> list[Candidate]:
        cities: set[str] = set()
        with self._vault.lock:
            with self._database.write() as session:
                entered = self._enter(session, staff_id, hopeful, prepared, results, cities, dry_run=dry_run)
                linked = [prepared[at] for at in entered if not dry_run]
                if linked:
                    cities |= set(self._vault.link(session, linked))
                results += [_enrolled(hopeful[at]) for at in entered]
                results.sort(key=lambda one: one.number)
                for at in entered:
                    if not dry_run:
                        audit.note(session, "bulk_enrolled", "customer", hopeful[at].row.customer_id)
                if results:
                    self._jobs.note(session, job_id, results[-1].number, [_note(job_id, one) for one in results])
            if linked:
                self._vault.serve(linked)
        for city_id in cities:
            self._notifier.wake(city_id)
        return [hopeful[at] for at in entered]

    def _prepare(self, hopeful: Sequence[Candidate]) -> list[Prepared]:
        new = [NewTemplate(one.row.customer_id, one.row.gallery, one.vector) for one in hopeful]
        return self._vault.store.prepare(new) if new else []

    def _enter(
        self,
        session: Session,
        staff_id: str,
        hopeful: Sequence[Candidate],
        prepared: Sequence[Prepared],
        results: list[Settled],
        cities: set[str],
        *,
        dry_run: bool,
    ) -> list[int]:
        """Enter customers and consents; return which candidates may have their templates linked."""
        ids = [one.row.customer_id for one in hopeful]
        present = session.scalars(select(CustomerRow).where(CustomerRow.customer_id.in_(ids))).all()  # not one by one
        known = {one.customer_id for one in present}
        wanted = [
            Wanted(
                one.row.customer_id,
                one.row.gallery,
                frozenset(one.row.grants),
                one.row.customer is not None and one.row.customer_id not in known,
            )
            for one in hopeful
        ]
        known_refusals = refusals(session, wanted)
        changed = self._vault.store.changed_since(session, prepared) if prepared else [None] * len(hopeful)
        entered = []
        for at, candidate in enumerate(hopeful):
            error = known_refusals[at] or changed[at]
            try:
                if error is not None:
                    raise error
                if wanted[at].entering or candidate.row.grants:
                    with session.begin_nested() as savepoint:
                        cities |= self._bring(session, staff_id, candidate.row, new=wanted[at].entering)
                        if dry_run:
                            savepoint.rollback()
                else:
                    self._vault.check_guardian(session, candidate.row.customer_id)
            except IntegrityError:
                results.append(refused(candidate, Conflict("registered meanwhile")))
            except YingbinError as refusal:
                results.append(refused(candidate, refusal))
            else:
                entered.append(at)
        return entered

    def _bring(self, session: Session, staff_id: str, row: Row, *, new: bool) -> set[str]:
        """Enter what a row brings; return the cities to wake."""
        if new and row.customer is not None:
            self._customers.enter(session, row.customer)
            session.flush()
        else:
            self._vault.check_guardian(session, row.customer_id)
        cities = set()
        for purpose, grant in row.grants.items():
            if not new and _was_withdrawn(session, row.customer_id, purpose, grant.evidence):
                raise RowRefused("consent_withdrawn")
            city_id = self._consents.enter(session, row.customer_id, purpose, grant, staff_id)
            if city_id is not None:
                cities.add(city_id)
        return cities


def _was_withdrawn(session: Session, customer_id: str, purpose: str, evidence: str) -> bool:
    """Return whether this very consent was given before and withdrawn: an old list must not bring it back (C5)."""
    last = session.scalars(
        select(ConsentRow)
        .where(ConsentRow.customer_id == customer_id, ConsentRow.purpose == purpose)
        .order_by(ConsentRow.granted_at_ms.desc(), ConsentRow.consent_id.desc())
    ).first()
    return last is not None and last.withdrawn_at_ms is not None and last.evidence == evidence


def reason_of(error: YingbinError) -> str:
    """Return the code a row is refused with."""
    if isinstance(error, EnrolmentRefused | RowRefused):
        return str(error.reason)
    return error.code


def refused(candidate: Candidate, error: YingbinError) -> Settled:
    """Return a row that cannot be enrolled, and why."""
    return Settled(candidate.number, candidate.digest, candidate.row.customer_id, "refused", reason_of(error))


def _enrolled(candidate: Candidate) -> Settled:
    return Settled(candidate.number, candidate.digest, candidate.row.customer_id, "enrolled")


def _note(job_id: str, one: Settled) -> dict[str, str | int]:
    return {
        "job_id": job_id, "row": one.number, "field": "", "customer_id": one.customer_id, "digest": one.digest,
        "outcome": one.outcome, "code": one.code,
    }  # fmt: skip
