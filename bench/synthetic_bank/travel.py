"""Where customers are: holidays of everybody, commuters, and those who only look like commuters."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, FESTIVALS, WEEKDAY, Bools, Ints
from bench.synthetic_bank.ledger import round_to
from bench.synthetic_bank.people import ABROAD, SALARIED, SELF_EMPLOYED
from bench.synthetic_bank.truth import Cast

_MONDAYS: Final[Ints] = np.flatnonzero(WEEKDAY == 0)
SHARED_CARD: Final = "shared_card"


def make_holidays(block: Block) -> None:
    """Let everybody make a few short journeys a year; comes first, since stories overwrite it."""
    rng, people = block.rng(2), block.people
    trips = rng.poisson(np.where(people.age < 65, 2.2, 0.8))
    who = np.repeat(np.arange(people.n), trips)
    festival = rng.random(len(who)) < 0.4
    starts = np.array([days.start for days in FESTIVALS])[rng.integers(0, len(FESTIVALS), len(who))]
    start = np.where(festival, starts + rng.integers(0, 3, len(who)), rng.integers(0, DAYS - 6, len(who)))
    people.away(who, start, rng.integers(2, 6, len(who)), rng.integers(0, 18, len(who)))


def make_travel(block: Block) -> None:
    """Make commuters and their look-alikes."""
    rng, people = block.rng(3), block.people
    cast = Cast(rng, people.n)
    working = (people.age > 23) & (people.age < 60) & (people.opened < 150)
    _commuters(block, rng, cast.take(working & np.isin(people.segment, [SALARIED, SELF_EMPLOYED]), 0.02))
    _business_trips(block, rng, cast.take(working & people.payroll, 0.025))
    _long_project(block, rng, cast.take(working & people.payroll, 0.01))
    _migrants(block, rng, cast.take(working & (people.origin != people.province), 0.04))
    _shared_cards(block, rng, cast.take(working & (people.age > 30), 0.02))
    orders = cast.take(working & people.digital, 0.015)
    _online_orders(block, rng, orders)


def _elsewhere(rng: np.random.Generator, home: Ints) -> Ints:
    """Return another province than home for each."""
    return (home + rng.integers(1, 7, len(home))) % 7


def _commuters(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Two to four days of almost every week in one other province."""
    people = block.people
    where = _elsewhere(rng, people.province[who])
    first, days = rng.integers(0, 6, len(who)), rng.integers(2, 5, len(who))
    for monday in _MONDAYS.tolist():
        goes = rng.random(len(who)) < 0.88
        start = monday + first[goes] + rng.integers(0, 2, int(goes.sum()))
        people.away(who[goes], start, days[goes], where[goes])
    block.truth.trait("commutes", who, where.astype(float))


def _refund(block: Block, rng: np.random.Generator, who: Ints, day: Ints) -> None:
    """Let the employer refund expenses: irregular sums that are no income."""
    people = block.people
    amount = round_to(rng.lognormal(12.2, 0.6, len(who)), 1)
    block.ledger.book(
        people.demand[who], day=day, second=block.seconds(rng, len(who)), amount=amount, kind=kind("refund"),
        channel=channel("system"), party=people.employer[who], party_kind=party("employer"),
        memo=memo("reimbursement"),
    )  # fmt: skip


def _business_trips(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """One or two journeys a month to different provinces, refunded."""
    people = block.people
    trips = rng.poisson(18, len(who))
    traveller = np.repeat(who, trips)
    start = rng.integers(0, DAYS - 4, len(traveller))
    people.away(traveller, start, rng.integers(1, 4, len(traveller)), rng.integers(0, 18, len(traveller)))
    _refund(block, rng, traveller, np.minimum(start + rng.integers(8, 25, len(traveller)), DAYS - 1))
    block.truth.look_alike("business_trips", who)
    block.truth.look_alike("reimbursed_expenses", who)


def _long_project(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Seven to nine weeks in one province, early in the year, and it is over."""
    where = _elsewhere(rng, block.people.province[who])
    first, weeks = rng.integers(0, 22, len(who)), rng.integers(7, 10, len(who))
    for week in range(9):
        going = weeks > week
        start = _MONDAYS[first[going] + week]
        block.people.away(who[going], start, np.full(int(going.sum()), 4), where[going])
    block.truth.look_alike("long_project", who)


def _migrants(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Home at the festivals only, for long."""
    people = block.people
    for festival in FESTIVALS:
        goes = rng.random(len(who)) < 0.85
        start = festival.start + rng.integers(-3, 2, int(goes.sum()))
        people.away(who[goes], start, rng.integers(6, 16, int(goes.sum())), people.origin[who[goes]])
    block.truth.look_alike("migrant_worker", who)


def _shared_cards(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Let a relative use the card every week in another province while the customer himself is seen at home."""
    people = block.people
    where = _elsewhere(rng, people.province[who])
    uses = rng.poisson(75, len(who))
    user, place = np.repeat(who, uses), np.repeat(where, uses)
    day = rng.integers(0, DAYS, len(user))
    second = block.seconds(rng, len(user))
    block.ledger.book(
        people.demand[user], day=day, second=second, amount=-round_to(rng.lognormal(8.9, 0.7, len(user)), 1),
        kind=kind("card"), channel=channel("pos"), party=rng.integers(0, 90_000, len(user)),
        party_kind=party("merchant"), mcc=rng.choice([5411, 5812, 5814], len(user)), province=place,
    )  # fmt: skip
    _seen(block, user, day, second, place, 0)
    at_home = np.repeat(who, 90)
    day = rng.integers(0, DAYS, len(at_home))
    second = block.seconds(rng, len(at_home))
    _seen(block, at_home, day, second, people.place[at_home, day].astype(np.int64), 2)
    block.truth.look_alike(SHARED_CARD, who)


def _seen(block: Block, who: Ints, day: Ints, second: Ints, place: Ints, source: Ints | int) -> None:
    here = day > block.people.opened[who]
    sources = np.broadcast_to(np.asarray(source), len(who))
    block.event(
        "trips", who[here], day=day[here], second=second[here], province=place[here], country=0, source=sources[here]
    )


def _online_orders(block: Block, rng: np.random.Generator, who: Ints) -> None:
    """Order every week from sellers of one other province: their seat is on the booking, the customer is not there."""
    people = block.people
    seat = _elsewhere(rng, people.province[who])
    orders = rng.poisson(80, len(who))
    buyer = np.repeat(who, orders)
    block.ledger.book(
        people.demand[buyer], day=rng.integers(0, DAYS, len(buyer)), second=block.seconds(rng, len(buyer), "evening"),
        amount=-round_to(rng.lognormal(8.7, 0.8, len(buyer)), 1), kind=kind("card"), channel=channel("online"),
        party=rng.integers(0, 90_000, len(buyer)), party_kind=party("merchant"), mcc=5964,
        province=np.repeat(seat, orders), memo=memo("goods"),
    )  # fmt: skip
    block.truth.look_alike("online_orders", who)
    block.truth.trait("ecommerce_shopper", who)


def note_trips(block: Block) -> None:
    """Write down where cards and apps were used: most days away, a few at home. Comes last."""
    rng, people = block.rng(4), block.people
    away = (people.place != people.province[:, None]) | (people.country > 0)
    rate = np.where(people.digital, 0.75, 0.45)[:, None] * np.where(away, 1.0, 0.09)
    quiet = block.truth.has(SHARED_CARD, people.n)
    who, day = np.nonzero((rng.random(away.shape) < rate) & ~quiet[:, None])
    here = day > people.opened[who]
    who, day = who[here], day[here]
    place, country = people.place[who, day].astype(np.int64), people.country[who, day].astype(np.int64)
    source = np.where(people.digital[who], rng.choice(3, len(who), p=[0.5, 0.1, 0.4]), rng.choice(2, len(who)))
    block.event(
        "trips", who, day=day, second=block.seconds(rng, len(who)), province=np.where(country > 0, ABROAD, place),
        country=country, source=source,
    )  # fmt: skip


def salaried_abroad(block: Block) -> Bools:
    """Return who may live between two countries: salaried people of middle age."""
    people = block.people
    return np.asarray((people.segment == SALARIED) & people.payroll & (people.age > 28) & (people.age < 55))
