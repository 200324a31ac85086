"""Everyday spending by card and in cash, where the customer is on that day; cards paid off."""

from datetime import date
from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, MONTH, MONTHS, Bools, Floats, Ints, index, monthly, season
from bench.synthetic_bank.ledger import round_to
from bench.synthetic_bank.truth import Cast

_MCC: Final = (
    # MCC, share, median fen, deviation, share online
    (5411, 0.24, 6_000, 0.7, 0.15), (5812, 0.17, 7_500, 0.7, 0.05), (5814, 0.12, 2_800, 0.4, 0.3),
    (5311, 0.12, 13_000, 0.8, 0.85), (5964, 0.05, 9_000, 0.8, 1.0), (4121, 0.08, 2_400, 0.5, 1.0),
    (5541, 0.05, 28_000, 0.3, 0.0), (4111, 0.06, 600, 0.6, 0.3), (5651, 0.04, 26_000, 0.7, 0.4),
    (7832, 0.02, 6_000, 0.4, 0.7), (5732, 0.015, 180_000, 0.8, 0.6), (8299, 0.005, 90_000, 0.7, 0.6),
    (4784, 0.03, 3_500, 0.6, 0.0),
)  # fmt: skip
_FUEL: Final = (5541, 4784)
_ECOMMERCE: Final = (5311, 5964)
_SPENT_SHARE: Final = 0.55
"""Share of income that goes into everyday spending, at the median."""


def make_spending(block: Block) -> None:
    """Book everyday spending where the customer is on that day."""
    rng, people = block.rng(9), block.people
    cast = Cast(rng, people.n)
    drivers = rng.random(people.n) < np.where(
        (people.age > 24) & (people.age < 65) & (people.income > 600_000), 0.5, 0.08
    )
    active = people.digital & (people.monthly_payments > 1.5) & ~block.truth.has("ecommerce_shopper", people.n)
    shoppers = cast.take(active & (people.age < 50), 0.055)
    company = cast.take(active & people.payroll, 0.03)
    burst = cast.take(active, 0.04)
    nurses = cast.take(people.payroll & (people.gender == 1) & (people.age < 50), 0.01)
    guards = cast.take(people.payroll & (people.gender == 0), 0.005)
    block.truth.trait("car_owner", np.flatnonzero(drivers))
    block.truth.trait("ecommerce_shopper", shoppers)
    block.truth.look_alike("buys_for_company", company)
    block.truth.look_alike("festival_shopper", burst)
    block.truth.look_alike("night_nurse", np.r_[nurses, guards])

    who = np.repeat(np.arange(people.n), rng.poisson(people.monthly_payments * MONTHS))
    mcc, median, deviation, online_share = _merchants(rng, who, drivers)
    fond = np.zeros(people.n, bool)
    fond[shoppers] = True
    to_shop = fond[who] & (rng.random(len(who)) < 0.5)
    mcc = np.where(to_shop, rng.choice(_ECOMMERCE, len(who)), mcc)
    median, deviation = np.where(to_shop, 12_000, median), np.where(to_shop, 0.8, deviation)
    online = (rng.random(len(who)) < np.where(to_shop, 0.95, online_share)) & people.digital[who]
    day = np.where(online, _days(rng, len(who), season(online=True)), _days(rng, len(who), season(online=False)))
    second = block.seconds(rng, len(who), "day")
    late = np.isin(who, np.r_[nurses, guards]) & (rng.random(len(who)) < 0.7)
    second[late] = block.seconds(rng, int(late.sum()), "night")
    amount = median * np.exp(deviation * rng.standard_normal(len(who)))
    amount *= _scale(block, who, amount)[who]
    _book(block, rng, who, day, second, round_to(amount, 1), online, np.asarray(mcc, np.int64))
    _for_company(block, rng, company)
    _at_the_sale(block, rng, burst)
    _cash(block, rng)


def _days(rng: np.random.Generator, n: int, weights: Floats) -> Ints:
    return np.minimum(np.searchsorted(np.cumsum(weights), rng.random(n)), DAYS - 1)


def _merchants(rng: np.random.Generator, who: Ints, drivers: np.ndarray) -> tuple[Ints, Floats, Floats, Floats]:
    code, share, median, deviation, online = (np.array(column) for column in zip(*_MCC, strict=True))
    drawn = np.searchsorted(np.cumsum(share / share.sum()), rng.random(len(who)))
    drawn = np.minimum(drawn, len(code) - 1)
    walks = np.isin(code[drawn], _FUEL) & ~drivers[who]
    drawn = np.where(walks, 0, drawn)
    return code[drawn], median[drawn], deviation[drawn], online[drawn]


def _scale(block: Block, who: Ints, amount: Floats) -> Floats:
    """Return a factor a customer, so that a year's spending stays near a share of his income."""
    people = block.people
    spent = np.bincount(who, amount, people.n)
    means = np.maximum(people.income, 150_000) * MONTHS * _SPENT_SHARE
    return np.asarray(np.clip(means / np.maximum(spent, 1.0), 0.25, 2.5))


def _book(
    block: Block, rng: np.random.Generator, who: Ints, day: Ints, second: Ints, amount: Ints, online: Bools, mcc: Ints
) -> None:
    people = block.people
    abroad = (people.country[who, day] > 0) & ~online
    seat = rng.choice([0, 12, 11, 10, 13, 4], len(who), p=[0.3, 0.3, 0.15, 0.1, 0.1, 0.05])
    province = np.where(online, seat, np.where(abroad, -1, people.place[who, day]))
    country = np.where(abroad, people.country[who, day], 0)
    by_card = (people.card[who] >= 0) & (rng.random(len(who)) < 0.65)
    block.ledger.book(
        np.where(by_card, people.card[who], people.demand[who]), day=day, second=second, amount=-amount,
        kind=kind("card"), channel=np.where(online, channel("online"), channel("pos")),
        party=rng.integers(0, 90_000, len(who)), party_kind=party("merchant"), mcc=mcc, province=province,
        country=country, currency=country,
    )  # fmt: skip


def _for_company(block: Block, rng: np.random.Generator, company: Ints) -> None:
    """Orders for the employer, refunded to the fen a few days later."""
    people = block.people
    buyer = np.repeat(company, rng.poisson(60, len(company)))
    day = rng.integers(0, DAYS - 14, len(buyer))
    amount = round_to(rng.lognormal(10.0, 0.8, len(buyer)), 1)
    second = block.seconds(rng, len(buyer))
    block.ledger.book(
        people.demand[buyer], day=day, second=second, amount=-amount, kind=kind("card"), channel=channel("online"),
        party=rng.integers(0, 90_000, len(buyer)), party_kind=party("merchant"), mcc=5311, province=12,
    )  # fmt: skip
    block.ledger.book(
        people.demand[buyer], day=day + rng.integers(3, 12, len(buyer)), second=second, amount=amount,
        kind=kind("refund"), channel=channel("system"), party=people.employer[buyer], party_kind=party("employer"),
        memo=memo("reimbursement"),
    )  # fmt: skip


def _at_the_sale(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Buy a great deal online at the November sale, and little else in the year."""
    buyer = np.repeat(who, rng.poisson(14, len(who)))
    day = index(date(2025, 11, 8)) + rng.integers(0, 5, len(buyer))
    amount = round_to(rng.lognormal(9.6, 0.8, len(buyer)), 1)
    block.ledger.book(
        block.people.demand[buyer],
        day=day,
        second=block.seconds(rng, len(buyer), "evening"),
        amount=-amount,
        kind=kind("card"),
        channel=channel("online"),
        party=rng.integers(0, 90_000, len(buyer)),
        party_kind=party("merchant"),
        mcc=5311,
        province=12,
        memo=memo("goods"),
    )


def _cash(block: Block, rng: np.random.Generator) -> None:
    people = block.people
    who = np.repeat(np.arange(people.n), rng.poisson(np.where(people.digital, 2.0, 9.0)))
    day = rng.integers(0, DAYS, len(who))
    second = block.seconds(rng, len(who))
    there = people.country[who, day] == 0
    block.ledger.book(
        people.demand[who], day=day, second=second, amount=-round_to(rng.lognormal(11.3, 0.6, len(who)), 10_000),
        kind=kind("cash"), channel=np.where(rng.random(len(who)) < 0.8, channel("atm"), channel("counter")),
        province=np.where(there, people.place[who, day], -1), country=people.country[who, day],
        currency=people.country[who, day],
    )  # fmt: skip


def pay_off_cards(block: Block) -> None:
    """Pay last month's card bill on the 5th, from the demand account. Comes after all spending."""
    people = block.people
    account, day, amount = block.ledger.booked_columns("account", "day", "amount")
    owner = np.full(block.ledger.count, -1, np.int64)
    holders = np.flatnonzero(people.card >= 0)
    owner[people.card[holders]] = holders
    spent = (owner[account] >= 0) & (day >= 0) & (day < DAYS)
    month, who = MONTH[day[spent]], owner[account[spent]]
    bills = np.bincount(who * MONTHS + month, -amount[spent], people.n * MONTHS).reshape(people.n, MONTHS)
    fifth = monthly(5)
    for month_number in range(1, MONTHS):
        bill = np.rint(bills[holders, month_number - 1]).astype(np.int64)
        for account_of, sign in ((people.demand, -1), (people.card, 1)):
            block.ledger.book(
                account_of[holders], day=int(fifth[month_number]), second=36_000, amount=sign * bill,
                kind=kind("repayment"), channel=channel("system"), party=people.first + holders,
                party_kind=party("customer"), province=-1, memo=memo("own_account"),
            )  # fmt: skip
