"""What customers said of questions on their portrait: kept until the province has it. Of the portrait nothing is."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server.trail import by_staff
from yingbin.errors import Conflict, InvalidInput
from yingbin.feed_wire import Staff
from yingbin.pad_wire import AnswerInsight, Card
from yingbin.portrait_wire import InsightAnswer
from yingbin.storage.city import InsightAnswerRow

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ASKED: Final = frozenset({"confirmed", "greeted", "closed"})
"""States of a card in which its customer may have been asked: his identity was confirmed."""


class Waiting(msgspec.Struct, frozen=True):
    """An answer the province does not have yet, and what it is about."""

    fact_id: str
    answer: InsightAnswer


def require_ids(answer: AnswerInsight) -> None:
    """Raise `InvalidInput` for ids that cannot be stored or asked for."""
    if not _ID.fullmatch(answer.answer_id) or not _ID.fullmatch(answer.fact_id):
        raise InvalidInput("`answer_id` and `fact_id` have 1 to 64 letters, digits, `-`, `_`, `.` or `:`")


def repeated(session: Session, answer: AnswerInsight, who: Staff) -> bool:
    """Return whether this answer is stored already. Raises `Conflict` when its id was another's."""
    stored = session.get(InsightAnswerRow, answer.answer_id)
    if stored is None:
        return False
    if (stored.card_id, stored.staff_id, stored.fact_id) != (answer.card_id, who.staff_id, answer.fact_id):
        raise Conflict("this answer id was used for another question")
    return True


def store(session: Session, answer: AnswerInsight, card: Card, who: Staff, now_ms: int) -> None:
    """Store an answer of a card's customer. Raises `Conflict` when nobody confirmed that it was him."""
    if card.state not in _ASKED:
        raise Conflict("confirm the customer's identity before you ask him anything")
    session.add(
        InsightAnswerRow(
            answer_id=answer.answer_id,
            card_id=card.card_id,
            customer_id=card.customer_id,
            staff_id=who.staff_id,
            fact_id=answer.fact_id,
            confirmed=answer.confirmed,
            at_ms=now_ms,
        )
    )
    details = {"card": card.card_id, "fact": answer.fact_id, "confirmed": str(answer.confirmed).lower()}
    by_staff(session, who, "insight_answered", card.customer_id, details)


def was_wrong(session: Session, card_id: str) -> None:
    """Forget what was answered for a card whose customer it was not, unless the province has it already."""
    waiting = (InsightAnswerRow.card_id == card_id, InsightAnswerRow.forwarded_at_ms.is_(None))
    session.execute(delete(InsightAnswerRow).where(*waiting))


def unforwarded(session: Session, at_most: int) -> list[Waiting]:
    """Return the oldest answers that the province does not have yet."""
    rows = session.scalars(
        select(InsightAnswerRow)
        .where(InsightAnswerRow.forwarded_at_ms.is_(None))
        .order_by(InsightAnswerRow.at_ms, InsightAnswerRow.answer_id)
        .limit(at_most)
    )
    return [
        Waiting(row.fact_id, InsightAnswer(row.answer_id, row.customer_id, row.staff_id, row.confirmed, row.at_ms))
        for row in rows
    ]


def mark_forwarded(session: Session, answers: Sequence[Waiting], now_ms: int) -> None:
    """Note that the province has these, or will never take them; one that was deleted meanwhile stays so."""
    for one in answers:
        row = session.get(InsightAnswerRow, one.answer.answer_id)
        if row is not None:
            row.forwarded_at_ms = now_ms
