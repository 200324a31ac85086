from datetime import UTC, date, datetime
from typing import Any

import pytest
from offers_builders import YUAN, assessed, profile, record
from pydantic import ValidationError

from yingbin.offers.customer import GUARDIAN_AGE, surname_of
from yingbin.offers.portrait import portrait_lines
from yingbin.offers.profile import MAX_AMOUNT_FEN, NO_MATURITY_DAYS, Profile, RiskAssessment


def test_formulas() -> None:
    p = profile(
        demand_deposit_fen=60_000 * YUAN,
        time_deposit_fen=100_000 * YUAN,
        time_deposit_maturing_fen=40_000 * YUAN,
        time_deposit_matures_on="2026-03-20",
        insurance_fen=7 * YUAN,
        monthly_repayment_fen=5_000 * YUAN,
        documented_monthly_income_fen=20_000 * YUAN,
    )
    assert p.demand_share == pytest.approx(0.375)
    assert p.purchasing_power_fen == (60_000 + 40_000 - 6 * 5_000) * YUAN
    assert p.debt_service_ratio == pytest.approx(0.25)
    assert p.financial_assets_fen == 160_007 * YUAN
    assert p.maturing_days(date(2026, 3, 2)) == 18
    assert p.maturing_days(date(2026, 3, 20)) == 0
    assert p.maturing_days(date(2026, 3, 21)) == NO_MATURITY_DAYS


def test_formulas_of_an_empty_record() -> None:
    p = profile()
    assert (p.demand_share, p.purchasing_power_fen, p.debt_service_ratio) == (0.0, 0, None)
    assert p.maturing_days(date(2026, 3, 2)) == NO_MATURITY_DAYS


def test_a_deposit_that_matures_later_is_not_investable() -> None:
    p = profile(time_deposit_fen=100, time_deposit_maturing_fen=100, time_deposit_matures_on=date(2026, 6, 1))
    assert p.purchasing_power_fen == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"demand_deposit_fen": -1},
        {"demand_deposit_fen": MAX_AMOUNT_FEN + 1},
        {"demand_deposit_fen": 1.5},
        {"demand_deposit_fen": "100"},
        {"demand_idle_days": -1},
        {"documented_monthly_income_fen": 0},
        {"time_deposit_maturing_fen": 1},
        {"time_deposit_matures_on": "2026-02-28"},
        {"time_deposit_fen": 5, "time_deposit_maturing_fen": 5},
        {"risk_assessment": {"level": "risk_c6", "valid_until": "2026-12-31"}},
        {"holdings": ["yacht"]},
        {"occupation": "x"},
    ],
)
def test_absurd_records_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        profile(**bad)


def test_an_assessment_counts_until_the_end_of_its_day_in_china() -> None:
    until_ms = RiskAssessment.model_validate(assessed(3, "2026-03-02")).valid_until_ms
    assert until_ms == int(datetime(2026, 3, 2, 16, tzinfo=UTC).timestamp() * 1000)


def test_portrait_shows_totals_items_and_repayment_with_source_and_date() -> None:
    p = profile(demand_deposit_fen=300, car_loan_fen=50, monthly_repayment_fen=10, documented_monthly_income_fen=40)
    lines = {line.label_en: line for line in portrait_lines(p)}
    assert lines["Financial assets, total"].amount_fen == 300
    assert lines["Investable amount"].amount_fen == 240
    assert lines["Liabilities, total"].amount_fen == 50
    assert lines["Monthly instalments (25% of income)"].amount_fen == 10
    assert "Mortgage" not in lines
    assert all(line.source and line.label_zh and line.as_of == "2026-03-01" for line in lines.values())


def test_portrait_says_when_income_is_not_documented() -> None:
    assert portrait_lines(profile())[-1].label_zh == "月还款(收入未核实)"


@pytest.mark.parametrize(
    ("name", "surname"),
    [
        ("李小明", "李"),
        ("王芳", "王"),
        ("欧阳娜", "欧阳"),
        ("司马光明", "司马"),
        ("诸葛亮", "诸葛"),
        ("欧阳", "欧"),
        ("阿依努尔·买买提", "阿依努尔"),
        ("Lin-Manuel Miranda", "Miranda"),
        ("Cher", "Cher"),
        (" 李小明 ", "李"),
    ],
)
def test_surname(name: str, surname: str) -> None:
    assert surname_of(name) == surname
    assert record(name).surname == surname


@pytest.mark.parametrize(
    ("day", "age"), [("2026-04-30", 13), ("2026-05-01", GUARDIAN_AGE), ("2027-04-30", GUARDIAN_AGE)]
)
def test_C6_age_is_counted_in_completed_years(day: str, age: int) -> None:
    assert record(birth_date="2012-05-01").age_on(date.fromisoformat(day)) == age


@pytest.mark.parametrize("bad", [{"full_name": "  "}, {"tier": "gold"}, {"gender": "m"}, {"customer_id": ""}])
def test_bad_customer_records_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        record(**bad)


def test_record_survives_json() -> None:
    p = profile(demand_deposit_fen=300, risk_assessment=assessed(2))
    assert Profile.model_validate_json(p.model_dump_json()) == p
