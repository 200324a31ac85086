"""Invented customers are valid, different, and lead to different suggestions."""

from datetime import date

import pytest

from demo.people import InventedCustomer, invented_customers
from yingbin.trust.consent import Gallery, Purpose

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("customer", invented_customers(), ids=lambda customer: customer.person)
def test_every_entry_makes_a_valid_record(customer: InventedCustomer) -> None:
    record = customer.record("c-1", "b-1", "rm-1", TODAY)
    assert record.full_name == customer.full_name
    assert record.age_on(TODAY) >= 18
    assert record.profile.demand_deposit_fen == customer.amounts.get("demand_deposit", 0) * 100


def test_stories_and_names_differ() -> None:
    customers = invented_customers()
    assert len({customer.story for customer in customers}) == len(customers)
    assert len({customer.person for customer in customers}) == len(customers)
    assert len({customer.full_name for customer in customers}) == len(customers)


def test_the_hard_examples_are_there() -> None:
    profiles = [customer.record("c", "b", "", TODAY).profile for customer in invented_customers()]
    assert any(p.demand_share > 0.5 and p.demand_idle_days > 60 for p in profiles)
    assert any(p.car_loan_fen and "etc_card" not in p.holdings for p in profiles)
    assert any("mobile_bank" not in p.holdings for p in profiles)
    assert any(p.documented_monthly_income_fen is None for p in profiles)
    assert any(p.risk_assessment and p.risk_assessment.valid_until < TODAY for p in profiles)
    assert any(p.maturing_days(TODAY) <= 30 for p in profiles)


def test_C1_marketing_consent_is_granted_by_itself() -> None:
    refusers = [customer for customer in invented_customers() if not customer.marketing_consent]
    assert refusers
    for customer in refusers:
        assert Purpose.MARKETING not in customer.purposes
        assert Purpose.VIP_SERVICE in customer.purposes


def test_tier_decides_the_gallery() -> None:
    for customer in invented_customers():
        assert customer.gallery is (Gallery.POTENTIAL if customer.tier == "potential" else Gallery.VIP)
