"""Who belongs to whom: households, colleagues, people of one home town; and relations that only look like these."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, memo
from bench.synthetic_bank.days import DAYS, SPRING_FESTIVAL, SUMMER, WEEKDAY, Bools, Ints
from bench.synthetic_bank.ledger import round_to
from bench.synthetic_bank.people import RETIRED, SALARIED, SELF_EMPLOYED
from bench.synthetic_bank.truth import Cast

_YUAN100: Final = 10_000
"""A hundred yuan, in fen."""


def make_relations(block: Block) -> None:
    """Make all relations of a block."""
    rng, people = block.rng(1), block.people
    cast = Cast(rng, people.n)
    _households(block, rng, cast)
    earning = people.payroll & (people.opened < 120)
    _rent_and_nannies(block, rng, cast, earning)
    _debts(block, rng, cast, earning)
    _parents(block, rng, cast, earning)
    _roommates(block, rng, cast, earning)
    _colleagues(block, rng)
    _home_towns(block, rng)


def _households(block: Block, rng: np.random.Generator, cast: Cast) -> None:
    """Couples: most share a fixed sum after payday, talk, travel together; each sign is missing in some."""
    people = block.people
    adult = (people.age >= 24) & (people.age <= 60)
    payer = cast.take(adult & people.payroll, 0.085)
    partner = _partners(block, cast, payer)
    payer, partner = payer[partner >= 0], partner[partner >= 0]
    people.branch[partner], people.province[partner] = people.branch[payer], people.province[payer]
    people.place[partner] = people.province[payer][:, None]
    n = len(payer)
    careful = rng.random(n) < 0.4
    people.appetite[partner[careful]] = np.minimum(people.appetite[partner[careful]], 2)
    people.assessed[partner[careful]] = people.appetite[partner[careful]]
    block.truth.relation("households", payer, partner)
    pays = rng.random(n) < 0.7
    amount = round_to(people.income[payer] * rng.uniform(0.15, 0.45, n), 5 * _YUAN100)
    block.pay_monthly(rng, payer[pays], partner[pays], amount[pays], memo_code=memo("living"))
    talks = rng.random(n) < 0.75
    block.talk(rng, payer[talks], partner[talks], rng.gamma(4.0, 1.6, int(talks.sum())))
    travels = np.flatnonzero(rng.random(n) < 0.6)
    for _ in range(3):
        start = _holiday_start(rng, len(travels))
        days, where = rng.integers(2, 7, len(travels)), rng.integers(1, 18, len(travels))
        for who in (payer[travels], partner[travels]):
            people.away(who, start, days, where)


def _holiday_start(rng: np.random.Generator, n: int) -> Ints:
    """Return first days of journeys: a Friday or the summer, as families travel."""
    fridays = np.flatnonzero(WEEKDAY == 4)
    summer = rng.integers(SUMMER.start, SUMMER.stop - 6, n)
    return np.where(rng.random(n) < 0.35, summer, rng.choice(fridays, n))


def _partners(block: Block, cast: Cast, payer: Ints) -> Ints:
    """Return a partner of the other sex and about the same age for each; -1 where there is none."""
    people = block.people
    partner = np.full(len(payer), -1, np.int64)
    for gender in (0, 1):
        seeking = np.flatnonzero(people.gender[payer] == gender)
        pool = np.flatnonzero((people.gender != gender) & (people.age >= 23) & (people.age <= 60))
        pool = pool[cast.free(pool)]
        pool = pool[np.argsort(people.age[pool], kind="stable")]
        seeking = seeking[np.argsort(people.age[payer[seeking]], kind="stable")]
        at = 0
        for seeker in seeking.tolist():
            at = max(at, int(np.searchsorted(people.age[pool], people.age[payer[seeker]] - 3)))
            if at < len(pool) and abs(int(people.age[pool[at]]) - int(people.age[payer[seeker]])) <= 8:
                partner[seeker] = pool[at]
                at += 1
        cast.reserve(partner[partner >= 0])
    return partner


def _rent_and_nannies(block: Block, rng: np.random.Generator, cast: Cast, earning: Bools) -> None:
    """Rent and wages of a nanny are fixed and follow payday too; but no journeys, and no evening calls."""
    people = block.people
    landlord = cast.take((people.age >= 38) & (people.segment != SELF_EMPLOYED), 0.022)
    tenant = cast.take(earning & (people.age < 45), 0.045)
    owner = landlord[rng.integers(0, len(landlord), len(tenant))]
    rent = round_to(np.clip(people.income[tenant] * rng.uniform(0.15, 0.4, len(tenant)), 80_000, 1_500_000), _YUAN100)
    block.pay_monthly(rng, tenant, owner, rent, memo_code=memo("rent"), skip=0.02)
    block.talk(rng, tenant, owner, 0.5, "day")
    block.truth.look_alike("rent", tenant, owner)

    nanny = cast.take((people.gender == 1) & (people.age >= 38) & (people.age <= 60) & ~people.payroll, 0.012)
    employer = cast.take(earning & (people.income > 1_200_000) & (people.age > 27), 0.02)
    nanny = nanny[: len(employer)]
    employer = employer[: len(nanny)]
    wage = round_to(rng.normal(600_000, 90_000, len(nanny)).clip(350_000), 2 * _YUAN100)
    block.pay_monthly(rng, employer, nanny, wage, memo_code=memo("salary"), memo_share=0.15)
    block.talk(rng, employer, nanny, rng.gamma(4.0, 2.0, len(nanny)), "day", working_days=True)
    block.truth.look_alike("nanny", employer, nanny)


def _debts(block: Block, rng: np.random.Generator, cast: Cast, earning: Bools) -> None:
    """Let a friend lend a lump and get it back in instalments after payday."""
    people = block.people
    debtor = cast.take(earning, 0.025)
    lender = cast.take(people.opened < 0, 0.025)[: len(debtor)]
    debtor = debtor[: len(lender)]
    months = rng.integers(5, 11, len(debtor))
    first = rng.integers(0, 12 - months + 1)
    part = round_to(people.income[debtor] * rng.uniform(0.1, 0.3, len(debtor)), 5 * _YUAN100)
    lent = np.maximum(first * 30 - rng.integers(2, 15, len(debtor)), 1)
    block.pay(lender, debtor, lent, part * months, block.seconds(rng, len(debtor)))
    block.pay_monthly(rng, debtor, lender, part, first=first, months=months, skip=0.0, memo_code=memo("loan"))
    block.talk(rng, debtor, lender, rng.gamma(2.0, 0.6, len(debtor)), "evening")
    block.truth.look_alike("debt_repayment", debtor, lender)


def _parents(block: Block, rng: np.random.Generator, cast: Cast, earning: Bools) -> None:
    """Support of a parent who lives in another province: relatives who talk every week, but two households."""
    people = block.people
    child = cast.take(earning & (people.age >= 25) & (people.age <= 45), 0.03)
    parent = cast.take((people.segment == RETIRED) & (people.age >= 56), 0.03)[: len(child)]
    child = child[: len(parent)]
    older = people.age[parent] - people.age[child] >= 20
    child, parent = child[older], parent[older]
    same = people.province[parent] == people.province[child]
    people.province[parent[same]] = (people.province[child[same]] + rng.integers(1, 5, int(same.sum()))) % 7
    people.place[parent] = people.province[parent][:, None]
    amount = round_to(people.income[child] * rng.uniform(0.08, 0.2, len(child)), 5 * _YUAN100)
    block.pay_monthly(rng, child, parent, amount, memo_code=memo("gift"), memo_share=0.1)
    block.talk(rng, child, parent, rng.gamma(4.0, 1.2, len(child)), "evening")
    home = np.full(len(child), SPRING_FESTIVAL.start)
    people.away(child, home + rng.integers(-1, 2, len(child)), rng.integers(6, 10, len(child)), people.province[parent])
    block.truth.look_alike("parent_support", child, parent)


def _roommates(block: Block, rng: np.random.Generator, cast: Cast, earning: Bools) -> None:
    """Two who share a flat: one pays his half after payday; they write, they do not travel together."""
    people = block.people
    one = cast.take(earning & (people.age < 32), 0.015)
    other = cast.take((people.age < 32) & (people.age > 20), 0.015)[: len(one)]
    one = one[: len(other)]
    people.branch[other] = people.branch[one]
    half = round_to(rng.normal(160_000, 40_000, len(one)).clip(60_000), _YUAN100)
    block.pay_monthly(rng, one, other, half, months=rng.integers(5, 13, len(one)), memo_code=memo("rent"))
    block.talk(rng, one, other, rng.gamma(2.0, 0.8, len(one)), "evening")
    block.truth.look_alike("roommate", one, other)


def _pairs_within(rng: np.random.Generator, group: Ints, fit: Ints, share: float) -> tuple[Ints, Ints]:
    """Return neighbouring pairs of `fit` who are in the same group."""
    order = fit[np.lexsort((rng.random(len(fit)), group[fit]))]
    a, b = order[:-1:2], order[1::2]
    same = (group[a] == group[b]) & (rng.random(len(a)) < share)
    return a[same], b[same]


def _split_bills(block: Block, rng: np.random.Generator, a: Ints, b: Ints, monthly: float) -> None:
    """Let pairs pay each other small sums, now one, now the other."""
    times = rng.poisson(monthly * 12, len(a))
    one, other = np.repeat(a, times), np.repeat(b, times)
    turn = rng.random(len(one)) < 0.5
    day = rng.integers(0, DAYS, len(one))
    amount = round_to(rng.lognormal(8.0, 0.6, len(one)), 50)
    block.pay(np.where(turn, one, other), np.where(turn, other, one), day, amount, block.seconds(rng, len(one), "day"))


def _colleagues(block: Block, rng: np.random.Generator) -> None:
    """Colleagues share an employer, lunch bills and calls on working days; friends only the latter two."""
    people = block.people
    employed = np.flatnonzero((people.segment == SALARIED) & people.payroll)
    a, b = _pairs_within(rng, people.employer, employed, 0.25)
    block.truth.relation("colleagues", a, b)
    signs = rng.random(len(a)) < 0.8
    block.talk(rng, a[signs], b[signs], rng.gamma(3.0, 1.3, int(signs.sum())), "day", working_days=True)
    _split_bills(block, rng, a[signs], b[signs], 1.2)
    used = np.zeros(people.n, bool)
    used[a] = used[b] = True
    c, d = _pairs_within(rng, people.employer, employed[~used[employed]], 0.3)
    block.talk(rng, c, d, 0.06, "day")
    block.truth.look_alike("same_employer_strangers", c, d)
    used[c] = used[d] = True
    everyone = np.flatnonzero(~used & (people.age > 20) & (people.age < 60))
    e, f = _pairs_within(rng, people.branch, everyone, 0.2)
    apart = people.employer[e] != people.employer[f]
    block.talk(rng, e[apart], f[apart], rng.gamma(3.0, 1.3, int(apart.sum())), "evening")
    _split_bills(block, rng, e[apart], f[apart], 1.0)
    block.truth.look_alike("friends", e[apart], f[apart])


def _home_towns(block: Block, rng: np.random.Generator) -> None:
    """People of one county who keep in touch and go home at the Spring Festival; others merely share the digits."""
    people = block.people
    moved = np.flatnonzero((people.origin != people.province) & (people.age > 20) & (people.age < 65))
    a, b = _pairs_within(rng, people.region, moved, 0.3)
    block.truth.relation("same_home_town", a, b)
    signs = rng.random(len(a)) < 0.8
    block.talk(rng, a[signs], b[signs], rng.gamma(3.0, 0.9, int(signs.sum())), "evening")
    for who in (a[signs], b[signs]):
        start = SPRING_FESTIVAL.start + rng.integers(-3, 2, len(who))
        people.away(who, start, rng.integers(6, 12, len(who)), people.origin[who])
    used = np.zeros(people.n, bool)
    used[a] = used[b] = True
    c, d = _pairs_within(rng, people.region, moved[~used[moved]], 0.35)
    block.truth.look_alike("same_region_strangers", c, d)
    used[c] = used[d] = True
    chatting = np.flatnonzero(~used & (people.origin != people.province))
    e, f = _pairs_within(rng, people.origin, chatting, 0.2)
    apart = people.region[e] != people.region[f]
    block.talk(rng, e[apart], f[apart], rng.gamma(3.0, 0.7, int(apart.sum())), "evening")
    block.truth.look_alike("chat_group", e[apart], f[apart])
