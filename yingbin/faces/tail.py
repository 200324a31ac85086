"""Fits the tail of the cosines of different people: peaks over threshold, with an upper bound.

Excesses over a high level follow a generalised Pareto distribution (Pickands-Balkema-de Haan; Coles 2001, "An
Introduction to Statistical Modeling of Extreme Values", ch. 4). A sample may be one comparison, or the largest of many:
the best wrong identity of a search. While exceedances are rare, each comparison exceeds the level at the rate

    exceedances / sum of comparisons,

so both kinds are fitted alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import genpareto

from yingbin.errors import InvalidInput

Resampler = Callable[[np.random.Generator], NDArray[np.int64]]
"""Draws once with replacement: how often each sample counts, int64 (n,)."""

FMR_POINTS: Final = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
MIN_EXCESSES: Final = 50
"""Fewer leave the shape of the tail open; a wide bound from them would only look like knowledge."""
_RESAMPLINGS: Final = 200
_CONFIDENCE: Final = 0.95
_SHAPE_LIMIT: Final = 0.5
"""Cosines are bounded; a heavier fitted tail than this comes from too few peaks."""
_ALMOST_ZERO: Final = 1e-9


class TooFewScores(InvalidInput):
    """The scores cannot carry a tail: too few, or all the same."""

    code = "too_few_scores"


@dataclass(frozen=True, slots=True)
class Tail:
    """A fitted tail: `points` are (FMR, cosine, upper 95 % bound of that cosine), falling FMR, all below `rate`.

    `level` is the cosine over which peaks were taken, `rate` the FMR there, `shape` and `scale` of the generalised
    Pareto distribution, `excesses` how many peaks.
    """

    level: float
    rate: float
    shape: float
    scale: float
    excesses: int
    points: tuple[tuple[float, float, float], ...]


def fit_tail(
    scores: NDArray[np.float64], comparisons: NDArray[np.int64], resample: Resampler, *, level_at: float = 0.98
) -> Tail:
    """Fit peaks over the quantile `level_at` of `scores`, f64 (n,).

    `comparisons`, int64 (n,): of how many comparisons each score is the largest. The bound is the 95th percentile over
    200 draws of `resample`, which must keep together what is not independent. Raises `TooFewScores`.
    """
    level = float(np.quantile(scores, level_at)) if len(scores) else 0.0
    above = np.flatnonzero(scores > level)
    if len(above) < MIN_EXCESSES:
        needed = round(MIN_EXCESSES / (1 - level_at))
        raise TooFewScores(f"{len(scores)} scores with {len(above)} over the level; about {needed:,} are needed")
    excess = scores[above] - level
    once = np.ones(len(scores), np.int64)
    rate, shape, scale = _fit(excess, above, comparisons, once)
    rng = np.random.default_rng(0)
    drawn = [_fit(excess, above, comparisons, resample(rng)) for _ in range(_RESAMPLINGS)]
    points = []
    for fmr in FMR_POINTS:
        if fmr < rate:
            bound = np.quantile([_cosine(level, one, fmr) for one in drawn], _CONFIDENCE)
            points.append((fmr, _cosine(level, (rate, shape, scale), fmr), float(bound)))
    return Tail(level, rate, shape, scale, len(above), tuple(points))


def by_sample(samples: int) -> Resampler:
    """Resample scores that are independent of each other."""
    return lambda rng: np.bincount(rng.integers(0, samples, samples), minlength=samples)


def by_identity(one: NDArray[np.int64], other: NDArray[np.int64]) -> Resampler:
    """Resample people: a score between two counts as often as both are drawn. `one`, `other`: person numbers, (n,)."""
    people = int(max(one.max(), other.max())) + 1

    def draw(rng: np.random.Generator) -> NDArray[np.int64]:
        times = np.bincount(rng.integers(0, people, people), minlength=people)
        return np.asarray(times[one] * times[other], np.int64)

    return draw


def _fit(
    excess: NDArray[np.float64], above: NDArray[np.int64], comparisons: NDArray[np.int64], times: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return (rate, shape, scale) of greatest likelihood when each sample counts so many `times`.

    The likelihood has one free variable, t = shape / scale: shape(t) = mean log(1 + t x) (Grimshaw, Technometrics 35
    (1993)). The shape is kept to a sane range.
    """
    drawn = np.repeat(excess, times[above])
    if len(drawn) < 2 or float(np.ptp(drawn)) == 0.0:
        raise TooFewScores("the highest scores are all the same: no tail can be fitted")

    def shape_at(t: float) -> float:
        return float(np.log1p(t * drawn).mean())

    def scale_at(t: float) -> float:
        return shape_at(t) / t if abs(t) > _ALMOST_ZERO else float(drawn.mean())

    low, high = -(1.0 - _ALMOST_ZERO) / float(drawn.max()), 1.0 / float(drawn.mean())
    if shape_at(low) < -_SHAPE_LIMIT:
        low = float(brentq(lambda t: shape_at(t) + _SHAPE_LIMIT, low, 0.0))
    if shape_at(high) > _SHAPE_LIMIT:
        high = float(brentq(lambda t: shape_at(t) - _SHAPE_LIMIT, 0.0, high))
    best = minimize_scalar(lambda t: np.log(scale_at(t)) + shape_at(t), bounds=(low, high), method="bounded").x
    return len(drawn) / float(comparisons @ times), shape_at(float(best)), scale_at(float(best))


def _cosine(level: float, fitted: tuple[float, float, float], fmr: float) -> float:
    """Return the cosine reached at rate `fmr`; the level itself where the fit says it is reached less often."""
    rate, shape, scale = fitted
    return level + float(genpareto.isf(min(1.0, fmr / rate), shape, scale=scale))
