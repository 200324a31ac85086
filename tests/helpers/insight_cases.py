"""Customers of whom an insight is true, and look-alikes of whom it is not, each a story of a few lines."""

from collections.abc import Callable

from bank_tables import Tables, ago, day
from insight_relations import (
    business_trips,
    commuter,
    couple,
    debtor,
    emigrant_relative,
    grown_relative,
    landlord,
    lives_there,
    long_project,
    migrant_worker,
    nanny,
    no_exchange,
    not_after_payday,
    online_orders,
    parent,
    shared_card,
    student_abroad,
    student_at_home,
    travelling_couple,
)

Case = Callable[[Tables, str], None]
"""Adds one story; its customer has the name given, a second one that name and `+`."""


def inflows(tables: Tables, name: str, *, payers: int = 10, **columns: object) -> None:
    tables.customer(name, **columns)  # type: ignore[arg-type]
    for number in range(20):
        amount = 1_000_000 * (1 + number % 5 * 3)
        tables.transaction(
            name, 3 + 14 * number, amount, counterparty_id=f"X{name}{number % payers}", counterparty_kind="outside"
        )


def own_business(tables: Tables, name: str) -> None:
    inflows(tables, name)


def documented_business(tables: Tables, name: str) -> None:
    inflows(tables, name, documented_monthly_income_fen=2_000_000)


def split_salary(tables: Tables, name: str) -> None:
    inflows(tables, name)
    tables.salaries(name)


def supported(tables: Tables, name: str) -> None:
    tables.customer(name)
    for month in range(12):
        tables.transaction(name, 5 + 30 * month, 500_000, counterparty_id="X7", counterparty_kind="outside")


def refunded(tables: Tables, name: str) -> None:
    tables.customer(name)
    for number in range(20):
        tables.transaction(
            name,
            14 * number,
            90_000 * (1 + number % 4),
            kind="refund",
            counterparty_id="E1",
            counterparty_kind="employer",
        )


def form(
    tables: Tables, name: str, kind: str, seconds: float, days_ago: float = 20, fields: int = 18, **columns: bool
) -> None:
    completed = columns.get("completed", True)
    tables.add(
        "form_events",
        customer_id=name,
        at_ms=ago(days_ago),
        form=kind,
        fields=fields,
        seconds=seconds,
        completed=completed,
    )


def newcomer(tables: Tables, name: str) -> None:
    tables.customer(name, opened_on=day(60))


def brokers(tables: Tables, name: str) -> None:
    for number in range(3):
        tables.transaction(name, 10 * number + 1, -500_000, counterparty_kind="merchant", merchant_category="6211")


def experienced(tables: Tables, name: str) -> None:
    newcomer(tables, name)
    form(tables, name, "wealth", 60)
    brokers(tables, name)


def clerk_filled(tables: Tables, name: str) -> None:
    newcomer(tables, name)
    form(tables, name, "wealth", 60)


def abandoned_form(tables: Tables, name: str) -> None:
    newcomer(tables, name)
    form(tables, name, "wealth", 60, completed=False)
    brokers(tables, name)


def repeated_form(tables: Tables, name: str) -> None:
    experienced(tables, name)
    form(tables, name, "wealth", 200, days_ago=40)


def lenders(tables: Tables, name: str) -> None:
    for number in range(4):
        tables.transaction(name, 20 * number + 1, -200_000, counterparty_kind="merchant", merchant_category="6012")


def hasty(tables: Tables, name: str) -> None:
    tables.customer(name)
    form(tables, name, "credit", 40)
    lenders(tables, name)


def prefilled(tables: Tables, name: str) -> None:
    tables.customer(name)
    form(tables, name, "credit", 14, fields=5)
    lenders(tables, name)


def night_nurse(tables: Tables, name: str) -> None:
    tables.customer(name)
    form(tables, name, "credit", 190, days_ago=20.45)
    tables.salaries(name)


def interrupted(tables: Tables, name: str) -> None:
    tables.customer(name)
    form(tables, name, "credit", 1_500)
    lenders(tables, name)


def quick_only(tables: Tables, name: str) -> None:
    tables.customer(name)
    form(tables, name, "credit", 40)


def pages(tables: Tables, name: str, dwell_s: float, sessions: int, *, views: int = 1, focused: bool = True) -> None:
    tables.customer(name)
    for number in range(sessions):
        for view in range(views):
            tables.add(
                "ad_events", customer_id=name, session_id=f"S{name}{number}", at_ms=ago(3 * number + view * 0.01),
                product_code="fund_bond", dwell_s=dwell_s, focused=focused,
            )  # fmt: skip


def keen(tables: Tables, name: str) -> None:
    pages(tables, name, 60, 4)


def one_long_session(tables: Tables, name: str) -> None:
    pages(tables, name, 200, 1, views=5)


def phone_left_open(tables: Tables, name: str) -> None:
    pages(tables, name, 1_500, 4)


def in_background(tables: Tables, name: str) -> None:
    pages(tables, name, 60, 4, focused=False)


def searches_only(tables: Tables, name: str) -> None:
    tables.customer(name)
    for number in range(9):
        tables.add("search_events", customer_id=name, at_ms=ago(number), topic="fund_bond")


def bought(
    tables: Tables, name: str, levels: list[int], assessed: int, *, terms: list[int] | None = None, first: int = 10
) -> None:
    tables.customer(name)
    tables.add("risk_assessments", customer_id=name, assessed_on=day(50), level=assessed)
    for number, level in enumerate(levels):
        term = terms[number] if terms else None
        tables.add(
            "purchases", customer_id=name, at_ms=ago(first + 25 * number), product_code=f"wealth_r{level}",
            category="wealth", risk_level=level, term_days=term, amount_fen=1_000_000 + number * 10_000,
        )  # fmt: skip
        tables.add(
            "accounts", account_id=f"W{number}-{name}", customer_id=name, kind="wealth",
            opened_on=day(first + 25 * number), term_days=term, risk_level=level,
        )  # fmt: skip


def bold(tables: Tables, name: str) -> None:
    bought(tables, name, [4, 5, 4, 3], 4)


def gift(tables: Tables, name: str) -> None:
    bought(tables, name, [1], 5)


def campaign(tables: Tables, name: str) -> None:
    bought(tables, name, [4], 4)


def cautious(tables: Tables, name: str) -> None:
    bought(tables, name, [1, 2, 1, 1, 2], 3)


def short_terms(tables: Tables, name: str) -> None:
    bought(tables, name, [2, 2, 2, 2], 3, terms=[30, 60, 60, 90])


def rate_waiter(tables: Tables, name: str) -> None:
    tables.customer(name)
    for number in range(6):
        tables.add(
            "purchases", customer_id=name, at_ms=ago(5 + 30 * number), product_code="wealth_r1", category="wealth",
            risk_level=1, term_days=30, amount_fen=1_000_000,
        )  # fmt: skip


def one_short_term(tables: Tables, name: str) -> None:
    bought(tables, name, [2, 2, 2, 2], 3, terms=[30, 365, 365, 730])


def shops(tables: Tables, name: str, categories: tuple[str, ...] = ("5311", "5964")) -> None:
    tables.customer(name)
    tables.add("services", customer_id=name, service="mobile_bank")
    for number in range(30):
        tables.transaction(
            name,
            5 * number,
            -9_000,
            kind="card",
            channel="online",
            merchant_category=categories[number % len(categories)],
        )


def online_shopper(tables: Tables, name: str) -> None:
    shops(tables, name)


def buys_for_company(tables: Tables, name: str) -> None:
    shops(tables, name)
    for number in range(10):
        tables.transaction(name, 15 * number, 9_000, kind="refund", counterparty_id="E1", counterparty_kind="employer")


def one_supplier(tables: Tables, name: str) -> None:
    shops(tables, name, ("5964",))


TRUE_CASES: tuple[tuple[str, Case], ...] = (
    ("household", couple), ("household", travelling_couple), ("overseas_study", student_abroad), ("commutes", commuter),
    ("undocumented_income", own_business), ("experienced_elsewhere", experienced), ("hasty_credit", hasty),
    ("product_interest", keen), ("risk_bold", bold), ("risk_cautious", cautious), ("liquidity_need", short_terms),
    ("ecommerce_shopper", online_shopper),
)  # fmt: skip
LOOK_ALIKES: tuple[tuple[str, Case], ...] = (
    ("household", nanny), ("household", parent), ("household", landlord), ("household", debtor),
    ("household", not_after_payday), ("overseas_study", student_at_home), ("overseas_study", no_exchange),
    ("overseas_study", emigrant_relative), ("overseas_study", grown_relative), ("commutes", business_trips),
    ("commutes", long_project), ("commutes", migrant_worker), ("commutes", lives_there), ("commutes", shared_card),
    ("commutes", online_orders), ("undocumented_income", documented_business), ("undocumented_income", split_salary),
    ("undocumented_income", supported), ("undocumented_income", refunded), ("experienced_elsewhere", clerk_filled),
    ("experienced_elsewhere", abandoned_form), ("experienced_elsewhere", repeated_form), ("hasty_credit", prefilled),
    ("hasty_credit", night_nurse), ("hasty_credit", interrupted), ("hasty_credit", quick_only),
    ("product_interest", one_long_session), ("product_interest", phone_left_open), ("product_interest", in_background),
    ("product_interest", searches_only), ("risk_bold", gift), ("risk_bold", campaign), ("risk_cautious", gift),
    ("liquidity_need", rate_waiter), ("liquidity_need", one_short_term), ("ecommerce_shopper", buys_for_company),
    ("ecommerce_shopper", one_supplier),
)  # fmt: skip
