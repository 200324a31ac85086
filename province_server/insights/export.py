"""Soft facts for the person they are about (PIPL art. 45): in plain words, and nobody else is named."""

from collections.abc import Iterable

from pydantic import BaseModel
from sqlalchemy.orm import Session

from province_server.insights.facts import Facts
from province_server.insights.notes import evidence_words
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.life_cycle import State


class EvidenceHeld(BaseModel):
    """A family of evidence, how often it was seen, and the day of the last."""

    family_zh: str
    family_en: str
    support: int
    last_seen: str


class InsightHeld(BaseModel):
    """What was concluded. `about_another`: about another customer, for whom he is the other party.

    Of what has ended (denied, withdrawn, contradicted) neither words nor evidence are kept. `silent_until`: what he
    denied is not concluded again before.
    """

    zh: str
    en: str
    about_another: bool
    state: State
    expires_on: str
    silent_until: str
    evidence: list[EvidenceHeld]


def held(facts: Facts, session: Session, customer_id: str) -> list[InsightHeld]:
    """Return everything concluded about a customer."""
    found = []
    for row, content in facts.about(session, customer_id):
        insight = load_library().get(content.insight) if content else None
        evidence = evidence_words(content) if content else ()
        found.append(
            InsightHeld(
                zh=insight.claims_zh if insight else "",
                en=insight.claims if insight else "",
                about_another=row.customer_id != customer_id,
                state=State(row.state),
                expires_on=row.expires_on.isoformat(),
                silent_until=row.silent_until.isoformat() if row.silent_until else "",
                evidence=[
                    EvidenceHeld(
                        family_zh=one.family_zh, family_en=one.family_en, support=one.support, last_seen=one.last_seen
                    )
                    for one in evidence
                ],
            )
        )
    return found


_STATES = {
    State.HYPOTHESIS: ("待印证,不使用", "not corroborated, not used"),
    State.CORROBORATED: ("有多方依据", "corroborated"),
    State.CONFIRMED: ("经本人确认", "confirmed by you"),
    State.EXPIRED: ("已失效,内容已删除", "ended, its content deleted"),
}


def lines(insights: Iterable[InsightHeld], language: str) -> list[str]:
    """Return them to print, one a line."""
    zh = language == "zh"
    said = []
    for one in insights:
        words = (one.zh if zh else one.en) or ("(内容已删除)" if zh else "(content deleted)")
        if one.about_another:
            words += "(您为其中另一方)" if zh else " (you are the other party)"
        state = _STATES[one.state][0 if zh else 1]
        until = f", {'有效至' if zh else 'until'} {one.expires_on}" if one.state is not State.EXPIRED else ""
        silent = (
            f", {'不再推断至' if zh else 'not concluded again before'} {one.silent_until}" if one.silent_until else ""
        )
        evidence = "; ".join(
            f"{item.family_zh if zh else item.family_en} {item.support} ({item.last_seen})" for item in one.evidence
        )
        said.append(f"- {words}: {state}{until}{silent}{': ' if evidence else ''}{evidence}")
    return said
