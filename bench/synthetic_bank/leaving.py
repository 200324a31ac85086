"""Who takes his money away, and large movements that are no farewell."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block, channel, kind, memo, party
from bench.synthetic_bank.days import DAYS, Ints
from bench.synthetic_bank.holdings import Purchases
from bench.synthetic_bank.ledger import firms, round_to
from bench.synthetic_bank.products import number
from bench.synthetic_bank.truth import Cast

_CENTURY: Final = 10_000


def make_leaving(block: Block) -> Purchases:
    """Book farewells and their look-alikes; returns the purchases of those who only switch to a product."""
    rng, people = block.rng(13), block.people
    cast = Cast(rng, people.n)
    well_off = (people.assets > 5_000_000) & (people.opened < -100) & (people.age > 22)
    leaving = cast.take(well_off, 0.03)
    opening = block.ledger.account_columns()["opening"][people.demand]
    first = rng.integers(230, 320, len(leaving))
    for step, share in enumerate((0.3, 0.25, 0.2, 0.15)):
        day = np.minimum(first + step * 11 + rng.integers(0, 9, len(leaving)), DAYS - 1)
        amount = round_to(np.maximum(opening, people.assets * 0.7)[leaving] * share, _CENTURY)
        _out(block, rng, leaving, day, -amount, (people.first + leaving) * 8)
    block.truth.trait("asset_churn", leaving)

    buyers = cast.take(well_off & (people.age < 55), 0.012)
    price = round_to(people.assets[buyers] * rng.uniform(0.3, 0.6, len(buyers)), 100 * _CENTURY)
    block.ledger.book(
        people.demand[buyers], day=rng.integers(150, 350, len(buyers)), second=40_000, amount=-price,
        kind=kind("transfer"), channel=channel("counter"), party=firms(rng, 6513, len(buyers)),
        party_kind=party("merchant"), mcc=6513, province=people.province[buyers],
    )  # fmt: skip
    block.truth.look_alike("house_purchase", buyers)

    parked = cast.take(well_off, 0.015)
    amount = round_to(people.assets[parked] * rng.uniform(0.5, 1.5, len(parked)), 100 * _CENTURY)
    came = rng.integers(60, 340, len(parked))
    stays = rng.integers(4, 16, len(parked))
    _out(block, rng, parked, came, amount, (people.first + parked) * 8)
    _out(block, rng, parked, came + stays, -amount, (people.first + parked) * 8)
    block.truth.look_alike("parked_money", parked)

    quiet = cast.take((people.age > 72) & ~people.digital, 0.02)
    people.monthly_payments[quiet] = 0.2
    block.truth.look_alike("low_digital_elderly", quiet)

    switching = cast.take(well_off, 0.015)
    block.truth.look_alike("product_switch", switching)
    n = len(switching)
    return Purchases(
        switching, rng.integers(230, 345, n), np.full(n, number("time_deposit")), np.full(n, 365),
        round_to(opening[switching] * 0.8, 100 * _CENTURY),
    )  # fmt: skip


def _out(block: Block, rng: np.random.Generator, who: Ints, day: Ints, amount: Ints, other: Ints) -> None:
    """Transfer from (+) or to (-) an account at another bank."""
    block.ledger.book(
        block.people.demand[who], day=day, second=block.seconds(rng, len(who)), amount=amount, kind=kind("transfer"),
        channel=channel("mobile"), party=other, party_kind=party("outside"), memo=memo("own_account"),
    )  # fmt: skip
