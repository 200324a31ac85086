"""Candidates: customers who might become more, from an import or a model, each with a reason and an end.

A candidate is not in any gallery. He becomes a member of `potential` through his own consent and an enrolment, and then
is a candidate no more.
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import needed_for
from province_server.records import Body, Id, Label
from yingbin.errors import InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import CandidateRow
from yingbin.storage.province import ConsentRow, CustomerRow, TemplateLink
from yingbin.trust.consent import Gallery, Purpose

MAX_AT_ONCE = 1000
LONGEST_MS = 366 * 86_400_000


class NewCandidate(Body):
    """A candidate: why, where that comes from (a file, a model's version), and until when (UTC ms)."""

    customer_id: Id
    reason: Label = Field(examples=["idle demand deposit since March"])
    source: Label = Field(examples=["import 2026-11.csv", "model potential-3"])
    expires_at_ms: int = Field(gt=0, lt=2**53)


class Candidate(BaseModel):
    """A candidate, and what is missing before he may be enrolled in `potential`; `enrolled` when he is in a gallery."""

    candidate_id: str
    customer_id: str
    reason: str
    source: str
    added_by: str
    added_at_ms: int
    expires_at_ms: int
    state: Literal["candidate", "consented", "enrolled"]
    consents_missing: list[Purpose]


class CandidateService:
    """Keeps candidates, one entry a customer; a later import replaces it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: list[NewCandidate], staff_id: str) -> int:
        """Add or replace candidates, all or none; return how many are new. Raises `InvalidInput` naming the first."""
        at_ms, count = now_ms(), 0
        with self._database.write() as session:
            for one in new:
                check_expiry(one.expires_at_ms, at_ms)
                if session.get(CustomerRow, one.customer_id) is None:
                    raise InvalidInput(f"there is no customer {one.customer_id}; nothing was added")
                of_customer = select(CandidateRow).where(CandidateRow.customer_id == one.customer_id)
                row = session.scalars(of_customer).one_or_none()
                if row is None:
                    row = CandidateRow(candidate_id=new_id(), customer_id=one.customer_id)
                    session.add(row)
                    count += 1
                row.reason, row.source, row.expires_at_ms = one.reason, one.source, one.expires_at_ms
                row.added_by, row.added_at_ms = staff_id, at_ms
                session.flush()
        return count

    def remove(self, candidate_id: str) -> None:
        """Remove a candidate. Raises `NotFound`."""
        with self._database.write() as session:
            row = session.get(CandidateRow, candidate_id)
            if row is None:
                raise NotFound(f"there is no candidate {candidate_id}")
            session.delete(row)

    def page(self, after: str, limit: int) -> list[Candidate]:
        """Return the candidates of today, by id."""
        current = (CandidateRow.candidate_id > after, CandidateRow.expires_at_ms > now_ms())
        found = select(CandidateRow).where(*current).order_by(CandidateRow.candidate_id).limit(limit)
        with self._database.read() as session:
            return _candidates(session, session.scalars(found).all())


def check_expiry(expires_at_ms: int, at_ms: int) -> None:
    """Raise `InvalidInput` unless a list ends, within a year from now."""
    if not at_ms < expires_at_ms <= at_ms + LONGEST_MS:
        raise InvalidInput("`expires_at_ms` must be in the future, at most 366 days ahead")


def _candidates(session: Session, rows: Sequence[CandidateRow]) -> list[Candidate]:
    ids = [row.customer_id for row in rows]
    granted = defaultdict[str, set[str]](set)
    in_force = (ConsentRow.customer_id.in_(ids), ConsentRow.withdrawn_at_ms.is_(None))
    for consent in session.execute(select(ConsentRow.customer_id, ConsentRow.purpose).where(*in_force)):
        granted[consent.customer_id].add(consent.purpose)
    linked = (TemplateLink.customer_id.in_(ids), TemplateLink.state == "linked")
    enrolled = set(session.scalars(select(TemplateLink.customer_id).where(*linked)))
    return [_candidate(row, granted[row.customer_id], enrolled=row.customer_id in enrolled) for row in rows]


def _candidate(row: CandidateRow, granted: AbstractSet[str], *, enrolled: bool) -> Candidate:
    missing = sorted(needed_for(Gallery.POTENTIAL) - granted)
    return Candidate(
        candidate_id=row.candidate_id,
        customer_id=row.customer_id,
        reason=row.reason,
        source=row.source,
        added_by=row.added_by,
        added_at_ms=row.added_at_ms,
        expires_at_ms=row.expires_at_ms,
        state="enrolled" if enrolled else "candidate" if missing else "consented",
        consents_missing=missing,
    )
