"""What a manager may read of soft facts once identity is confirmed: a question, or what was confirmed (C14)."""

from collections import defaultdict
from datetime import date

from sqlalchemy.orm import Session

from province_server.cards import Cards, consents_in_force
from province_server.insights.facts import Content, EvidenceItem, Facts, fact_of
from yingbin.offers.card import is_personalised
from yingbin.offers.insights.declaration import EvidenceFamily
from yingbin.offers.insights.effects import FAMILY_WORDS
from yingbin.offers.insights.life_cycle import State, sentence
from yingbin.pad_wire import InsightEvidence, InsightNote


class Notes:
    """Puts facts into words."""

    def __init__(self, cards: Cards, facts: Facts) -> None:
        self._cards = cards
        self._facts = facts

    def notes_for(self, session: Session, customer_id: str, today: date) -> tuple[InsightNote, ...]:
        """Return what may be said on `today`, in a session for reading; nothing of who opted out. Raises `NotFound`."""
        if not is_personalised(self._cards.customer(session, customer_id), consents_in_force(session, customer_id)):
            return ()
        notes = []
        for held in self._facts.holding(session, customer_id, today):
            text_zh, text_en = sentence(held.insight, fact_of(held.row), today)
            if text_zh and held.content.applies:
                stated = held.row.state == State.CONFIRMED
                expires_on = held.row.expires_on.isoformat()
                evidence = evidence_words(held.content)
                notes.append(InsightNote(held.row.fact_id, text_zh, text_en, stated, evidence, expires_on))
        return tuple(notes)


def evidence_words(content: Content) -> tuple[InsightEvidence, ...]:
    """Return the evidence by family: how many signs, and the day of the last. Nobody else is named."""
    by_family: defaultdict[EvidenceFamily, list[EvidenceItem]] = defaultdict(list)
    for item in content.evidence:
        by_family[item.family].append(item)
    return tuple(
        InsightEvidence(
            *FAMILY_WORDS[family],
            support=sum(item.support for item in items),
            last_seen=max(item.last_seen for item in items).isoformat(),
        )
        for family, items in sorted(by_family.items())
    )
