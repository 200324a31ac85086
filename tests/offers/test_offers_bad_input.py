"""Bad input that has no room of its own: each is an error with a sentence, or the card arrives without it."""

from datetime import date, timedelta
from math import nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from offers_builders import TODAY, assessed, idle_rich, profile, record
from pydantic import ValidationError

from city_server.cards import suggest
from yingbin.feed_wire import Candidate, CardView
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue, in_force_ms, parse_catalogue, read_catalogue
from yingbin.offers.profile import MAX_AMOUNT_FEN
from yingbin.offers.rules import assess, confidence_of

AT_MS = 1_772_416_800_000


def candidate(code: str, score: float = 1.0, **more: Any) -> Candidate:
    return Candidate(code, "甲", "A", score, 0, False, "因", "why", **more)


def view(*candidates: Candidate, personalised: bool = True) -> CardView:
    return CardView("c", "李", "先生", "Mr", "vip_gold", "b", "s", "vip", personalised, 0, 0, candidates, ())


def offered(seen: CardView, at_ms: int = AT_MS) -> list[str]:
    return [offer.product for offer in arbitrate(seen, Context(), at_ms).offers]


@pytest.mark.parametrize("name", ["demand_deposit_fen", "mortgage_fen", "monthly_repayment_fen"])
@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT_FEN + 1])
def test_a_negative_or_absurd_balance_is_refused_with_its_field(name: str, amount: int) -> None:
    with pytest.raises(ValidationError, match=name):
        profile(**{name: amount})


@pytest.mark.parametrize("day", [0, 32, -1, "31"])
def test_a_salary_day_is_a_day_of_the_month(day: object) -> None:
    with pytest.raises(ValidationError, match="salary_day"):
        profile(salary_day=day)


def test_an_expired_offer_on_a_late_tablet_is_dropped_at_the_visit() -> None:
    from_ms, until_ms = in_force_ms(date(2026, 3, 1), date(2026, 3, 2))
    limited = candidate("spring", valid_from_ms=from_ms, valid_until_ms=until_ms)
    always = candidate("always", 0.5)
    assert offered(view(limited, always), until_ms - 1) == ["spring", "always"]
    late = arbitrate(view(limited, always), Context(), until_ms)
    assert [offer.product for offer in late.offers] == ["always"]
    assert [(one.product, one.why, one.stage) for one in late.withheld] == [("spring", "not_on_sale", "eligibility")]
    assert offered(view(limited), from_ms - 1) == []
    assert offered(view(limited, personalised=False), until_ms) == []


def test_validity_is_of_the_catalogue_and_both_days_count() -> None:
    text, name = read_catalogue()
    limited = text.replace("margin_fen = 30000\nmin", "valid_from = 2026-02-28\nvalid_until = 2026-02-28\nmin", 1)
    made = build_card_view(record(), "vip", set(), parse_catalogue(limited, name), TODAY)
    (one,) = [c for c in made.candidates if c.product == "time_deposit"]
    assert one.valid_until_ms - one.valid_from_ms == 86_400_000


def test_products_that_exclude_each_other_never_share_a_card(catalogue: Catalogue) -> None:
    pair = (candidate("a", 1.0, excludes=("b",)), candidate("b", 0.9), candidate("c", 0.8))
    assert offered(view(*pair)) == ["a", "c"]
    assert offered(view(*(pair[1], pair[0], pair[2]))) == ["a", "c"]
    said = arbitrate(view(*pair), Context(), AT_MS).withheld
    assert [(one.product, one.why, one.rule) for one in said] == [("b", "excluded", "not together with a")]
    for code, others in catalogue.excludes.items():
        assert all(code in catalogue.excludes[other] for other in others)


@given(st.permutations([("a", ("b",)), ("b", ("c",)), ("c", ()), ("d", ("a",))]))
def test_no_order_puts_excluded_products_together(pairs: list[tuple[str, tuple[str, ...]]]) -> None:
    every = [candidate(code, 1 / (n + 1), excludes=others) for n, (code, others) in enumerate(pairs)]
    together = set(offered(view(*every)))
    assert not any({code, other} <= together for code, others in pairs for other in others)


@pytest.mark.parametrize("learned", [None, {}, {"wealth_r2": nan}, {"wealth_r2": -1.0}, {"wealth_r2": 7.0}])
def test_without_a_usable_model_the_rules_answer(catalogue: Catalogue, learned: dict[str, float] | None) -> None:
    rich = idle_rich(risk_assessment=assessed(5))
    assert assess(rich, catalogue, TODAY, learned) == assess(rich, catalogue, TODAY)


def test_what_a_model_has_learned_ranks_and_the_reason_stays(catalogue: Catalogue) -> None:
    rich = idle_rich(risk_assessment=assessed(5))
    best = assess(rich, catalogue, TODAY, {"fund_bond": 0.99}).candidates[0]
    assert (best.product, best.confidence, best.rule) == ("fund_bond", "high", "idle_demand_fund")


def test_confidence_has_three_steps() -> None:
    steps = [confidence_of(propensity) for propensity in (0.9, 0.5, 0.49, 0.25, 0.24, 0.01)]
    assert steps == ["high", "high", "medium", "medium", "low", "low"]


def test_when_the_brain_breaks_face_and_name_still_arrive() -> None:
    broken = msgspec.structs.replace(view(candidate("a")), matures_on="not a day")
    with pytest.raises(ValueError, match="not a day"):
        arbitrate(broken, Context(), AT_MS)
    assert suggest(broken, Context(), AT_MS) == ((), ())


@pytest.mark.parametrize("day", [date(2026, 2, 28), date(2026, 12, 31), date(2028, 2, 29)])
def test_month_and_year_end(catalogue: Catalogue, day: date) -> None:
    who = record(
        profile=profile(
            as_of=day, time_deposit_fen=10**7, time_deposit_maturing_fen=10**7, salary_day=31,
            time_deposit_matures_on=day + timedelta(days=1),
        ).model_dump()
    )  # fmt: skip
    made = build_card_view(who, "vip", {"marketing"}, catalogue, day)
    at_ms = in_force_ms(day, None)[0]
    assert "time_deposit" in {offer.product for offer in arbitrate(made, Context(), at_ms).offers}
