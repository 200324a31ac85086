"""The life of a soft fact (C14): hypothesis, corroborated, confirmed by the customer, expired. A pure state machine."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from yingbin.offers.insights.declaration import HARD, Insight

DENIED_REST: Final = timedelta(days=365)
"""For how long a fact that the customer denied stays silent, whatever the evidence."""


class State(StrEnum):
    """Where a fact is in its life."""

    HYPOTHESIS = "hypothesis"
    CORROBORATED = "corroborated"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Fact:
    """One conclusion about a customer. `expires_on` is the last day on which it holds."""

    state: State
    expires_on: date
    silent_until: date = date.min


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a night found; `last_seen` is the day of the newest evidence."""

    families: frozenset[str]
    contradicted: bool
    consented: bool
    last_seen: date


def weigh(families: Collection[str], *, contradicted: bool) -> State:
    """Return what evidence alone amounts to: corroborated takes two families, one of them hard, and no look-alike."""
    if contradicted:
        return State.EXPIRED
    enough = len(set(families)) >= 2 and not HARD.isdisjoint(families)
    return State.CORROBORATED if enough else State.HYPOTHESIS


def observe(insight: Insight, known: Fact | None, found: Evidence, today: date) -> Fact:
    """Take in a night's evidence. A confirmed fact outlives weaker evidence, but no look-alike nor withdrawal."""
    expires_on = found.last_seen + timedelta(days=insight.expires_days)
    silent_until = known.silent_until if known else date.min
    if not found.consented or found.contradicted or expires_on < today or today <= silent_until:
        return Fact(State.EXPIRED, min(expires_on, today), silent_until)
    state = weigh(found.families, contradicted=False)
    if known and known.state is State.CONFIRMED and today <= known.expires_on:
        return replace(known, expires_on=max(expires_on, known.expires_on))
    return Fact(state, expires_on, silent_until)


def confirm(insight: Insight, known: Fact, today: date) -> Fact:
    """Note that the customer says it is so. What was never corroborated, or may not be stated, cannot be confirmed."""
    if not insight.may_state or standing(known, today) not in {State.CORROBORATED, State.CONFIRMED}:
        return known
    return replace(known, state=State.CONFIRMED, expires_on=today + timedelta(days=insight.expires_days))


def deny(known: Fact, today: date) -> Fact:
    """Note that the customer says it is not so: it is over, and does not come back for `DENIED_REST`."""
    return Fact(State.EXPIRED, today, today + DENIED_REST)


def withdraw(known: Fact, today: date) -> Fact:
    """End it: a consent it rests on was withdrawn."""
    return replace(known, state=State.EXPIRED, expires_on=today)


def standing(known: Fact, today: date) -> State:
    """Return the state on a day: what is past its last day has expired."""
    return known.state if today <= known.expires_on else State.EXPIRED


def ranks(known: Fact, today: date) -> bool:
    """Return whether it may change what is offered."""
    return standing(known, today) in {State.CORROBORATED, State.CONFIRMED}


def sentence(insight: Insight, known: Fact, today: date) -> tuple[str, str]:
    """Return what the tablet may say in zh and en: a fact once confirmed, before that a question; or nothing."""
    state = standing(known, today)
    if state is State.CONFIRMED and insight.may_state:
        return insight.say_zh, insight.say_en
    if state in {State.CORROBORATED, State.CONFIRMED}:
        return insight.ask_zh, insight.ask_en
    return "", ""
