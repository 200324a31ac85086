"""What the visit adds: levers while a signal holds, never the hour of the day (C16)."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offers_builders import TODAY, assessed, profile, record

from yingbin.feed_wire import Candidate, CardView, ContactNote, Lever
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue, load_catalogue
from yingbin.offers.decision.contact_policy import DAY_MS, Event, history
from yingbin.offers.decision.context import SIGNALS, factor, signals
from yingbin.offers.expression import BadExpression, Condition
from yingbin.offers.facts import FACT_TYPES
from yingbin.offers.profile import CHINA_TIME
from yingbin.wire import CameraRole

CATALOGUE = load_catalogue()
CATEGORIES = {code: str(product.category) for code, product in CATALOGUE.products.items()}
HOUR_MS = 3_600_000


def noon_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=CHINA_TIME).timestamp() * 1000)


def view(**changes: Any) -> CardView:
    plain = CardView("c", "李", "先生", "Mr", "vip_gold", "b", "s", "vip", True, 0, 0, (), ())
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("context", "signal"),
    [
        (Context(CameraRole.TICKET_MACHINE), "at_ticket_machine"),
        (Context(business="loan"), "for_loan"),
        (Context(waiting=10), "long_queue"),
        (Context(minutes=4), "short_of_time"),
    ],
)
def test_the_visit_gives_signals(context: Context, signal: str) -> None:
    assert signal in SIGNALS
    assert signal in signals(view(), context, noon_ms(TODAY))
    assert signal not in signals(view(), Context(), noon_ms(TODAY))


@pytest.mark.parametrize(
    ("salary_day", "day", "holds"),
    [
        (10, date(2026, 3, 10), True),
        (10, date(2026, 3, 12), True),
        (10, date(2026, 3, 13), False),
        (10, date(2026, 3, 9), False),
        (31, date(2026, 2, 28), True),
        (31, date(2026, 3, 1), True),
        (31, date(2028, 2, 28), False),
        (31, date(2028, 2, 29), True),
        (31, date(2026, 4, 30), True),
        (30, date(2026, 1, 1), True),
        (31, date(2026, 1, 2), True),
        (0, date(2026, 3, 31), False),
    ],
)
def test_salary_day_at_the_end_of_a_month(salary_day: int, day: date, holds: bool) -> None:
    assert ("salary_day" in signals(view(salary_day=salary_day), Context(), noon_ms(day))) is holds


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (6, True), (7, False)])
def test_a_maturity_this_week(days: int, holds: bool) -> None:
    due = view(matures_on=(TODAY + timedelta(days)).isoformat())
    assert ("maturing_this_week" in signals(due, Context(), noon_ms(TODAY))) is holds


def test_a_campaign_counts_at_its_branches_while_it_lasts() -> None:
    at_ms = noon_ms(TODAY)
    lever = Lever("campaign", 1.5, ("b-1",), at_ms - 1, at_ms + 1)
    holding = signals(view(), Context(), at_ms)
    assert factor((lever,), holding, "b-1", at_ms) == 1.5
    for branch, moment in (("b-2", at_ms), ("b-1", at_ms - 2), ("b-1", at_ms + 1)):
        assert factor((lever,), holding, branch, moment) == 1.0


def test_all_levers_together_stay_within_half_and_double() -> None:
    strong = tuple(Lever(name, 2.0) for name in ("a", "b", "c"))
    weak = tuple(Lever(name, 0.5) for name in ("a", "b", "c"))
    assert factor(strong, frozenset("abc"), "", 0) == 2.0
    assert factor(weak, frozenset("abc"), "", 0) == 0.5


def test_what_the_ticket_is_for_changes_the_order(catalogue: Catalogue) -> None:
    rich = record(profile=profile(demand_deposit_fen=10**8, demand_idle_days=100, risk_assessment=assessed(5)))
    made = build_card_view(rich, "vip", {"marketing"}, catalogue, TODAY)
    assert first(made, Context(business="deposit")) == "large_certificate"
    assert first(made, Context(business="wealth")) == "wealth_r2"


def first(made: CardView, context: Context) -> str:
    return arbitrate(made, context, noon_ms(TODAY)).offers[0].product


# --- C16 -----------------------------------------------------------------------------------------------------------


def test_C16_no_fact_of_a_rule_and_no_signal_of_a_lever_is_an_hour() -> None:
    for name in (*FACT_TYPES, *SIGNALS):
        assert not {"hour", "clock", "morning", "evening", "night", "weekday"} & set(name.split("_"))
    for clock in ("$now > 1", "$today > 1", "$now.hour > 8"):
        with pytest.raises(BadExpression):
            Condition(clock, FACT_TYPES)


customers = st.fixed_dictionaries(
    {
        "demand_deposit_fen": st.integers(0, 10**10),
        "demand_idle_days": st.integers(0, 200),
        "wealth_product_fen": st.integers(0, 10**9),
        "fund_fen": st.integers(0, 10**9),
        "car_loan_fen": st.integers(0, 10**7),
        "documented_monthly_income_fen": st.none() | st.integers(1, 10**7),
        "salary_day": st.none() | st.integers(1, 31),
        "holdings": st.frozensets(st.sampled_from(("mobile_bank", "e_bank", "sms", "fx_account", "credit_card"))),
        "risk_assessment": st.none() | st.builds(assessed, st.integers(1, 5)),
    }
)
happenings = st.lists(
    st.builds(
        Event,
        st.sampled_from(("shown", "not_interested", "greeted")),
        st.sampled_from(sorted(CATALOGUE.products)),
        st.sampled_from("abcde"),
        st.integers(noon_ms(TODAY) - 200 * DAY_MS, noon_ms(TODAY) - 12 * HOUR_MS),
    ),
    max_size=12,
)
contexts = st.builds(
    Context,
    st.sampled_from(CameraRole),
    business=st.sampled_from(("", "cash", "loan", "wealth")),
    waiting=st.integers(-1, 30),
    minutes=st.integers(-1, 30),
)


@settings(max_examples=80, deadline=None)
@given(customers, happenings, contexts, st.integers(0, 12 * HOUR_MS - 1))
def test_C16_shifting_every_timestamp_by_12_hours_changes_no_suggestion(
    has: dict[str, Any], told: list[Event], context: Context, of_the_day_ms: int
) -> None:
    who = record(profile=profile(**has))
    at_ms = noon_ms(TODAY) - 12 * HOUR_MS + of_the_day_ms

    def decided(shift_ms: int) -> object:
        shifted = [Event(one.kind, one.product, one.occasion, one.at_ms + shift_ms) for one in told]
        made = build_card_view(who, "vip", {"marketing"}, CATALOGUE, TODAY, history(shifted, CATEGORIES))
        return arbitrate(made, context, at_ms + shift_ms)

    assert decided(0) == decided(12 * HOUR_MS)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_C16_every_product_at_any_hour_of_the_day(data: st.DataObject) -> None:
    """Of every product of the catalogue, with every lever it has: the day counts, the hour never does."""
    hours = data.draw(st.tuples(st.integers(0, 24 * HOUR_MS - 1), st.integers(0, 24 * HOUR_MS - 1)))
    context = data.draw(contexts)
    midnight_ms = noon_ms(TODAY) - 12 * HOUR_MS
    every = tuple(
        Candidate(code, "甲", "A", one.value, one.risk_level, one.investment, "因", "why", category=one.category,
                  levers=CATALOGUE.levers.get(code, ()), excludes=CATALOGUE.excludes.get(code, ()))
        for code, one in CATALOGUE.products.items()
    )  # fmt: skip
    of_all = view(
        candidates=every, risk_tolerance=5, risk_valid_until_ms=midnight_ms + DAY_MS, salary_day=TODAY.day,
        matures_on=TODAY.isoformat(), contacts=(ContactNote("sms", "channel", 1, midnight_ms - 20 * DAY_MS),),
    )  # fmt: skip
    early, late = (arbitrate(of_all, context, midnight_ms + hour) for hour in hours)
    assert early == late
