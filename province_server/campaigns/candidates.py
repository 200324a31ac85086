"""Candidates: customers who might become more, from an import or a model, each with a reason and an end.

A candidate is not in any gallery. He becomes a member of `potential` through his own consent and an enrolment, and then
is a candidate no more.
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal

from pydantic import BaseModel, Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from province_server.cards import Cards, needed_for
from province_server.records import Body, Id, Label
from yingbin.errors import InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import CandidateRow
from yingbin.storage.province import ConsentRow, CustomerRow, TemplateLink
from yingbin.trust.consent import Gallery, Purpose

MAX_AT_ONCE = 1000
LONGEST_MS = 366 * 86_400_000
_NO_VIP: Final = "potential"
"""The tier of the registry that is below the VIP tiers."""


class NewCandidate(Body):
    """A candidate: why, where that comes from (a file, a model's version), and until when (UTC ms)."""

    customer_id: Id
    reason: Label = Field(examples=["idle demand deposit since March"])
    source: Label = Field(examples=["import 2026-11.csv", "model potential-3"])
    expires_at_ms: int = Field(gt=0, lt=2**53)


class Added(BaseModel):
    """How many were new; the others were replaced. The further counts are for `leave_out`."""

    added: int = Field(examples=[1])
    replaced: int = Field(default=0, description="candidates already, with another reason, source or end")
    known: int = Field(default=0, description="exactly these candidates already")
    unknown: int = Field(default=0, description="left out: no such customer in the registry")
    expired: int = Field(default=0, description="left out: `expires_at_ms` is past")
    without_consent: int = Field(default=0, description="left out: `marketing` is not in force (C1)")
    opted_out: int = Field(default=0, description="left out: opted out of automated decisions (C10)")
    in_tier: int = Field(default=0, description="left out: in a VIP tier")
    enrolled: int = Field(default=0, description="left out: in a gallery")


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

    def __init__(self, database: Database, cards: Cards) -> None:
        self._database = database
        self._cards = cards

    def add(self, new: list[NewCandidate], staff_id: str) -> int:
        """Add or replace candidates, all or none; return how many are new. Raises `InvalidInput` naming the first."""
        at_ms, count = now_ms(), 0
        with self._database.write() as session:
            for one in new:
                check_expiry(one.expires_at_ms, at_ms)
                if session.get(CustomerRow, one.customer_id) is None:
                    raise InvalidInput(f"there is no customer {one.customer_id}; nothing was added")
                count += _put(session, one, staff_id, at_ms) == "added"
        return count

    def add_fit(self, new: list[NewCandidate], staff_id: str) -> Added:
        """Add or replace those who may be candidates, count the others by why not; safe to repeat.

        Raises `InvalidInput` for an end more than a year ahead; then nothing was added.
        """
        at_ms, counts = now_ms(), dict.fromkeys(Added.model_fields, 0)
        for one in new:
            check_expiry(max(one.expires_at_ms, at_ms + 1), at_ms)
        ids = sorted({one.customer_id for one in new})
        by_record = self._unfit_by_record(ids)
        with self._database.write() as session:
            known = set(session.scalars(select(CustomerRow.customer_id).where(CustomerRow.customer_id.in_(ids))))
            granted, enrolled = _granted(session, ids), _enrolled(session, ids)
            for one in new:
                if one.customer_id not in known:
                    counts["unknown"] += 1
                elif one.expires_at_ms <= at_ms:
                    counts["expired"] += 1
                elif Purpose.MARKETING not in granted[one.customer_id]:
                    counts["without_consent"] += 1
                elif why := by_record.get(one.customer_id):
                    counts[why] += 1
                elif one.customer_id in enrolled:
                    counts["enrolled"] += 1
                else:
                    counts[_put(session, one, staff_id, at_ms)] += 1
        return Added(**counts)

    def _unfit_by_record(self, customer_ids: Sequence[str]) -> dict[str, str]:
        """Return who cannot be a candidate by what his sealed record says, and why."""
        unfit = {}
        with self._database.read() as session:
            for customer_id in customer_ids:
                try:
                    record = self._cards.customer(session, customer_id)
                except NotFound:
                    continue
                if record.opted_out_of_automated_decisions:
                    unfit[customer_id] = "opted_out"
                elif record.tier != _NO_VIP:
                    unfit[customer_id] = "in_tier"
        return unfit

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


def strike(session: Session, customer_id: str) -> int:
    """Delete a customer's entry, as when he withdraws `marketing`; return how many went."""
    gone = delete(CandidateRow).where(CandidateRow.customer_id == customer_id).returning(CandidateRow.candidate_id)
    return len(session.scalars(gone).all())


def check_expiry(expires_at_ms: int, at_ms: int) -> None:
    """Raise `InvalidInput` unless a list ends, within a year from now."""
    if not at_ms < expires_at_ms <= at_ms + LONGEST_MS:
        raise InvalidInput("`expires_at_ms` must be in the future, at most 366 days ahead")


def _put(session: Session, one: NewCandidate, staff_id: str, at_ms: int) -> Literal["added", "replaced", "known"]:
    row = session.scalars(select(CandidateRow).where(CandidateRow.customer_id == one.customer_id)).one_or_none()
    said = (one.reason, one.source, one.expires_at_ms)
    done: Literal["added", "replaced", "known"] = "added"
    if row is None:
        row = CandidateRow(candidate_id=new_id(), customer_id=one.customer_id)
        session.add(row)
    else:
        done = "known" if (row.reason, row.source, row.expires_at_ms) == said else "replaced"
    row.reason, row.source, row.expires_at_ms = said
    row.added_by, row.added_at_ms = staff_id, at_ms
    session.flush()
    return done


def _candidates(session: Session, rows: Sequence[CandidateRow]) -> list[Candidate]:
    ids = [row.customer_id for row in rows]
    granted, enrolled = _granted(session, ids), _enrolled(session, ids)
    return [_candidate(row, granted[row.customer_id], enrolled=row.customer_id in enrolled) for row in rows]


def _granted(session: Session, customer_ids: Sequence[str]) -> defaultdict[str, set[str]]:
    granted = defaultdict[str, set[str]](set)
    in_force = (ConsentRow.customer_id.in_(customer_ids), ConsentRow.withdrawn_at_ms.is_(None))
    for consent in session.execute(select(ConsentRow.customer_id, ConsentRow.purpose).where(*in_force)):
        granted[consent.customer_id].add(consent.purpose)
    return granted


def _enrolled(session: Session, customer_ids: Sequence[str]) -> set[str]:
    linked = (TemplateLink.customer_id.in_(customer_ids), TemplateLink.state == "linked")
    return set(session.scalars(select(TemplateLink.customer_id).where(*linked)))


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
