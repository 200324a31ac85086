"""What managers do with cards: each action changes the card and stores what it means in one transaction."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server import answers, audience, cards, evidence, tally
from city_server.records import CardState, Records
from city_server.trail import by_staff
from city_server.visits import close
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.feed_wire import Basis, Staff
from yingbin.ids import new_id
from yingbin.pad_wire import AnswerInsight, ReportOutcome
from yingbin.report_wire import OutcomeReport
from yingbin.storage.city import OutcomeRow, PhotoRow, Ring
from yingbin.trust.staff import Role


class Desk:
    """Actions of one person on the cards he may see. Raises `NotFound` for any other card."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def acknowledge(self, session: Session, card_id: str, who: Staff, now_ms: int) -> None:
        """Take a card. Raises `Conflict` when the visit is over."""
        state = self._visible(session, card_id, who)
        self._put_if_changed(session, state, cards.acknowledged(state.stored, who.staff_id), now_ms)
        by_staff(session, who, "card_acknowledged", state.stored.card.customer_id, {"card": card_id})

    def confirm(self, session: Session, card_id: str, who: Staff, now_ms: int) -> str:
        """Note that the customer was recognised in person; return his id. Raises `Conflict` when the visit is over."""
        state = self._visible(session, card_id, who)
        self._put_if_changed(session, state, cards.confirmed(state.stored, who.staff_id), now_ms)
        evidence.was_right(session, state.stored.card.visit_id)
        customer_id = state.stored.card.customer_id
        by_staff(session, who, "identity_confirmed", customer_id, {"card": card_id})
        by_staff(session, who, "portrait_requested", customer_id, {"card": card_id})
        return customer_id

    def report(self, session: Session, outcome: ReportOutcome, who: Staff, now_ms: int) -> None:
        """Store an outcome; one that is stored already changes nothing.

        Raises `Conflict` when the id was another's, and `InvalidInput` for an acceptance of nothing.
        """
        stored = session.get(OutcomeRow, outcome.outcome_id)
        if stored is not None:
            if (stored.card_id, stored.staff_id) != (outcome.card_id, who.staff_id):
                raise Conflict("this outcome id was used for another card")
            return
        if outcome.kind == "accepted" and not outcome.product:
            raise InvalidInput("`accepted` needs the `product` he is interested in")
        state = self._visible(session, outcome.card_id, who)
        card = state.stored.card
        after = cards.reported(state.stored, outcome.kind, outcome.product, who.staff_id, now_ms)
        if outcome.kind == "wrong_person":
            self._not_him(session, card.visit_id, now_ms)
            answers.was_wrong(session, card.card_id)
        self._put_if_changed(session, state, after, now_ms)
        action = "identity_rejected" if outcome.kind == "wrong_person" else "outcome"
        details = {"card": card.card_id, "kind": outcome.kind, "product": outcome.product}
        by_staff(session, who, action, card.customer_id, details)
        told: list[tuple[str, str, str]] = [(outcome.outcome_id, outcome.kind, outcome.product)]
        if outcome.kind == "greeted" and card.state != "greeted":  # what he was shown counts for the contact policy
            told += [(new_id(), "shown", offer.product) for offer in card.offers]
        if outcome.kind == "not_interested" and not outcome.product:  # in any of them
            told += [(new_id(), outcome.kind, offer.product) for offer in card.offers]
        before = {offer.product for offer in card.offers}
        if card.state == "greeted":  # what took the place of a product he did not want was shown, too
            told += [(new_id(), "shown", offer.product) for offer in after.card.offers if offer.product not in before]
        place = {offer.product: at for offers in (after.card.offers, card.offers) for at, offer in enumerate(offers, 1)}
        basis = msgspec.json.encode(state.stored.view.basis).decode()
        session.add_all(
            OutcomeRow(
                outcome_id=outcome_id,
                card_id=card.card_id,
                customer_id=card.customer_id,
                branch_id=card.branch_id,
                staff_id=who.staff_id,
                kind=kind,
                product=product,
                at_ms=now_ms,
                reason=outcome.reason if kind == "not_interested" else "",
                place=place.get(product, 0),
                basis=basis,
            )
            for outcome_id, kind, product in told
        )

    def answer(self, session: Session, answer: AnswerInsight, who: Staff, now_ms: int) -> None:
        """Store what a customer said of a question; safe to repeat. Raises `InvalidInput` or `Conflict`."""
        answers.require_ids(answer)
        if not answers.repeated(session, answer, who):
            answers.store(session, answer, self._visible(session, answer.card_id, who).stored.card, who, now_ms)

    def rung(self, session: Session, card_ids: Sequence[str], staff_id: str) -> None:
        """Note that these cards rang at a tablet of this person."""
        for card_id in card_ids:
            session.merge(Ring(card_id=card_id, staff_id=staff_id))

    def has_rung(self, session: Session, staff_id: str) -> set[str]:
        """Return the cards that have rung for this person."""
        return set(session.scalars(select(Ring.card_id).where(Ring.staff_id == staff_id)))

    def _not_him(self, session: Session, visit_id: str, now_ms: int) -> None:
        """End a visit that was somebody else's and drop the photo; its tracks never alert for this customer again."""
        evidence.was_wrong(session, visit_id)
        visit = self._records.visit(session, visit_id)
        if not visit.wrong_person:
            self._records.put_visit(session, close(visit, visit.closed_at_ms or now_ms, wrong_person=True))
        session.execute(delete(PhotoRow).where(PhotoRow.visit_id == visit_id))

    def _visible(self, session: Session, card_id: str, who: Staff) -> CardState:
        state = self._records.card(session, card_id)
        card, routed_to = state.stored.card, state.route.routed_to
        seen = audience.sees(Role(who.role), who.staff_id, who.branch_id, card, routed_to)
        if not seen or card.state == "withdrawn":
            raise NotFound("this card is no longer kept; nothing was changed")
        return state

    def _put_if_changed(self, session: Session, state: CardState, after: cards.StoredCard, now_ms: int) -> None:
        if after != state.stored:
            self._records.put_card(session, after)
            tally.dealt_with(session, state.stored.card, after.card, now_ms)


def unforwarded(session: Session, at_most: int) -> list[OutcomeReport]:
    """Return the oldest outcomes that the province does not have yet."""
    rows = session.scalars(
        select(OutcomeRow)
        .where(OutcomeRow.forwarded_at_ms.is_(None))
        .order_by(OutcomeRow.at_ms, OutcomeRow.outcome_id)
        .limit(at_most)
    )
    return [
        OutcomeReport(
            row.outcome_id,
            row.card_id,
            row.customer_id,
            row.branch_id,
            row.staff_id,
            row.kind,
            row.product,
            row.at_ms,
            row.reason,
            row.place,
            msgspec.json.decode(row.basis, type=Basis),
        )
        for row in rows
    ]


def mark_forwarded(session: Session, outcomes: Sequence[OutcomeReport], now_ms: int) -> None:
    """Note that the province has these."""
    for outcome in outcomes:
        session.get_one(OutcomeRow, outcome.outcome_id).forwarded_at_ms = now_ms
