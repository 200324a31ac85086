"""Draws a block of customers: who they are, what they earn and have, where they are on every day."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.synthetic_bank.days import AS_OF, DAYS, PAY_DATES, Bools, Floats, Ints, index

STUDENT, SALARIED, SELF_EMPLOYED, RETIRED, HOMEMAKER = range(5)
_SHARES: Final = (0.07, 0.56, 0.12, 0.17, 0.08)
_AGES: Final = ((17, 25), (22, 60), (24, 60), (56, 88), (26, 55))
_INCOME: Final = ((0, 0.0), (850_000, 0.55), (950_000, 0.85), (380_000, 0.35), (0, 0.0))
"""Median of the monthly income in fen, and the deviation of its logarithm."""

PROVINCES: Final = (
    "GD", "GX", "HN", "JX", "FJ", "HI", "HB", "HA", "SC", "GZ", "BJ", "SH", "ZJ", "JS", "AH", "CQ", "YN", "SD", "--",
)  # fmt: skip
ABROAD: Final = len(PROVINCES) - 1
_REGION_PREFIX: Final = (44, 45, 43, 36, 35, 46, 42, 41, 51, 52, 11, 31, 33, 32, 34, 50, 53, 37)
_REGION_WEIGHT: Final = np.array([50, 9, 9, 6, 3, 1, 5, 4, 4, 3, 0.5, 0.5, 1, 1, 1, 1, 1, 1])
COUNTRIES: Final = ("CN", "US", "GB", "HK", "AU", "JP")
BRANCHES: Final = 40
"""Branches of one block of customers."""


@dataclass(slots=True)
class People:
    """One block. Every array has one entry a customer; `first` is the number of the first one in the whole bank."""

    first: int
    age: Ints
    born: Ints
    gender: Ints
    region: Ints
    origin: Ints
    province: Ints
    branch: Ints
    opened: Ints
    segment: Ints
    income: Ints
    documented: Bools
    employer: Ints
    payroll: Bools
    payday: Ints
    assets: Ints
    appetite: Ints
    assessed: Ints
    assessed_on: Ints
    renewed: Bools
    digital: Bools
    monthly_payments: Floats
    place: NDArray[np.int8]
    country: NDArray[np.int8]
    card: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    demand: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.age)

    @property
    def numbers(self) -> Ints:
        """Their numbers in the whole bank."""
        return np.arange(self.first, self.first + self.n)

    def away(self, customers: Ints, first_day: Ints, days: Ints, province: Ints, country: Ints | None = None) -> None:
        """Put customers (one entry a stay) elsewhere for `days` days from `first_day`."""
        for offset in range(int(days.max(initial=0))):
            staying = (days > offset) & (first_day + offset < DAYS) & (first_day + offset >= 0)
            who, day = customers[staying], first_day[staying] + offset
            self.place[who, day] = province[staying]
            self.country[who, day] = 0 if country is None else country[staying]


def draw_people(rng: np.random.Generator, first: int, n: int) -> People:
    """Draw `n` customers."""
    segment = rng.choice(5, n, p=_SHARES)
    low, high = np.array(_AGES)[segment].T
    age = rng.integers(low, high + 1)
    median, deviation = np.array(_INCOME)[segment].T
    wealthy = rng.random(n) < 0.05
    income = np.rint(median * np.exp(deviation * rng.standard_normal(n)) * np.where(wealthy, 4.0, 1.0)).astype(np.int64)
    income = np.clip(income, 0, 30_000_000)
    payroll = (segment == SALARIED) & (rng.random(n) < 0.8)
    proven = np.select([segment == SALARIED, segment == RETIRED, segment == SELF_EMPLOYED], [0.85, 0.6, 0.15], 0.0)
    origin = rng.choice(len(_REGION_PREFIX), n, p=_REGION_WEIGHT / _REGION_WEIGHT.sum())
    counties = rng.integers(1, 9, n) * 100 + np.minimum(rng.geometric(0.25, n), 30)
    employers = max(n // 25, 4)
    employer = first * 10 + np.minimum((employers * rng.random(n) ** 1.8).astype(np.int64), employers - 1) + 1
    employer = np.where(segment == SALARIED, employer, np.where(segment == RETIRED, 0, -1))
    home = np.where(rng.random(n) < 0.86, 0, rng.integers(1, 7, n))
    savings = np.exp(rng.normal(1.7, 1.35, n)) * np.where(income > 0, income, 250_000)
    appetite = np.clip(np.rint(rng.normal(3.1 - (age - 40) / 35 + wealthy * 0.7, 0.95, n)), 1, 5).astype(np.int64)
    tested = np.clip(appetite + rng.choice([-1, 0, 1], n, p=[0.12, 0.76, 0.12]), 1, 5)
    has_test = (rng.random(n) < np.where(savings > 20_000_000, 0.85, 0.5)) & (age >= 18)
    branch = rng.integers(0, BRANCHES, n)
    return People(
        first=first,
        age=age,
        born=index(AS_OF) - np.rint((age + rng.random(n) * 0.98) * 365.25).astype(np.int64),
        gender=rng.integers(0, 2, n),
        region=np.array(_REGION_PREFIX)[origin] * 10_000 + counties,
        origin=np.asarray(origin, np.int64),
        province=np.asarray(home, np.int64),
        branch=np.asarray(branch, np.int64),
        opened=np.where(segment == STUDENT, -200, _opened(rng, age)),
        segment=np.asarray(segment, np.int64),
        income=income,
        documented=(rng.random(n) < proven) & (income > 0),
        employer=employer,
        payroll=payroll,
        payday=np.asarray(employer % len(PAY_DATES), np.int64),
        assets=np.clip(savings, 50_000, 3e10).astype(np.int64),
        appetite=appetite,
        assessed=np.where(has_test, tested, 0),
        assessed_on=np.asarray(rng.integers(-340, DAYS - 30, n), np.int64),
        renewed=rng.random(n) < 0.7,
        digital=rng.random(n) < np.interp(age, [20, 50, 62, 75, 88], [0.97, 0.9, 0.6, 0.3, 0.1]),
        monthly_payments=np.where(rng.random(n) < 0.3, 0.6, rng.gamma(3.0, 2.6, n)) * np.where(age > 65, 0.6, 1.0),
        place=np.broadcast_to(home.astype(np.int8)[:, None], (n, DAYS)).copy(),
        country=np.zeros((n, DAYS), np.int8),
    )


def _opened(rng: np.random.Generator, age: Ints) -> Ints:
    """Return the day of the first account: 8 % within the year, the others earlier, none before the age of 10."""
    n = len(age)
    old = -np.rint(np.minimum(rng.exponential(2_600, n) + 20, (age - 10) * 365 - 30)).astype(np.int64)
    return np.asarray(np.where(rng.random(n) < 0.08, rng.integers(5, 300, n), np.minimum(old, -1)), np.int64)
