"""Hard information (BRIEF B7): documented, and shown with its source or formula."""

import pytest
from offers_builders import YUAN, profile

from yingbin.offers.customer import CustomerRecord
from yingbin.offers.portrait import portrait_lines
from yingbin.offers.profile import Holding, Profile

B7 = {
    "time_deposit_fen": 1, "demand_deposit_fen": 2, "wealth_product_fen": 3, "fund_fen": 4, "insurance_fen": 5,
    "treasury_bond_fen": 6, "property_fen": 7, "vehicle_fen": 8, "mortgage_fen": 9, "car_loan_fen": 10,
    "parking_loan_fen": 11, "business_loan_fen": 12,
}  # fmt: skip


def test_every_row_of_the_brief_is_in_the_documented_schema() -> None:
    described = Profile.model_json_schema()["properties"]
    assert all(described[name].get("description") for name in B7)
    assert {"full_name", "gender", "birth_date"} <= set(CustomerRecord.model_fields)
    assert {Holding.E_BANK, Holding.MOBILE_BANK, Holding.SMS, Holding.PRECIOUS_METAL, Holding.CREDIT_CARD} <= set(
        Holding
    )


@pytest.mark.parametrize("name", B7)
def test_every_amount_has_its_line_with_a_source(name: str) -> None:
    lines = portrait_lines(profile(**{name: 98_765 * YUAN}))
    own = [line for line in lines if line.amount_fen == 98_765 * YUAN and "below" not in line.source]
    assert own
    assert all(line.source and line.label_zh and line.label_en for line in lines)


def test_computed_lines_say_their_formula() -> None:
    known = profile(
        demand_deposit_fen=100_000 * YUAN, monthly_repayment_fen=5_000 * YUAN,
        documented_monthly_income_fen=20_000 * YUAN,
    )  # fmt: skip
    lines = {line.label_en: line for line in portrait_lines(known)}
    investable, room = lines["Investable amount"], lines["Room for instalments, monthly"]
    assert (investable.amount_fen, room.amount_fen) == (70_000 * YUAN, 6_000 * YUAN)
    assert "30 天内到期定期−6 个月还款" in investable.source
    assert "55% of income − instalments" in room.source
    assert "Room for instalments, monthly" not in {line.label_en for line in portrait_lines(profile())}
