"""Studies abroad, paid for by a parent; and foreign currency, journeys and tuition that are nothing of the kind."""

from datetime import date
from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, Ints, index
from bench.synthetic_bank.ledger import firms, round_to
from bench.synthetic_bank.people import STUDENT
from bench.synthetic_bank.travel import salaried_abroad
from bench.synthetic_bank.truth import Cast

_TERMS: Final = ((date(2025, 9, 5), date(2025, 12, 18)), (date(2026, 1, 10), date(2026, 6, 12)))
_MILLION: Final = 1_000_000


def make_abroad(block: Block) -> None:
    """Make everything that has to do with other countries."""
    rng, people = block.rng(5), block.people
    cast = Cast(rng, people.n)
    _studies(block, rng, cast)
    _domestic_students(block, rng, cast)
    settled = (people.opened < 0) & (people.age > 28)
    _emigrant_relatives(block, rng, cast.take(settled & (people.age > 45), 0.012))
    _expats(block, rng, cast.take(salaried_abroad(block) & (people.opened < 100), 0.006))
    _tourists(block, rng, cast.take(settled & (people.age < 65), 0.03))
    _courses(block, rng, cast.take(settled & (people.age < 55), 0.015))
    _shoppers(block, rng, cast.take(settled & people.digital & (people.age < 50), 0.015))


def _parents_of(block: Block, cast: Cast, students: Ints) -> tuple[Ints, Ints]:
    """Return students with one parent each, old enough and with means; somebody who studies is still of the house."""
    people = block.people
    fit = (people.age >= 42) & (people.age <= 58) & (people.opened < 0) & (people.income > 600_000)
    parents = cast.take(fit, len(students) / people.n, len(students))
    students = students[: len(parents)]
    people.region[students], people.branch[students] = people.region[parents], people.branch[parents]
    block.truth.relation("households", parents, students)
    return students, parents


def _exchange(block: Block, rng: np.random.Generator, who: Ints, times: int, median: int, currency: Ints) -> None:
    """Buy foreign currency `times` times in the year."""
    people = block.people
    buyer = np.repeat(who, times)
    block.ledger.book(
        people.demand[buyer], day=rng.integers(0, DAYS, len(buyer)), second=block.seconds(rng, len(buyer)),
        amount=-round_to(median * rng.lognormal(0, 0.5, len(buyer)), 10_000), kind=kind("fx"),
        channel=channel("mobile"), party=people.first + buyer, party_kind=party("customer"),
        province=people.province[buyer], currency=np.repeat(currency, times),
    )  # fmt: skip


def _remit(block: Block, rng: np.random.Generator, who: Ints, times: int, median: int, country: Ints) -> None:
    """Send money to one person abroad."""
    people = block.people
    sender = np.repeat(who, times)
    block.ledger.book(
        people.demand[sender], day=rng.integers(0, DAYS, len(sender)), second=block.seconds(rng, len(sender)),
        amount=-round_to(median * rng.lognormal(0, 0.3, len(sender)), 10_000), kind=kind("transfer"),
        channel=channel("counter"), party=(people.first + sender) * 8 + 1, party_kind=party("outside"),
        country=np.repeat(country, times), currency=np.repeat(country, times), memo=memo("living"),
    )  # fmt: skip


def _studies(block: Block, rng: np.random.Generator, cast: Cast) -> None:
    people = block.people
    students = cast.take((people.segment == STUDENT) & (people.age >= 18), 0.010)
    students, parents = _parents_of(block, cast, students)
    n = len(students)
    country = rng.choice([1, 2, 3, 4, 5], n, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    for begins, ends in _TERMS:
        start = np.full(n, index(begins)) + rng.integers(-5, 6, n)
        people.away(students, start, np.full(n, (ends - begins).days), people.province[students], country)
    people.monthly_payments[students] = rng.gamma(6.0, 2.0, n)
    for month in range(12):
        tuition = month in {1, 6}
        amount = round_to(np.exp(rng.normal(15.2 if tuition else 13.4, 0.35, n)), 50_000)
        day = np.minimum(month * 30 + rng.integers(0, 28, n), DAYS - 1)
        paid = rng.random(n) < 0.9
        code = memo("tuition") if tuition else memo("living")
        memos = np.where(rng.random(n) < 0.5, code, 0)
        block.pay(
            parents[paid], students[paid], day[paid], amount[paid], block.seconds(rng, int(paid.sum())), memos[paid]
        )
    _exchange(block, rng, parents, 8, 2 * _MILLION, country)
    visits = rng.random(n) < 0.4
    start = rng.integers(70, 330, int(visits.sum()))
    people.away(
        parents[visits], start, rng.integers(5, 12, len(start)), people.province[parents[visits]], country[visits]
    )
    block.talk(rng, parents, students, 5.0, "evening")
    block.truth.trait("overseas_study", parents, 1.0, students)


def _domestic_students(block: Block, rng: np.random.Generator, cast: Cast) -> None:
    """Let a child study in another province of China."""
    people = block.people
    students = cast.take((people.segment == STUDENT) & (people.age >= 18), 0.015)
    students, parents = _parents_of(block, cast, students)
    where = (people.province[parents] + rng.integers(1, 7, len(parents))) % 7
    for begins, ends in _TERMS:
        start = np.full(len(students), index(begins))
        people.away(students, start, np.full(len(students), (ends - begins).days), where)
    amount = round_to(rng.normal(220_000, 50_000, len(students)).clip(100_000), 10_000)
    block.pay_monthly(rng, parents, students, amount, memo_code=memo("living"), after=12)
    block.talk(rng, parents, students, 5.0, "evening")
    block.truth.look_alike("domestic_student", parents, students)
    block.truth.look_alike("studies_away", students)


def _emigrant_relatives(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Somebody sends money to a grown relative who lives abroad for good."""
    country = rng.choice([1, 2, 4], len(who))
    _exchange(block, rng, who, 7, _MILLION, country)
    _remit(block, rng, who, 10, _MILLION, country)
    block.truth.look_alike("emigrant_relative", who)


def _expats(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Let foreigners working here send their pay home and spend their leave there."""
    people = block.people
    country = rng.choice([1, 2, 3, 4, 5], len(who))
    _exchange(block, rng, who, 11, _MILLION, country)
    _remit(block, rng, who, 6, _MILLION, country)
    for _ in range(2):
        people.away(who, rng.integers(0, 330, len(who)), rng.integers(10, 20, len(who)), people.province[who], country)
    block.truth.look_alike("expat_fx", who)


def _tourists(block: Block, rng: np.random.Generator, who: Ints) -> None:
    people = block.people
    country = rng.choice([1, 2, 3, 5], len(who))
    _exchange(block, rng, who, 1, _MILLION, country)
    start, days = rng.integers(0, 350, len(who)), rng.integers(5, 11, len(who))
    people.away(who, start, days, people.province[who], country)
    block.truth.look_alike("overseas_tourist", who)


def _courses(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Tuition in instalments, for his own evening course."""
    people = block.people
    buyer = np.repeat(who, 6)
    block.ledger.book(
        people.demand[buyer], day=rng.integers(0, DAYS, len(buyer)), second=block.seconds(rng, len(buyer), "evening"),
        amount=-round_to(rng.lognormal(12.8, 0.4, len(buyer)), 10_000), kind=kind("card"), channel=channel("online"),
        party=firms(rng, 8299, len(buyer)), party_kind=party("merchant"), mcc=8299, province=0,
        memo=memo("tuition"),
    )  # fmt: skip
    block.truth.look_alike("adult_course", who)


def _shoppers(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Orders from shops abroad, charged in their currency."""
    people = block.people
    buyer = np.repeat(who, rng.poisson(24, len(who)))
    country = rng.choice([1, 3, 5], len(buyer))
    block.ledger.book(
        people.demand[buyer], day=rng.integers(0, DAYS, len(buyer)), second=block.seconds(rng, len(buyer), "evening"),
        amount=-round_to(rng.lognormal(10.3, 0.7, len(buyer)), 1), kind=kind("card"), channel=channel("online"),
        party=rng.integers(0, 90_000, len(buyer)), party_kind=party("merchant"), mcc=5964, country=country,
        currency=country,
    )  # fmt: skip
    block.truth.look_alike("cross_border_shopper", who)
