"""Accounts whose money is apart from the daily one: foreign currency, and cash with a broker (third-party custody)."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.contracts import SERVICES
from bench.synthetic_bank.days import DAYS, Ints
from bench.synthetic_bank.ledger import ACCOUNT_KINDS, round_to
from bench.synthetic_bank.products import number
from bench.synthetic_bank.truth import Cast
from bench.synthetic_bank.visits import KINDS as OUTCOMES

_FX_SHARE: Final = 0.6
"""Of those who exchange, who keep the currency in an account here; the others take it in cash."""
_SETTLED: Final = -365


def make_accounts_apart(block: Block) -> None:
    """Open the accounts of what was exchanged, signed and sold before; comes after all visits."""
    rng, people = block.rng(19), block.people
    cast = Cast(rng, people.n)
    busy = np.flatnonzero(sum(block.truth.has(name, people.n) for name in (
        "overseas_study", "studies_away", "emigrant_relative", "expat_fx", "overseas_tourist", "adult_course",
        "domestic_student", "cross_border_shopper", "asset_churn", "parked_money", "house_purchase", "product_switch",
    )))  # fmt: skip
    cast.reserve(busy)
    settled = (people.opened < _SETTLED) & (people.age > 24) & (people.age < 75)
    savers = cast.take(settled & (people.assets > 5_000_000), 0.012)
    _buy(block, rng, savers)
    block.truth.look_alike("fx_saver", savers)
    _keep_currency(block, rng, savers)
    traders = cast.take(settled & (people.assessed >= 3) & (people.assets > 3_000_000), 0.03)
    signed = rng.integers(_SETTLED, 200, len(traders))
    block.event("services", traders, service=SERVICES.index("custody"), day=signed)
    _trade(block, rng)


def _buy(block: Block, rng: np.random.Generator, savers: Ints) -> None:
    """Buy currency as a reserve, every two months, and leave it: nobody studies anywhere."""
    people = block.people
    buyer = np.repeat(savers, 6)
    block.ledger.book(
        people.demand[buyer], day=np.tile(np.arange(6) * 60, len(savers)) + rng.integers(0, 50, len(buyer)),
        second=block.seconds(rng, len(buyer)), amount=-round_to(1_000_000 * rng.lognormal(0, 0.5, len(buyer)), 10_000),
        kind=kind("fx"), channel=channel("mobile"), party=people.first + buyer, party_kind=party("customer"),
        province=people.province[buyer], currency=np.repeat(rng.choice([1, 3], len(savers)), 6),
    )  # fmt: skip


def _keep_currency(block: Block, rng: np.random.Generator, savers: Ints) -> None:
    """Give most who exchange an account, which what they buy goes into; all but savers draw it as cash again."""
    people = block.people
    account, day, second, amount, what, currency = (column.astype(np.int64) for column in block.ledger.booked_columns(
        "account", "day", "second", "amount", "kind", "currency"))  # fmt: skip
    who = block.ledger.account_columns()["customer"][account]
    sold_to, sold_on = _sold(block, "fx_account")
    holds = rng.random(people.n) < _FX_SHARE
    holds[savers] = holds[sold_to] = True
    first = np.full(people.n, _SETTLED)
    first[sold_to] = sold_on
    first = np.maximum(first, people.opened + 1)
    bought = (what == kind("fx")) & (amount < 0) & holds[who] & (day >= first[who]) & (day < DAYS)
    who, day, second, amount, currency = (column[bought] for column in (who, day, second, -amount, currency))
    in_currency = np.ones(people.n, np.int64)
    in_currency[who] = currency
    owners = np.unique(np.r_[who, sold_to])
    accounts = np.full(people.n, -1)
    accounts[owners] = block.ledger.open(
        owners, kind=ACCOUNT_KINDS.index("fx"), product=number("fx_account"), currency=in_currency[owners],
        opened=first[owners], opening=np.where(first[owners] < 0, 100_000, 0),
    )  # fmt: skip
    block.ledger.book(
        accounts[who], day=day, second=second, amount=amount, kind=kind("fx"), channel=channel("mobile"),
        party=people.first + who, party_kind=party("customer"), province=people.province[who], currency=currency,
    )  # fmt: skip
    drawn = ~np.isin(who, savers) & (rng.random(len(who)) < 0.8)
    later = day[drawn] + rng.integers(1, 20, int(drawn.sum()))
    block.ledger.book(
        accounts[who[drawn]], day=later, second=40_000, amount=-amount[drawn], kind=kind("cash"),
        channel=channel("counter"), province=people.province[who[drawn]], currency=currency[drawn],
    )  # fmt: skip
    block.truth.trait("fx_holder", owners)


def _trade(block: Block, rng: np.random.Generator) -> None:
    """Give everybody who signed custody the account at his broker's: money goes there, and part of it comes back."""
    people = block.people
    signed = np.full(people.n, DAYS)
    for part in block.events["services"]:
        those = part["service"] == SERVICES.index("custody")
        np.minimum.at(signed, part["customer"][those], part["day"][those])
    sold_to, sold_on = _sold(block, "custody")
    block.event("services", sold_to, service=SERVICES.index("custody"), day=sold_on)
    np.minimum.at(signed, sold_to, sold_on)
    who = np.flatnonzero(signed < DAYS - 1)
    opened = np.maximum(signed[who], people.opened[who] + 1)
    account = np.full(people.n, -1)
    account[who] = block.ledger.open(
        who, kind=ACCOUNT_KINDS.index("custody"), product=number("custody"), opened=opened,
    )  # fmt: skip
    turn = np.repeat(np.arange(len(who)), rng.poisson(4, len(who)) + 1)
    trader = who[turn]
    begins = opened[turn] + 1 + (rng.random(len(turn)) * np.maximum(DAYS - 40 - opened[turn], 1)).astype(np.int64)
    stays = rng.integers(5, 35, len(turn))
    paid = round_to(people.assets[trader] * rng.uniform(0.01, 0.06, len(turn)), 10_000)
    back = round_to(paid * rng.uniform(0.3, 1.0, len(turn)), 100)
    inside = (begins >= 0) & (begins + stays < DAYS)
    trader, begins, stays, paid, back = (column[inside] for column in (trader, begins, stays, paid, back))
    for target, day, second, amount in (
        (people.demand[trader], begins, 36_000, -paid), (account[trader], begins, 36_000, paid),
        (account[trader], begins + stays, 52_000, -back), (people.demand[trader], begins + stays, 52_000, back),
    ):  # fmt: skip
        block.ledger.book(
            target, day=day, second=second, amount=amount, kind=kind("transfer"), channel=channel("mobile"),
            party=people.first + trader, party_kind=party("customer"), province=-1, memo=memo("own_account"),
        )  # fmt: skip
    block.truth.trait("securities_trader", who)


def _sold(block: Block, code: str) -> tuple[Ints, Ints]:
    """Return who bought a product at a visit, and on which day first."""
    first = np.full(block.people.n, DAYS)
    for part in block.events.get("outcomes", ()):
        those = (part["kind"] == OUTCOMES.index("sold")) & (part["product"] == number(code))
        np.minimum.at(first, part["customer"][those], part["day"][those])
    who = np.flatnonzero(first < DAYS - 1)
    return who, first[who]
