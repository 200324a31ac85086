"""The products of the synthetic bank: codes of the catalogue, with what the generator must know of them."""

from typing import Final, NamedTuple


class Product(NamedTuple):
    """`account` is the kind of account it opens, "" for a service; `margin` the bank's yearly share of the amount."""

    code: str
    category: str
    account: str
    risk: int
    margin: float
    base_logit: float


PRODUCTS: Final = (
    Product("demand_deposit", "deposit", "demand", 0, 0.0, 0.0),
    Product("credit_card", "card", "credit_card", 0, 0.0, 0.0),
    Product("car_loan", "loan", "loan", 0, 0.02, 0.0),
    Product("time_deposit", "deposit", "time", 0, 0.004, -1.2),
    Product("large_certificate", "deposit", "time", 0, 0.003, -1.6),
    Product("wealth_r1", "wealth", "wealth", 1, 0.003, -1.4),
    Product("wealth_r2", "wealth", "wealth", 2, 0.005, -1.5),
    Product("wealth_r3", "wealth", "wealth", 3, 0.008, -2.0),
    Product("wealth_r4", "wealth", "wealth", 4, 0.010, -2.5),
    Product("equity_r5", "wealth", "wealth", 5, 0.015, -3.0),
    Product("fund_money", "fund", "fund", 1, 0.003, -1.5),
    Product("fund_bond", "fund", "fund", 2, 0.006, -1.9),
    Product("fund_index", "fund", "fund", 4, 0.010, -2.2),
    Product("treasury_bond", "bond", "bond", 1, 0.002, -1.7),
    Product("precious_metal", "metal", "metal", 3, 0.012, -2.3),
    Product("annuity_insurance", "insurance", "insurance", 0, 0.06, -3.0),
    Product("etc_credit_card", "card", "", 0, 0.0, -2.2),
    Product("platinum_card", "card", "", 0, 0.0, -2.6),
    Product("overseas_card", "card", "", 0, 0.0, -3.0),
    Product("consumer_loan", "loan", "loan", 0, 0.03, -2.6),
    Product("business_loan", "loan", "loan", 0, 0.025, -3.2),
    Product("mortgage", "loan", "loan", 0, 0.012, -3.6),
    Product("study_loan", "loan", "loan", 0, 0.015, -4.0),
    Product("mobile_bank", "service", "", 0, 0.0, -1.0),
    Product("e_bank", "service", "", 0, 0.0, -1.6),
    Product("sms", "service", "", 0, 0.0, -1.3),
    Product("debit_card_upgrade", "service", "", 0, 0.0, -1.8),
    Product("fx_account", "service", "", 0, 0.0, -2.8),
    Product("remittance", "service", "", 0, 0.0, -3.2),
    Product("custody", "service", "", 0, 0.0, -2.8),
    Product("private_banking", "service", "", 0, 0.0, -3.6),
)
CODES: Final = tuple(product.code for product in PRODUCTS)
OFFERED: Final = tuple(range(3, len(PRODUCTS)))
"""Numbers of the products that can be offered in the branch."""

FLAT_MARGIN_FEN: Final = {"card": 12_000, "service": 2_500}
"""Margin of a sale without an amount."""


def number(code: str) -> int:
    """Return the number of a product."""
    return CODES.index(code)
