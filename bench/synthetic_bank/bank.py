"""Makes the synthetic bank, block by block: memory does not grow with it, and a block never depends on another."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.synthetic_bank.abroad import make_abroad
from bench.synthetic_bank.acceptance import Logits, acceptance
from bench.synthetic_bank.apart import make_accounts_apart
from bench.synthetic_bank.block import Block, random_numbers
from bench.synthetic_bank.browsing import make_browsing
from bench.synthetic_bank.cashflow import make_bills, make_income, open_demand
from bench.synthetic_bank.contracts import make_consents, make_services
from bench.synthetic_bank.days import DAYS
from bench.synthetic_bank.holdings import make_loans, plan_purchases, settle_purchases
from bench.synthetic_bank.leaving import make_leaving
from bench.synthetic_bank.ledger import Booked
from bench.synthetic_bank.people import draw_people
from bench.synthetic_bank.relations import make_relations
from bench.synthetic_bank.spending import make_spending, pay_off_cards
from bench.synthetic_bank.travel import make_holidays, make_travel, note_trips
from bench.synthetic_bank.visits import make_visits
from bench.synthetic_bank.write import Writer
from yingbin.errors import Conflict, InvalidInput

BLOCK: Final = 10_000
"""Customers drawn together. A part of the bank's definition: another size would be another bank."""
_PEOPLE: Final = 0
LEAST: Final = 2_000
"""Customers below which some look-alike would be missing."""


def make_bank(folder: Path, customers: int, seed: int, done: Callable[[int], object] = lambda _: None) -> None:
    """Write a synthetic bank of `customers` into `folder`, which must be empty or new; `done` hears of every block.

    The same seed and number give the same bytes. Raises `InvalidInput`, `Conflict`.
    """
    if customers < LEAST:
        raise InvalidInput(f"--customers must be at least {LEAST:,}: below that some cases would not occur")
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: choose another folder or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    with Writer(folder) as writer:
        for number, first in enumerate(range(0, customers, BLOCK)):
            size = min(BLOCK, customers - first)
            writer.write_block(*make_block(seed, number, first, size))
            done(size)
        writer.write_bank(customers, seed)


def make_block(seed: int, number: int, first: int, size: int) -> tuple[Block, Booked, Logits]:
    """Draw one block of customers and live their year. The order matters: later makers read what earlier ones left."""
    block = Block(seed, number, draw_people(random_numbers(seed, number, _PEOPLE), first, size))
    open_demand(block)
    make_holidays(block)
    make_relations(block)
    make_travel(block)
    make_abroad(block)
    switched = make_leaving(block)
    planned = plan_purchases(block).then(switched)
    make_income(block)
    make_bills(block)
    make_spending(block)
    make_loans(block)
    make_browsing(block)
    make_services(block)
    make_consents(block)
    logits = acceptance(block)
    sold = make_visits(block, logits, planned)
    settle_purchases(block, planned.then(sold))
    make_accounts_apart(block)
    pay_off_cards(block)
    note_trips(block)
    return block, block.ledger.close(0, DAYS - 1), logits
