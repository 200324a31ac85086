"""Figures with 95 % intervals. The unit is the customer: his visits are not independent of each other."""

from collections.abc import Sequence
from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
_Z: Final = float(ndtri(0.975))
_DRAWS: Final = 1_000
_CELLS: Final = 4_000_000
"""Drawn at a time: 32 MB."""


class Estimate(NamedTuple):
    """A figure with its 95 % interval; `n` is what it rests on. Without any data it is (-1, -1, -1, 0)."""

    value: float
    low: float
    high: float
    n: int


NOTHING: Final = Estimate(-1.0, -1.0, -1.0, 0)


class Share(NamedTuple):
    """Hits and trials, and how many independent trials they are worth (`effective` <= `trials`)."""

    hits: float
    trials: float
    effective: float


class Moments(NamedTuple):
    """Sums over customers of hits h and trials t; what a database adds up without handing out a single customer."""

    customers: int
    h: float
    t: float
    hh: float
    ht: float
    tt: float


def share_of(sums: Moments) -> Share:
    """Return hits and trials, the trials divided by the design effect of customers with several.

    Ratio estimator with customers as clusters; effective size as Korn and Graubard (1998).
    """
    n, hits, trials = sums.customers, sums.h, sums.t
    if trials <= 0:
        return Share(0.0, 0.0, 0.0)
    rate = hits / trials
    simple = rate * (1 - rate) / trials
    if simple <= 0 or n < 2:  # all or none: as if every customer counted once
        return Share(hits, trials, min(trials, float(n)))
    squares = sums.hh - 2 * rate * sums.ht + rate**2 * sums.tt
    clustered = n / (n - 1) * squares / trials**2
    return Share(hits, trials, trials / max(clustered / simple, 1.0))


def moments(hits: Sequence[float] | Floats, trials: Sequence[float] | Floats) -> Moments:
    """Add up hits and trials, one entry a customer."""
    h, t = np.asarray(hits, np.float64), np.asarray(trials, np.float64)
    return Moments(len(t), float(h.sum()), float(t.sum()), float(h @ h), float(h @ t), float(t @ t))


def proportion(share: Share) -> Estimate:
    """Return hits / trials with Wilson's score interval (1927; recommended by Brown, Cai and DasGupta 2001)."""
    if share.trials == 0:
        return NOTHING
    rate, n = share.hits / share.trials, share.effective
    centre = (rate + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    return Estimate(rate, max(centre - half, 0.0), min(centre + half, 1.0), round(share.trials))


def difference(treated: Share, control: Share) -> Estimate:
    """Return the difference of two independent shares, with Newcombe's hybrid score interval (1998, method 10)."""
    one, other = proportion(treated), proportion(control)
    if not one.n or not other.n:
        return NOTHING
    apart = one.value - other.value
    low = apart - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    high = apart + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(apart, max(low, -1.0), min(high, 1.0), one.n + other.n)


def resampled(totals: Sequence[Floats], seed: int = 0, draws: int = _DRAWS) -> Floats:
    """Draw customers anew, each Poisson(1) times; return the sums of each total, (draws, len(totals)).

    `totals`: one array a quantity, one entry a customer. For ratios of sums (Chamandy et al. 2012; Efron 1979).
    """
    columns = np.stack([np.asarray(one, np.float64) for one in totals], axis=1)
    n = len(columns)
    rng = np.random.default_rng(seed)
    sums = np.empty((draws, columns.shape[1]))
    step = max(_CELLS // max(n, 1), 1)
    for first in range(0, draws, step):
        last = min(first + step, draws)
        sums[first:last] = rng.poisson(1.0, (last - first, n)) @ columns
    return sums


def interval(value: float, drawn: Floats, n: int) -> Estimate:
    """Return a figure with the percentile interval of what the bootstrap drew for it."""
    known = drawn[np.isfinite(drawn)]
    if not n or not len(known):
        return NOTHING
    low, high = np.quantile(known, (0.025, 0.975))
    return Estimate(value, float(low), float(high), n)


def log_ratio(one: Share, other: Share) -> Estimate:
    """Return one share / the other, with the log interval of Katz et al. (1978); nothing when either has no hit."""
    if not one.hits or not other.hits:
        return NOTHING
    rates = [(share.hits / share.trials, share.effective) for share in (one, other)]
    value = rates[0][0] / rates[1][0]
    spread = exp(_Z * sqrt(sum((1 - rate) / (n * rate) for rate, n in rates)))
    return Estimate(value, value / spread, value * spread, round(one.trials + other.trials))


def ratio(numerator: Sequence[float] | Floats, denominator: Sequence[float] | Floats, seed: int = 0) -> Estimate:
    """Return sum / sum, one entry a customer, with its bootstrap interval; `n` counts customers."""
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    if not below.sum():
        return NOTHING
    sums = resampled((above, below), seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return interval(float(above.sum() / below.sum()), sums[:, 0] / sums[:, 1], len(above))
