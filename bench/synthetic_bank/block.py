"""What the makers of one block share: customers, ledger, truth, other events, and the few verbs they all need."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from bench.synthetic_bank.days import DAYS, PAYDAYS, WEEKDAY, Floats, Ints
from bench.synthetic_bank.ledger import CHANNELS, KINDS, MEMOS, PARTIES, Ledger
from bench.synthetic_bank.people import People
from bench.synthetic_bank.truth import Truth

Hours = Literal["day", "evening", "night"]
_HOURS: Final[dict[Hours, tuple[float, float]]] = {"day": (13.0, 2.6), "evening": (20.0, 1.4), "night": (26.5, 1.5)}
"""Mean and deviation, hours; 26.5 is half past two in the next morning."""


def kind(name: str) -> int:
    """Return the number of a kind of transaction."""
    return KINDS.index(name)


def channel(name: str) -> int:
    """Return the number of a channel."""
    return CHANNELS.index(name)


def party(name: str) -> int:
    """Return the number of a kind of counterparty."""
    return PARTIES.index(name)


def memo(name: str) -> int:
    """Return the number of a memo code."""
    return MEMOS.index(name)


def random_numbers(seed: int, block: int, maker: int) -> np.random.Generator:
    """Return the random numbers of one maker of one block: no other maker's draws change them."""
    return np.random.default_rng([seed, block, maker])


@dataclass(slots=True)
class Block:
    """One block in the making."""

    seed: int
    number: int
    people: People
    ledger: Ledger = field(default_factory=Ledger)
    truth: Truth = field(default_factory=Truth)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def rng(self, maker: int) -> np.random.Generator:
        """Return the random numbers of one maker."""
        return random_numbers(self.seed, self.number, maker)

    def event(self, table: str, customer: Ints, **columns: Any) -> None:
        """Note rows of a table that is not part of the ledger."""
        n = len(customer)
        if n:
            row = {"customer": customer, **columns}
            self.events.setdefault(table, []).append({k: np.broadcast_to(np.asarray(v), n) for k, v in row.items()})

    def pay(self, payer: Ints, payee: Ints, day: Ints, amount: Ints, second: Ints, memo_code: Ints | int = 0) -> None:
        """Transfer between two customers: both sides, or neither when one of them was not yet here."""
        people = self.people
        here = (day > np.maximum(people.opened[payer], people.opened[payee])) & (day >= 0) & (day < DAYS)
        memos = np.broadcast_to(np.asarray(memo_code), len(payer))[here]
        for one, other, sign in ((payer[here], payee[here], -1), (payee[here], payer[here], 1)):
            self.ledger.book(
                people.demand[one],
                day=day[here],
                second=second[here],
                amount=sign * amount[here],
                kind=kind("transfer"),
                channel=channel("mobile"),
                party=people.first + other,
                party_kind=party("customer"),
                province=people.place[one, day[here]],
                memo=memos,
            )

    def pay_monthly(
        self,
        rng: np.random.Generator,
        payer: Ints,
        payee: Ints,
        amount: Ints,
        *,
        after: int = 3,
        skip: float = 0.04,
        first: Ints | None = None,
        months: Ints | None = None,
        memo_code: int = 0,
        memo_share: float = 0.3,
    ) -> None:
        """Pay a fixed sum within `after` days of every payday of the payer; `skip` of the months are left out."""
        count = PAYDAYS.shape[1]
        delay = rng.integers(0, after, (len(payer), 1)) + (rng.random((len(payer), count)) < 0.15)
        day = PAYDAYS[self.people.payday[payer]] + delay
        month = np.arange(count)[None, :]
        start = np.zeros((len(payer), 1), np.int64) if first is None else first[:, None]
        length = np.full((len(payer), 1), count) if months is None else months[:, None]
        paid = (rng.random(day.shape) >= skip) & (month >= start) & (month < start + length)
        row, _ = np.nonzero(paid)
        chosen = np.where(rng.random(len(row)) < 0.2, memo("living"), memo_code)  # the nearest of the list, often wrong
        memos = np.where(rng.random(len(row)) < memo_share, chosen, 0)
        self.pay(payer[row], payee[row], day[paid], amount[row], self.seconds(rng, len(row), "evening"), memos)

    def talk(
        self,
        rng: np.random.Generator,
        one: Ints,
        other: Ints,
        monthly: Floats | float,
        hours: Hours = "evening",
        *,
        working_days: bool = False,
    ) -> None:
        """Let pairs call and write to each other `monthly` times a month, both ways."""
        times = rng.poisson(np.broadcast_to(np.asarray(monthly, float), len(one)) * DAYS / 30.4)
        a, b = np.repeat(one, times), np.repeat(other, times)
        day = rng.integers(0, DAYS, len(a))
        if working_days:
            day = np.where(WEEKDAY[day] >= 5, np.maximum(day - 2, 0), day)
        here = day > np.maximum(self.people.opened[a], self.people.opened[b])
        a, b, day = a[here], b[here], day[here]
        turn = rng.random(len(a)) < 0.5
        self.event(
            "contacts", np.where(turn, a, b), other=np.where(turn, b, a), day=day,
            second=self.seconds(rng, len(a), hours), kind=(rng.random(len(a)) < 0.6).astype(np.int64),
        )  # fmt: skip

    @staticmethod
    def seconds(rng: np.random.Generator, n: int, hours: Hours = "day") -> Ints:
        """Draw seconds of the day."""
        mean, deviation = _HOURS[hours]
        drawn = (
            rng.normal(mean, deviation, n) % 24
            if hours == "night"
            else np.clip(rng.normal(mean, deviation, n), 7, 23.9)
        )
        return np.asarray(drawn * 3600, np.int64)
