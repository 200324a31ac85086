"""What customers buy and owe: purchases by appetite and need for liquidity, their accounts, maturities, loans."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, Bools, Ints, monthly
from bench.synthetic_bank.ledger import ACCOUNT_KINDS, NEVER, round_to
from bench.synthetic_bank.people import SALARIED, SELF_EMPLOYED
from bench.synthetic_bank.products import PRODUCTS, number
from bench.synthetic_bank.truth import Cast

_HISTORY: Final = 720
"""Purchases of so many days before the span are on record."""
_LONG: Final = np.array([180, 365, 365, 730, 1095])
_SHORT: Final = np.array([7, 30, 60, 90])
_BY_RISK: Final = (
    ("wealth_r1", "fund_money", "treasury_bond"), ("wealth_r2", "fund_bond"), ("wealth_r3", "precious_metal"),
    ("wealth_r4", "fund_index"), ("equity_r5",),
)  # fmt: skip
_YEARLY_INTEREST: Final = 0.018
_LARGE_CERTIFICATE_FEN: Final = 20_000_000
ACCOUNT_OF: Final = np.array([ACCOUNT_KINDS.index(p.account) if p.account else -1 for p in PRODUCTS])
RISK_OF: Final = np.array([product.risk for product in PRODUCTS])


@dataclass(slots=True)
class Purchases:
    """Columns of purchases; `term` 0 without one."""

    who: Ints
    day: Ints
    product: Ints
    term: Ints
    amount: Ints

    def then(self, other: "Purchases") -> "Purchases":
        """Return both."""
        columns = ("who", "day", "product", "term", "amount")
        return Purchases(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in columns))

    def only(self, mask: Bools) -> "Purchases":
        """Return some of them."""
        return Purchases(self.who[mask], self.day[mask], self.product[mask], self.term[mask], self.amount[mask])

    @property
    def matures(self) -> Ints:
        """Day on which each is due; `NEVER` without a term."""
        return np.where(self.term > 0, self.day + self.term, NEVER)


def plan_purchases(block: Block) -> Purchases:
    """Draw what customers buy of their own accord, with the habits that the truth names."""
    rng, people = block.rng(10), block.people
    cast = Cast(rng, people.n)
    rate = np.select(
        [people.assets < 5_000_000, people.assets < 20_000_000, people.assets < 100_000_000], [0.25, 1.2, 3], 5
    )
    count = np.where((people.age >= 20) & (people.opened < 250), rng.poisson(rate), 0)
    invests = (people.assessed > 0) & (people.assets > 3_000_000)
    liquid = cast.take(invests, 0.05)
    waiting = cast.take(invests, 0.03)
    once_short = cast.take(invests, 0.03)
    gift = cast.take(invests & (people.appetite >= 4) & (people.assessed >= 4), 0.015)
    campaign = cast.take(invests & (people.appetite <= 3) & (people.assessed >= 3), 0.015)
    count[liquid] = 4 + rng.poisson(3, len(liquid))
    count[waiting], count[once_short] = 2, 4 + rng.poisson(1, len(once_short))
    count[gift] = count[campaign] = 1
    who = np.repeat(np.arange(people.n), count)
    since = np.maximum(people.opened[who] + 5, -_HISTORY)
    day = np.asarray(since + rng.random(len(who)) * (DAYS - 1 - since), np.int64)
    risk = _risks(block, rng, who, gift, campaign)
    product = _products(rng, risk)
    term = _terms(rng, who, product, {"liquid": liquid, "waiting": waiting, "once": once_short})
    amount = round_to(np.clip(people.assets[who] * rng.uniform(0.05, 0.3, len(who)), 1_000_000, 5e9), 1_000_000)
    small = np.isin(who, np.r_[gift, campaign])
    amount[small] = 1_000_000
    certificate = (product == number("time_deposit")) & (amount >= _LARGE_CERTIFICATE_FEN) & (term >= 365)
    product = np.where(certificate, number("large_certificate"), product)
    truth = block.truth
    bought = np.bincount(who[risk > 0], minlength=people.n)
    known = np.flatnonzero((people.assessed > 0) & (bought >= 1) & ~np.isin(np.arange(people.n), np.r_[gift, campaign]))
    truth.trait("risk_appetite", known, people.appetite[known])
    truth.trait("liquidity_need", liquid)
    for name, those in (
        ("rate_waiter", waiting), ("one_short_term", once_short), ("gift_purchase", gift),
        ("campaign_purchase", campaign),
    ):  # fmt: skip
        truth.look_alike(name, those)
    return _renewed(block, rng, Purchases(who, day, product, term, amount))


def _risks(block: Block, rng: np.random.Generator, who: Ints, gift: Ints, campaign: Ints) -> Ints:
    """Draw the risk level of each purchase, 0 for a deposit; never above the assessed level."""
    people = block.people
    step = rng.choice([-2, -1, 0, 1], len(who), p=[0.06, 0.24, 0.62, 0.08])
    risk = np.clip(people.appetite[who] + step, 1, 5)
    risk = np.minimum(risk, people.assessed[who])
    deposit = rng.random(len(who)) < np.where(people.appetite[who] <= 2, 0.5, 0.22)
    risk = np.where(deposit, 0, risk)
    risk[np.isin(who, gift)] = 1
    risk[np.isin(who, campaign)] = 3
    return np.asarray(risk, np.int64)


def _products(rng: np.random.Generator, risk: Ints) -> Ints:
    product = np.full(len(risk), number("time_deposit"))
    insured = (risk == 0) & (rng.random(len(risk)) < 0.08)
    product[insured] = number("annuity_insurance")
    for level, codes in enumerate(_BY_RISK, 1):
        those = np.flatnonzero(risk == level)
        weights = np.array([3.0, 1.0, 1.0][: len(codes)])
        product[those] = rng.choice([number(code) for code in codes], len(those), p=weights / weights.sum())
    return product


def _terms(rng: np.random.Generator, who: Ints, product: Ints, habits: dict[str, Ints]) -> Ints:
    """Draw terms in days: short ones for whoever needs the money soon."""
    short = rng.choice(_SHORT, len(who))
    mixed = np.where(rng.random(len(who)) < 0.2, 90, rng.choice(_LONG, len(who)))
    first = np.r_[True, who[1:] != who[:-1]] if len(who) else np.zeros(0, bool)
    soon = np.isin(who, np.r_[habits["liquid"], habits["waiting"]]) | (np.isin(who, habits["once"]) & first)
    term = np.where(soon, short, np.where(np.isin(who, habits["once"]), rng.choice(_LONG, len(who)), mixed))
    kinds = ACCOUNT_OF[product]
    term = np.where(kinds == ACCOUNT_KINDS.index("bond"), 1095, term)
    deposit = kinds == ACCOUNT_KINDS.index("time")
    term = np.where(deposit, np.maximum(term, 90), term)
    dated = deposit | np.isin(kinds, [ACCOUNT_KINDS.index("wealth"), ACCOUNT_KINDS.index("bond")])
    return np.where(dated, term, 0)


def _renewed(block: Block, rng: np.random.Generator, bought: Purchases) -> Purchases:
    """Let two thirds of what falls due be bought again, on the same day."""
    people = block.people
    leaving = block.truth.has("asset_churn", people.n)
    newest = bought
    for _ in range(8):
        due = newest.matures
        again = (due < DAYS - 1) & (rng.random(len(due)) < 0.66) & ~(leaving[newest.who] & (due > 200))
        newest = newest.only(again)
        newest = Purchases(newest.who, due[again], newest.product, newest.term, newest.amount)
        bought = bought.then(newest)
    return bought


def settle_purchases(block: Block, bought: Purchases) -> None:
    """Open the accounts of purchases, book payment and redemption, write the purchases down."""
    rng, people = block.rng(11), block.people
    bought = bought.only(bought.day > people.opened[bought.who])
    second = block.seconds(rng, len(bought.who))
    block.event(
        "purchases", bought.who, day=bought.day, second=second, product=bought.product,
        term=bought.term, amount=bought.amount,
    )  # fmt: skip
    held = (bought.matures >= 0) & (ACCOUNT_OF[bought.product] >= 0)
    bought, second = bought.only(held), second[held]
    sold = np.where((bought.term == 0) & (rng.random(len(bought.who)) < 0.15), bought.day + 60, NEVER)
    sold = np.where(sold < 0, NEVER, sold)
    ends = np.minimum(bought.matures, sold)
    account = block.ledger.open(
        bought.who, kind=ACCOUNT_OF[bought.product], product=bought.product, opened=bought.day,
        closed=np.where(ends < DAYS, ends, NEVER), principal=bought.amount, term=bought.term, matures=bought.matures,
        risk=RISK_OF[bought.product], opening=np.where(bought.day < 0, bought.amount, 0),
    )  # fmt: skip
    years = (np.minimum(ends, DAYS) - bought.day) / 365
    back = bought.amount + np.rint(bought.amount * _YEARLY_INTEREST * years).astype(np.int64)
    for when, amount, at in ((bought.day, bought.amount, second), (ends, -bought.amount, np.full_like(second, 20_000))):
        _move(block, bought.who, account, when, amount, at, np.where(amount < 0, back, amount))


def _move(block: Block, who: Ints, account: Ints, day: Ints, amount: Ints, second: Ints, paid: Ints) -> None:
    """Move money between demand and another account; on return `paid` holds interest too."""
    people = block.people
    real = (day >= 0) & (day < DAYS) & (day > people.opened[who])
    sign = np.sign(amount)
    for target, change in ((account, amount), (people.demand[who], -sign * paid)):
        block.ledger.book(
            target[real], day=day[real], second=second[real], amount=change[real], kind=kind("transfer"),
            channel=channel("mobile"), party=people.first + who[real], party_kind=party("customer"), province=-1,
            memo=memo("own_account"),
        )  # fmt: skip


def make_loans(block: Block) -> None:
    """Mortgages, car, business and consumer loans with monthly instalments on the 20th."""
    rng, people = block.rng(12), block.people
    cast = Cast(rng, people.n)
    able = people.documented & (people.opened < -800) & (people.age < 56) & (people.age > 26)
    for code, fit, share, months, times in (
        ("mortgage", able & (people.segment == SALARIED), 0.08, 300, 60.0),
        ("car_loan", able, 0.03, 36, 9.0),
        ("business_loan", people.segment == SELF_EMPLOYED, 0.01, 36, 20.0),
        ("consumer_loan", able, 0.03, 24, 6.0),
    ):
        who = cast.take(fit & (people.opened < -800), share)
        principal = round_to(people.income[who] * times * rng.uniform(0.5, 1.1, len(who)) + 100_000, 100_000)
        passed = rng.integers(1, min(months - 14, 22), len(who))
        if code == "mortgage":
            block.truth.trait("homeowner", who)
        _repay(block, who, number(code), principal, months, passed)


def _repay(block: Block, who: Ints, product: int, principal: Ints, months: int, passed: Ints) -> None:
    """Open loans `passed` months before the span, and repay equal instalments at 4.2 % a year."""
    people = block.people
    monthly_rate = 0.042 / 12
    instalment = np.ceil(principal * monthly_rate / (1 - (1 + monthly_rate) ** -months)).astype(np.int64)
    grown = (1 + monthly_rate) ** passed
    owed = np.rint(principal * grown - instalment * (grown - 1) / monthly_rate).astype(np.int64)
    account = block.ledger.open(
        who, kind=ACCOUNT_KINDS.index("loan"), product=product, opened=-passed * 30 - 10, principal=principal,
        term=months * 30, matures=-passed * 30 - 10 + months * 30, repayment=instalment, opening=owed,
    )  # fmt: skip
    for day in monthly(20).tolist():
        interest = np.rint(owed * monthly_rate).astype(np.int64)
        owed = owed + interest - instalment
        for target, change, name in (
            (account, -interest, "interest"), (account, instalment, "repayment"),
            (people.demand[who], -instalment, "repayment"),
        ):  # fmt: skip
            block.ledger.book(
                target, day=day, second=32_000, amount=change, kind=kind(name), channel=channel("system"),
                party=people.first + who, party_kind=party("customer"), memo=memo("loan"),
            )  # fmt: skip
