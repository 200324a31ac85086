"""Soft facts as the province keeps them: sealed, and used only with every consent they rest on (C1, C14).

A fact about two customers is found from either side by keyed hashes; who the other is, only the sealed content says.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from province_server.filling import BATCH
from province_server.keys import Keys
from yingbin.ids import new_id
from yingbin.offers.insights.declaration import EvidenceFamily, Insight, family_consents, load_library
from yingbin.offers.insights.effects import SoftFact, soft_fact
from yingbin.offers.insights.life_cycle import Evidence, Fact, State, observe, ranks, weigh, withdraw
from yingbin.offers.profile import china_day
from yingbin.storage.insights import FactRow
from yingbin.storage.province import ConsentRow
from yingbin.trust.consent import Purpose
from yingbin.trust.seal import SealBroken

RANKING: Final = (State.CORROBORATED, State.CONFIRMED)


class EvidenceItem(msgspec.Struct, frozen=True):
    """What one signal found."""

    signal: str
    family: EvidenceFamily
    strength: float
    support: int
    last_seen: date


class Content(msgspec.Struct, frozen=True):
    """What is sealed of a fact; `other_id` and `subject` are empty where the insight has none."""

    insight: str
    other_id: str
    subject: str
    applies: bool
    strength: float
    last_seen: date
    evidence: tuple[EvidenceItem, ...]

    @property
    def families(self) -> frozenset[EvidenceFamily]:
        """Where its evidence comes from."""
        return frozenset(item.family for item in self.evidence)


@dataclass(frozen=True, slots=True)
class Held:
    """A row, opened."""

    row: FactRow
    insight: Insight
    content: Content

    @property
    def dated(self) -> date:
        """The day of its confirmation, or of its newest evidence."""
        answered = self.row.answered_at_ms if self.row.state == State.CONFIRMED else None
        return self.content.last_seen if answered is None else china_day(answered)


@dataclass(frozen=True, slots=True)
class Ended:
    """How many facts a withdrawal or an erasure changed, and whose cards, other than his own, are to be made anew."""

    facts: int
    others: frozenset[str]


def fact_of(row: FactRow) -> Fact:
    """Return where a row is in its life."""
    return Fact(State(row.state), row.expires_on, row.silent_until or date.min)


def put(row: FactRow, fact: Fact) -> None:
    """Write where a fact is in its life; what has ended keeps no content."""
    row.state, row.expires_on = fact.state.value, fact.expires_on
    row.silent_until = None if fact.silent_until == date.min else fact.silent_until
    if fact.state is State.EXPIRED:
        row.content_sealed = b""


def purposes_of(session: Session, customer_ids: Collection[str]) -> dict[str, frozenset[Purpose]]:
    """Return the consents in force of each customer, by the registry; nobody unknown has any."""
    found: dict[str, set[Purpose]] = {customer_id: set() for customer_id in customer_ids}
    rows = select(ConsentRow.customer_id, ConsentRow.purpose).where(
        ConsentRow.customer_id.in_(found), ConsentRow.withdrawn_at_ms.is_(None)
    )
    for customer_id, purpose in session.execute(rows):
        found[customer_id].add(Purpose(purpose))
    return {customer_id: frozenset(purposes) for customer_id, purposes in found.items()}


def permitted(
    insight: Insight, evidence: Iterable[EvidenceItem], purposes: Sequence[frozenset[Purpose]]
) -> tuple[EvidenceItem, ...] | None:
    """Return the evidence that may be used, None when nothing may be kept; `purposes` of each customer it is about."""
    needed = {*insight.consents, Purpose.CENTRAL_STORAGE}
    if any(not one.issuperset(needed) for one in purposes):
        return None
    return tuple(item for item in evidence if all(one.issuperset(family_consents(item.family)) for one in purposes))


class Facts:
    """Opens facts and says what of them holds. `key`: of the hashes by which they are found."""

    def __init__(self, keys: Keys, key: bytes) -> None:
        self._keys = keys
        self._key = key

    # --- names

    def other_ref(self, other_id: str) -> str:
        """Return how rows name the other customer; empty for none."""
        return self._hash("other", other_id) if other_id else ""

    def key_ref(self, customer_id: str, insight: str, other_id: str, subject: str) -> str:
        """Return how a row is found again."""
        return self._hash("fact", customer_id, insight, other_id, subject)

    def _hash(self, *parts: str) -> str:
        return hmac.new(self._key, "\x00".join(parts).encode(), hashlib.sha256).hexdigest()

    # --- content

    def new_row(self, customer_id: str, content: Content, fact: Fact) -> FactRow:
        """Return a row of a fact that is new."""
        row = FactRow(
            fact_id=new_id(),
            customer_id=customer_id,
            other_ref=self.other_ref(content.other_id),
            key_ref=self.key_ref(customer_id, content.insight, content.other_id, content.subject),
            answer_id="",
        )
        self.seal(row, content)
        put(row, fact)
        return row

    def seal(self, row: FactRow, content: Content) -> None:
        """Seal what a row says, under the newest key; the caller holds the vault's lock."""
        row.content_sealed = self._keys.seal_record(_context(row), msgspec.msgpack.encode(content))

    def open(self, row: FactRow) -> Content | None:
        """Return what a row says, None when that is gone. Raises `SealBroken` when the key was renewed meanwhile."""
        if not row.content_sealed:
            return None
        return msgspec.msgpack.decode(self._keys.open_record(_context(row), row.content_sealed), type=Content)

    def reseal_some(self, session: Session, after: str) -> str | None:
        """Seal the rows after a fact's id anew, in the caller's transaction; return the last, None at the end."""
        later = select(FactRow).where(FactRow.fact_id > after).order_by(FactRow.fact_id)
        rows = session.scalars(later.limit(BATCH)).all()
        for row in rows:
            content = self.open(row)
            if content is not None:
                self.seal(row, content)
        return rows[-1].fact_id if rows else None

    # --- what holds

    def holding(self, session: Session, customer_id: str, today: date) -> list[Held]:
        """Return the facts about a customer that hold on `today` with the consents of now, in a session for reading."""
        try:
            return self._holding(session, customer_id, today)
        except SealBroken:  # the key was renewed since this session began: look at the rows as they are now
            session.rollback()
            return self._holding(session, customer_id, today)

    def soft_facts(self, session: Session, customer_id: str, today: date) -> tuple[SoftFact, ...]:
        """Return what the facts about a customer do to his offers; those that do not apply to him do nothing."""
        found = (
            soft_fact(held.insight, fact_of(held.row), held.content.families, held.content.subject, held.dated, today)
            for held in self.holding(session, customer_id, today)
            if held.content.applies
        )
        return tuple(one for one in found if one is not None)

    def about(self, session: Session, customer_id: str) -> list[tuple[FactRow, Content | None]]:
        """Return every row about a customer, on either side of a relation, in the order in which they were made."""
        rows = session.scalars(select(FactRow).where(self._of(customer_id)).order_by(FactRow.fact_id))
        return [(row, self.open(row)) for row in rows]

    def _holding(self, session: Session, customer_id: str, today: date) -> list[Held]:
        rows = session.scalars(
            select(FactRow)
            .where(FactRow.customer_id == customer_id, FactRow.state.in_(RANKING), FactRow.expires_on >= today)
            .order_by(FactRow.fact_id)
        ).all()
        opened = [(row, content) for row in rows if (content := self.open(row)) is not None]
        purposes = purposes_of(session, {customer_id, *(content.other_id for _, content in opened if content.other_id)})
        found = []
        for row, content in opened:
            insight = load_library().get(content.insight)
            if insight is None or not ranks(fact_of(row), today):
                continue
            evidence = permitted(insight, content.evidence, _each(purposes, customer_id, content.other_id))
            if evidence is None:
                continue
            left = msgspec.structs.replace(content, evidence=evidence)
            if row.state == State.CONFIRMED or weigh(left.families, contradicted=False) is State.CORROBORATED:
                found.append(Held(row, insight, left))
        return found

    # --- what ends

    def withdrawn(self, session: Session, customer_id: str, today: date) -> Ended:
        """End what the consents of now no longer allow, on either side of a relation, in the caller's transaction.

        The caller holds the vault's lock and has withdrawn the consent.
        """
        changed, others = 0, set()
        for row, content in self.about(session, customer_id):
            if content is not None and self._allow(session, row, content, today):
                changed += 1
                others.add(row.customer_id)
        return Ended(changed, frozenset(others - {customer_id}))

    def erased(self, session: Session, customer_id: str) -> Ended:
        """Delete every fact about a customer, on either side of a relation, in the caller's transaction."""
        rows = select(FactRow.customer_id).where(self._of(customer_id))
        owners = session.scalars(rows).all()
        session.execute(delete(FactRow).where(self._of(customer_id)).execution_options(synchronize_session=False))
        return Ended(len(owners), frozenset(owners) - {customer_id})

    def _allow(self, session: Session, row: FactRow, content: Content, today: date) -> bool:
        """Leave of a fact what the consents of now allow; return whether that is less than before."""
        insight = load_library().get(content.insight)
        purposes = purposes_of(session, {row.customer_id, *filter(None, (content.other_id,))})
        each = _each(purposes, row.customer_id, content.other_id)
        evidence = permitted(insight, content.evidence, each) if insight else None
        if insight is None or not evidence:
            put(row, withdraw(fact_of(row), today))
            return True
        if len(evidence) < len(content.evidence):
            newest = max(item.last_seen for item in evidence)
            left = msgspec.structs.replace(content, evidence=evidence, last_seen=newest)
            self.seal(row, left)
            found = Evidence(left.families, contradicted=False, consented=True, last_seen=newest)
            put(row, observe(insight, fact_of(row), found, today))
        return len(evidence) < len(content.evidence)

    def _of(self, customer_id: str) -> ColumnElement[bool]:
        return or_(FactRow.customer_id == customer_id, FactRow.other_ref == self.other_ref(customer_id))


def _each(purposes: dict[str, frozenset[Purpose]], customer_id: str, other_id: str) -> list[frozenset[Purpose]]:
    return [purposes[one] for one in (customer_id, other_id) if one]


def _context(row: FactRow) -> str:
    return f"{row.customer_id}/fact/{row.fact_id}"
