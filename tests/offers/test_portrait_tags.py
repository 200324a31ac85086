"""Every tag against answers worked out by hand."""

from datetime import date

import pytest
from portrait_bank import AS_OF, YUAN, HandBank, at_ms, days_ago

from yingbin.offers.portrait.definitions import packaged_tags

OLD = date(2025, 7, 1)


def _rich(bank: HandBank) -> None:
    """Add somebody of whom nearly everything is known."""
    bank.customer("rich", "whereabouts", tier="vip_gold", birth_date=date(1976, 7, 15),
                  documented_monthly_income_fen=20_000 * YUAN)  # fmt: skip
    demand = bank.account("rich", "demand", (OLD, 300_000), (date(2026, 6, 16), 200_000))
    bank.account("rich", "time", (OLD, 100_000), matures_on=date(2026, 7, 20), term_days=365)
    bank.account("rich", "wealth", (date(2026, 6, 1), 60_000), opened_on=date(2026, 6, 1), risk_level=3)
    bank.account("rich", "loan", (OLD, 500_000), product_code="car_loan", matures_on=date(2030, 1, 1),
                 monthly_repayment_fen=5_000 * YUAN)  # fmt: skip
    card = bank.account("rich", "credit_card", (OLD, 4_000), principal_fen=16_000 * YUAN)
    bank.account("rich", "bond", (OLD, 9_000), opened_on=OLD, closed_on=date(2026, 5, 15))
    for service in ("e_bank", "mobile_bank", "payroll"):
        bank.add("services", customer_id="rich", service=service, since=OLD)
    bank.add("services", customer_id="rich", service="etc", since=date(2026, 7, 1))  # after the day stated
    bank.add("risk_assessments", customer_id="rich", assessed_on=OLD, level=2, valid_until=date(2026, 6, 30))
    bank.add(
        "risk_assessments", customer_id="rich", assessed_on=date(2026, 1, 1), level=4, valid_until=date(2026, 7, 9)
    )
    for month in range(1, 7):
        bank.transaction(
            demand, date(2026, month, 10), 12_000, "salary", counterparty_kind="employer", channel="system"
        )
        bank.transaction(demand, date(2026, month, 20), -5_000, "repayment", channel="system")
        bank.transaction(demand, date(2026, month, 21), -300, "utility", channel="mobile")
        bank.transaction(demand, date(2026, month, 22), -100, "cash", channel="atm")
        bank.transaction(card, date(2026, month, 23), -900, "card", channel="pos")
        bank.transaction(card, date(2026, month, 24), -100, "card", channel="online")
        bank.transaction(demand, date(2026, month, 5), 7_000, "transfer", counterparty_id="rich")  # his own account
        bank.transaction(demand, date(2026, month, 5), -7_000, "transfer", counterparty_id="rich")
    for month in (4, 5, 6):
        bank.transaction(demand, date(2026, month, 2), -1_000, "fx", channel="counter")
        bank.transaction(card, date(2026, month, 3), -200, "card", channel="pos", country="JP")
    bank.transaction(demand, date(2026, 6, 16), -100_000, "transfer", counterparty_id="X1", counterparty_kind="outside")
    bank.transaction(demand, date(2026, 6, 30), -25, "fee", channel="system")
    bank.transaction(demand, date(2026, 7, 1), -90_000, "transfer", hour=0)  # the next day in China
    for day, risk, term, yuan in ((date(2025, 9, 1), 4, 60, 10_000), (date(2026, 6, 1), 3, 80, 60_000)):
        bank.add("purchases", customer_id="rich", at_ms=at_ms(day), product_code="wealth", category="wealth",
                 risk_level=risk, term_days=term, amount_fen=yuan * YUAN)  # fmt: skip
    for kind, margin in (("accepted", 0), ("sold", 40), ("refused", 0), ("refused", 0), ("shown", 0)):
        bank.add("outcomes", decision_id="d", customer_id="rich", product_code="wealth", at_ms=at_ms(days_ago(40)),
                 kind=kind, margin_fen=margin * YUAN)  # fmt: skip


EXPECTED = {
    "age_band": "from_45",  # 50 on 15 July
    "gender": "female",
    "tenure_years": "10",
    "birthday_soon": "true",
    "services_signed": "3",
    "has_mobile_bank": "true",
    "payroll_contract": "true",
    "risk_tolerance": "4",
    "tier": "vip_gold",
    "assets_fen": str(360_000 * YUAN),
    # 30 days: 300,000 for 15 and 200,000 for 15, 100,000, 60,000
    "month_average_assets_fen": str(410_000 * YUAN),
    "asset_band": "from_200k",
    "liabilities_fen": str(504_000 * YUAN),
    "main_holding": "demand",
    "deposit_share": "0.8333",
    "investment_share": "0.1667",
    "highest_risk_used": "4",
    "usual_term": "to_90",
    # January to June: 2 mobile (utility, own transfer) and 1 online, 1 cash, 1 card; 3 exchanges, 3 abroad, 1 transfer
    "main_channel": "mobile",
    "digital_share": "0.5135",
    "kinds_held": "5",
    "payments_a_month": "7",
    "received_a_month_fen": str(12_000 * YUAN),
    "paid_a_month_fen": str((3 * (5_000 + 300 + 100 + 900 + 100 + 1_000 + 200) + 100_000 + 25) * YUAN // 3),
    "salary_day": "10",
    "card_spending_a_month_fen": str(1_200 * YUAN),
    "online_spending_share": "0.0833",
    "pays_utilities_here": "true",
    "exchanges_currency": "true",
    "spends_abroad": "true",
    "unusual_movement": "true",
    "asset_change": "0.0024",  # March: 300,000 + 100,000 + 9,000
    "asset_trend": "stable",
    "quiet_days": "6",
    "moved_out_90_days_fen": str(100_000 * YUAN),
    "accounts_closed": "1",
    "churn_risk": "low",
    "loans_fen": str(500_000 * YUAN),
    "instalments_fen": str(5_000 * YUAN),
    "income_documented": "true",
    "debt_service_share": "0.25",
    "repayment_room_fen": str(6_000 * YUAN),
    "card_use_share": "0.25",
    "months_repaid": "6",
    "loans_end_on": "2030-01-01",
    "days_since_purchase": "29",
    "purchases_a_year": "2",
    "bought_a_year_fen": str(70_000 * YUAN),
    "fees_a_year_fen": str(25 * YUAN),
    "margin_a_year_fen": str(40 * YUAN),
    "acceptance_share": "0.5",
    "loyalty": "high",
    "investable_fen": str((200_000 + 100_000 - 6 * 5_000) * YUAN),
    "idle_90_days_fen": str(200_000 * YUAN),
    "due_30_days_fen": str(100_000 * YUAN),
    "next_maturity_on": "2026-07-20",
    "demand_share_high": "true",
    "car_loan_without_etc": "true",
    "exchanges_without_fx_account": "true",
    "assets_without_insurance": "true",
    "assessment_due": "true",
}


def _leaver(bank: HandBank) -> None:
    """Add somebody who goes: half of his money left, he pays less, nothing for weeks."""
    bank.customer("leaver", birth_date=date(1990, 6, 30), opened_on=date(2024, 7, 1))
    demand = bank.account("leaver", "demand", (OLD, 400_000), (date(2026, 4, 15), 100_000))
    bank.transaction(demand, days_ago(200), -50, "card", channel="pos")  # known long enough to compare
    for number in range(20):
        bank.transaction(demand, days_ago(100 + 4 * number), -50, "card", channel="pos")
    for number in range(6):
        bank.transaction(demand, days_ago(40 + number), -50, "cash", channel="counter")


LEAVING = {
    "age_band": "from_35",  # 36 today
    "birthday_soon": "true",
    "asset_change": "-0.75",
    "asset_trend": "falling",
    "payment_change": "-0.7",
    "quiet_days": "40",
    "churn_risk": "high",
    "loyalty": "low",
    "uses_cash": "true",
    "no_mobile_bank": "true",
    "demand_share_high": "true",
}


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    bank = HandBank()
    _rich(bank)
    _leaver(bank)
    bank.customer("empty", opened_on=AS_OF)
    return bank.tags(tmp_path_factory.mktemp("portrait"))


def test_every_tag_is_answered_by_hand() -> None:
    assert set(EXPECTED) | set(LEAVING) == {tag.id for tag in packaged_tags().tag}


@pytest.mark.parametrize("tag", EXPECTED)
def test_tag_of_somebody_well_known(tags: dict[str, dict[str, str]], tag: str) -> None:
    assert tags["rich"].get(tag) == EXPECTED[tag]


@pytest.mark.parametrize("tag", LEAVING)
def test_tag_of_somebody_who_leaves(tags: dict[str, dict[str, str]], tag: str) -> None:
    assert tags["leaver"].get(tag) == LEAVING[tag]


def test_a_tag_that_does_not_hold_has_no_row(tags: dict[str, dict[str, str]]) -> None:
    assert not {"uses_cash", "payment_change", "no_mobile_bank"} & set(tags["rich"])
    assert not {"unusual_movement", "car_loan_without_etc", "assessment_due", "income_documented"} & set(tags["leaver"])


def test_nothing_is_said_of_a_customer_without_any_data_but_what_is_certain(tags: dict[str, dict[str, str]]) -> None:
    assert tags["empty"] == {
        "age_band": "from_45", "gender": "female", "tenure_years": "0", "services_signed": "0", "tier": "ordinary",
        "assets_fen": "0", "month_average_assets_fen": "0", "asset_band": "under_50k", "liabilities_fen": "0",
        "kinds_held": "0", "payments_a_month": "0", "received_a_month_fen": "0", "paid_a_month_fen": "0",
        "card_spending_a_month_fen": "0", "purchases_a_year": "0", "loyalty": "low", "investable_fen": "0",
        "no_mobile_bank": "true",
    }  # fmt: skip


def test_every_value_can_be_said_in_both_languages(tags: dict[str, dict[str, str]]) -> None:
    by_id = packaged_tags().by_id
    for values in tags.values():
        assert all(word for tag, value in values.items() for word in by_id[tag].words(value))
