"""C14: hypothesis, corroborated, confirmed by the customer, expired."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yingbin.offers.insights.declaration import HARD, load_library
from yingbin.offers.insights.life_cycle import (
    DENIED_REST,
    Evidence,
    Fact,
    State,
    confirm,
    deny,
    observe,
    ranks,
    sentence,
    standing,
    weigh,
    withdraw,
)

TODAY = date(2026, 6, 30)
COMMUTES = load_library()["commutes"]
HOUSEHOLD = load_library()["household"]
ALL_FAMILIES = ("account", "transaction", "application", "browsing", "card_presence", "contact", "self_declared")
FAMILIES = st.frozensets(st.sampled_from(ALL_FAMILIES))


def evidence(*families: str, contradicted: bool = False, consented: bool = True, last_seen: date = TODAY) -> Evidence:
    return Evidence(frozenset(families), contradicted, consented, last_seen)


def corroborated() -> Fact:
    return observe(COMMUTES, None, evidence("transaction", "card_presence"), TODAY)


@given(FAMILIES, st.booleans())
def test_C14_corroborated_exactly_with_two_families_one_hard_and_no_look_alike(
    families: frozenset[str], contradicted: bool
) -> None:
    enough = len(families) >= 2 and bool(families & HARD) and not contradicted
    assert (weigh(families, contradicted=contradicted) is State.CORROBORATED) == enough


def test_C14_a_hypothesis_neither_ranks_nor_speaks() -> None:
    fact = observe(COMMUTES, None, evidence("transaction"), TODAY)
    assert fact.state is State.HYPOTHESIS
    assert not ranks(fact, TODAY)
    assert sentence(COMMUTES, fact, TODAY) == ("", "")
    assert confirm(COMMUTES, fact, TODAY) == fact


def test_C14_two_soft_families_are_not_enough() -> None:
    assert observe(COMMUTES, None, evidence("contact", "browsing"), TODAY).state is State.HYPOTHESIS


def test_C14_a_corroborated_fact_ranks_and_is_asked_and_only_a_confirmed_one_is_stated() -> None:
    fact = corroborated()
    assert ranks(fact, TODAY)
    assert sentence(COMMUTES, fact, TODAY) == (COMMUTES.ask_zh, COMMUTES.ask_en)
    confirmed = confirm(COMMUTES, fact, TODAY)
    assert confirmed.state is State.CONFIRMED
    assert sentence(COMMUTES, confirmed, TODAY) == (COMMUTES.say_zh, COMMUTES.say_en)


def test_C14_a_relation_cannot_be_confirmed() -> None:
    fact = observe(HOUSEHOLD, None, evidence("transaction", "contact"), TODAY)
    assert confirm(HOUSEHOLD, fact, TODAY) == fact


def test_a_confirmed_fact_outlives_weaker_evidence_until_its_day() -> None:
    confirmed = confirm(COMMUTES, corroborated(), TODAY)
    later = observe(COMMUTES, confirmed, evidence("transaction", last_seen=TODAY), TODAY + timedelta(days=10))
    assert later.state is State.CONFIRMED
    after = TODAY + timedelta(days=COMMUTES.expires_days + 1)
    assert standing(confirmed, after) is State.EXPIRED
    assert sentence(COMMUTES, confirmed, after) == ("", "")


def test_C14_a_look_alike_silences_even_a_confirmed_fact() -> None:
    confirmed = confirm(COMMUTES, corroborated(), TODAY)
    found = evidence("transaction", "card_presence", contradicted=True)
    assert observe(COMMUTES, confirmed, found, TODAY).state is State.EXPIRED


def test_C1_a_withdrawn_consent_ends_it_at_once() -> None:
    assert not ranks(withdraw(corroborated(), TODAY), TODAY + timedelta(days=1))
    without = evidence("transaction", "card_presence", consented=False)
    assert observe(COMMUTES, corroborated(), without, TODAY).state is State.EXPIRED


def test_what_the_customer_denied_stays_silent_whatever_the_evidence() -> None:
    denied = deny(corroborated(), TODAY)
    strong = evidence("transaction", "card_presence", last_seen=TODAY + DENIED_REST)
    assert observe(COMMUTES, denied, strong, TODAY + DENIED_REST).state is State.EXPIRED
    again = TODAY + DENIED_REST + timedelta(days=1)
    assert observe(COMMUTES, denied, strong, again).state is State.CORROBORATED


def test_old_evidence_expires() -> None:
    old = evidence("transaction", "card_presence", last_seen=TODAY - timedelta(days=COMMUTES.expires_days + 1))
    assert observe(COMMUTES, None, old, TODAY).state is State.EXPIRED


@given(st.integers(-400, 400), FAMILIES, st.booleans(), st.booleans())
def test_what_is_past_its_day_never_ranks(
    days: int, families: frozenset[str], contradicted: bool, consented: bool
) -> None:
    found = Evidence(families, contradicted, consented, TODAY + timedelta(days=days))
    fact = observe(COMMUTES, None, found, TODAY)
    assert not ranks(fact, fact.expires_on + timedelta(days=1))
    if contradicted or not consented:
        assert not ranks(fact, TODAY) or fact.state is State.EXPIRED
