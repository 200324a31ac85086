"""Accounts of everyday life and what comes in and goes out by the month: pay, pensions, takings, bills."""

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, MONTHS, PAYDAYS, Ints, monthly
from bench.synthetic_bank.ledger import ACCOUNT_KINDS, STRANGERS, firms, round_to
from bench.synthetic_bank.people import HOMEMAKER, RETIRED, SALARIED, SELF_EMPLOYED, STUDENT
from bench.synthetic_bank.products import number
from bench.synthetic_bank.truth import Cast


def open_demand(block: Block) -> None:
    """Open a demand account for everybody and a credit card for many of the employed."""
    rng, people = block.rng(6), block.people
    everyone = np.arange(people.n)
    opening = round_to(people.assets * rng.beta(1.4, 3.2, people.n), 1)
    people.demand = block.ledger.open(
        everyone, kind=0, product=number("demand_deposit"), opened=people.opened,
        opening=np.where(people.opened < 0, opening, np.minimum(opening, 500_000)),
    )  # fmt: skip
    has = (rng.random(people.n) < np.where(people.documented, 0.5, 0.08)) & (people.age < 65) & (people.age >= 20)
    holders = np.flatnonzero(has & (people.opened < -60))
    people.card = np.full(people.n, -1, np.int64)
    limit = round_to(np.maximum(people.income[holders], 200_000) * 3.0, 100_000)
    people.card[holders] = block.ledger.open(
        holders, kind=ACCOUNT_KINDS.index("credit_card"), product=number("credit_card"), principal=limit,
        opened=people.opened[holders] + rng.integers(5, 50, len(holders)),
        opening=round_to(people.income[holders] * rng.uniform(0.05, 0.5, len(holders)) + 1, 1),
    )  # fmt: skip


def make_income(block: Block) -> None:
    """Book what customers live on."""
    rng, people = block.rng(7), block.people
    cast = Cast(rng, people.n)
    split = cast.take(people.payroll & (people.opened < 100), 0.03)
    _pay(block, rng, split)
    _pensions(block, rng)
    _irregular(block, rng)
    supported = np.flatnonzero((people.segment == HOMEMAKER) | (people.segment == STUDENT))
    _support(block, rng, supported)
    block.truth.look_alike("supported_spouse", np.flatnonzero(people.segment == HOMEMAKER))
    block.truth.trait("true_monthly_income", np.arange(people.n), people.income)


def _pay(block: Block, rng: np.random.Generator, split: Ints) -> None:
    """Salary on the employer's payday, a bonus in January; some have half of it paid to another bank."""
    people = block.people
    part = np.ones(people.n)
    part[split] = 0.5
    # The documents of a split salary are at the other bank.
    people.documented[split[rng.random(len(split)) < 0.7]] = False
    block.truth.look_alike("salary_split", split)
    leaving = block.truth.has("asset_churn", people.n)
    for month in range(MONTHS):
        who = np.flatnonzero(people.payroll & ~(leaving & (month >= 9)))
        bonus = 1.0 + (month == 6) * rng.gamma(1.5, 0.8, len(who))
        amount = round_to(people.income[who] * part[who] * bonus * rng.normal(1, 0.012, len(who)), 1)
        day = PAYDAYS[people.payday[who], month]
        _receive(block, who, day, rng.integers(3_600, 30_000, len(who)), amount, "salary", people.employer[who])
        own = split[rng.random(len(split)) < 0.93]
        amount = round_to(people.income[own] * 0.45, 10_000)
        _receive(block, own, PAYDAYS[people.payday[own], month] + 1, block.seconds(rng, len(own)), amount, "transfer",
                 (people.first + own) * 8, memo("own_account"))  # fmt: skip
    elsewhere = np.flatnonzero((people.segment == SALARIED) & ~people.payroll)
    for month in range(MONTHS):
        day = PAYDAYS[people.payday[elsewhere], month] + rng.integers(0, 4, len(elsewhere))
        amount = round_to(people.income[elsewhere] * 0.7 * rng.normal(1, 0.06, len(elsewhere)).clip(0.5), 10_000)
        _receive(block, elsewhere, day, block.seconds(rng, len(elsewhere)), amount, "transfer",
                 (people.first + elsewhere) * 8, memo("own_account"))  # fmt: skip


def _receive(
    block: Block, who: Ints, day: Ints, second: Ints, amount: Ints, kind_name: str, other: Ints, memo_code: int = 0
) -> None:
    salary = kind_name == "salary"
    block.ledger.book(
        block.people.demand[who], day=day, second=second, amount=amount, kind=kind(kind_name),
        channel=channel("system" if salary else "mobile"), party=other,
        party_kind=party("employer" if salary else "outside"), memo=memo("salary") if salary else memo_code,
    )  # fmt: skip


def _pensions(block: Block, rng: np.random.Generator) -> None:
    people = block.people
    who = np.flatnonzero((people.segment == RETIRED) & (rng.random(people.n) < 0.85))
    for month in range(MONTHS):
        _receive(block, who, PAYDAYS[1, month] + 0 * who, 20_000 + 0 * who, people.income[who], "salary", 0 * who)


def _irregular(block: Block, rng: np.random.Generator) -> None:
    """Book takings of the self-employed: from many, at any time, in uneven sums and months."""
    people = block.people
    own = np.flatnonzero(people.segment == SELF_EMPLOYED)
    mood = rng.gamma(1.6, 1 / 1.6, (len(own), MONTHS))
    times = rng.poisson(5.0 * mood)
    row, month = np.nonzero(times)
    row, month = np.repeat(row, times[row, month]), np.repeat(month, times[row, month])
    day = np.minimum((month * 30.4).astype(np.int64) + rng.integers(0, 30, len(row)), DAYS - 1)
    amount = round_to(people.income[own[row]] / 5.0 * rng.lognormal(-0.3, 0.8, len(row)), 100)
    payer = STRANGERS + rng.integers(0, 40_000_000, len(row))
    _receive(block, own[row], day, block.seconds(rng, len(row)), amount, "transfer", payer,
             memo("goods"))  # fmt: skip
    block.truth.trait("undocumented_income", own[~people.documented[own]])
    block.truth.look_alike("documented_business", own[people.documented[own]])


def _support(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Receive a fixed sum every month from a relative at another bank."""
    on = rng.integers(1, 28, len(who))
    amount = round_to(rng.lognormal(12.3, 0.4, len(who)), 10_000)
    for month in range(MONTHS):
        paid = rng.random(len(who)) < 0.95
        day = np.minimum(month * 30 + on, DAYS - 1)
        _receive(block, who[paid], day[paid], block.seconds(rng, int(paid.sum())), amount[paid], "transfer",
                 (block.people.first + who[paid]) * 8 + 2, memo("living"))  # fmt: skip


def make_bills(block: Block) -> None:
    """Power and telephone, monthly, for most."""
    rng, people = block.rng(8), block.people
    for on, mcc, share, median in ((8, 4900, 0.5, 22_000), (17, 4814, 0.6, 7_900)):
        who = np.flatnonzero((rng.random(people.n) < share) & (people.segment != STUDENT))
        day = np.repeat(monthly(on), len(who)) + np.tile(rng.integers(0, 3, len(who)), MONTHS)
        payer = np.tile(who, MONTHS)
        amount = round_to(np.tile(median * rng.lognormal(0, 0.4, len(who)), MONTHS) * rng.normal(1, 0.1, len(payer)), 1)
        block.ledger.book(
            people.demand[payer], day=day, second=30_000, amount=-amount, kind=kind("utility"),
            channel=channel("system"), party=np.tile(firms(rng, mcc, len(who)), MONTHS),
            party_kind=party("merchant"), mcc=mcc, province=people.province[payer],
        )  # fmt: skip
