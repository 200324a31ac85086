"""Rows of visits and cards: sealing and sequence numbers. Everything runs inside a unit of work of `Store`."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server.cards import StoredCard
from city_server.routing import Route
from city_server.store import mark_changed
from city_server.visits import Visit
from yingbin.errors import NotFound
from yingbin.storage.city import BranchSequence, CardRow, PhotoRow, VisitRow
from yingbin.trust.seal import Sealer


@dataclass(frozen=True, slots=True)
class CardState:
    """A card as stored, with what decides who gets it."""

    seq: int
    stored: StoredCard
    route: Route
    rings: bool


class Records:
    """Reads and writes sealed records. Every change of a card takes the next `seq` of its branch."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def open_visit(self, session: Session, branch_id: str, customer_id: str) -> Visit | None:
        """Return the open visit of a customer, locked until the unit ends."""
        key = _open_key(branch_id, customer_id)
        row = session.scalars(select(VisitRow).where(VisitRow.open_key == key).with_for_update()).one_or_none()
        return as_visit(row) if row else None

    def visit(self, session: Session, visit_id: str) -> Visit:
        """Return a visit, locked until the unit ends."""
        return as_visit(session.scalars(select(VisitRow).where(VisitRow.visit_id == visit_id).with_for_update()).one())

    def put_visit(self, session: Session, visit: Visit) -> None:
        """Store a visit."""
        still_open = visit.closed_at_ms is None
        session.merge(
            VisitRow(
                visit_id=visit.visit_id,
                branch_id=visit.branch_id,
                customer_id=visit.customer_id,
                open_key=_open_key(visit.branch_id, visit.customer_id) if still_open else None,
                opened_at_ms=visit.opened_at_ms,
                last_seen_at_ms=visit.last_seen_at_ms,
                closed_at_ms=visit.closed_at_ms,
                wrong_person=visit.wrong_person,
            )
        )
        session.flush()

    def add_card(self, session: Session, stored: StoredCard, route: Route, *, rings: bool) -> None:
        """Store the card of a new visit."""
        card = stored.card
        session.add(
            CardRow(
                card_id=card.card_id,
                visit_id=card.visit_id,
                branch_id=card.branch_id,
                seq=self._next_seq(session, card.branch_id),
                routed_to=route.routed_to,
                level=route.level,
                rings=rings,
                escalate_at_ms=route.escalate_at_ms if rings else None,
                sealed=self._seal(stored),
            )
        )

    def card(self, session: Session, card_id: str) -> CardState:
        """Return a card, locked until the unit ends. Raises `NotFound`."""
        row = session.scalars(select(CardRow).where(CardRow.card_id == card_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound("this card is no longer kept; nothing was changed")
        return self.state(row)

    def card_of_visit(self, session: Session, visit_id: str) -> CardState:
        """Return the card of a visit, locked until the unit ends."""
        return self.state(session.scalars(select(CardRow).where(CardRow.visit_id == visit_id).with_for_update()).one())

    def put_card(self, session: Session, stored: StoredCard, route: Route | None = None) -> None:
        """Store a changed card under the next `seq`; a card somebody has taken no longer escalates."""
        row = session.get_one(CardRow, stored.card.card_id)
        row.seq = self._next_seq(session, stored.card.branch_id)
        row.sealed = self._seal(stored)
        if route is not None:
            row.routed_to, row.level, row.escalate_at_ms = route.routed_to, route.level, route.escalate_at_ms
        if stored.card.state != "open":
            row.escalate_at_ms = None

    def ring(self, session: Session, card_id: str, escalate_at_ms: int | None) -> None:
        """Let a stored card ring that did not when it was made; call before `put_card`."""
        row = session.get_one(CardRow, card_id)
        row.rings, row.escalate_at_ms = True, escalate_at_ms

    def put_photo(self, session: Session, visit_id: str, jpeg: bytes) -> None:
        """Store the scene photo of a visit."""
        session.merge(PhotoRow(visit_id=visit_id, sealed=self._sealer.seal(jpeg, f"photos/{visit_id}")))

    def photo(self, row: PhotoRow) -> bytes:
        """Return the JPEG of a row."""
        return self._sealer.open(row.sealed, f"photos/{row.visit_id}")

    def state(self, row: CardRow) -> CardState:
        """Return what a row holds."""
        raw = self._sealer.open(row.sealed, f"cards/{row.card_id}")
        route = Route(row.routed_to, row.level, row.escalate_at_ms)
        return CardState(row.seq, msgspec.msgpack.decode(raw, type=StoredCard), route, row.rings)

    def _seal(self, stored: StoredCard) -> bytes:
        return self._sealer.seal(msgspec.msgpack.encode(stored), f"cards/{stored.card.card_id}")

    def _next_seq(self, session: Session, branch_id: str) -> int:
        mark_changed(session, branch_id)
        row = session.get(BranchSequence, branch_id, with_for_update=True)
        if row is None:
            row = BranchSequence(branch_id=branch_id, seq=0)
            session.add(row)
        row.seq += 1
        session.flush()
        return row.seq


def as_visit(row: VisitRow) -> Visit:
    """Return the visit a row holds."""
    return Visit(
        row.visit_id, row.branch_id, row.customer_id, row.opened_at_ms, row.last_seen_at_ms, row.closed_at_ms,
        row.wrong_person,
    )  # fmt: skip


def _open_key(branch_id: str, customer_id: str) -> str:
    return f"{branch_id}/{customer_id}"
