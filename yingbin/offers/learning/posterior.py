"""What the outcomes of an offer say between two trainings: Beta-Binomial, with forgetting, bounded in its influence.

The model's propensity is a Beta prior worth `n0` impressions (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.1 and
2.4). Old evidence fades exponentially, and the whole of it weighs at most `most` times the prior: a power prior
(Ibrahim and Chen 2000). A burst of outcomes, honest or not, moves it by `most / (1 + most)` of the way at most.
"""

from collections.abc import Iterable
from math import exp, log
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from scipy.special import betaincinv

from yingbin.errors import InvalidInput

DAY_MS: Final = 86_400_000
_LEAST, _MOST = 1e-4, 1 - 1e-4
"""A propensity of 0 or 1 would say that no evidence can ever change it."""


class Impression(NamedTuple):
    """An offer was shown at `at_ms` (UTC ms), and taken up or not; or so often on a day, and taken up so often."""

    at_ms: int
    accepted: int
    shown: int = 1


class Forgetting(BaseModel):
    """How much outcomes count against the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n0: float = Field(default=50.0, gt=0, le=1e6, description="impressions the model's propensity is worth")
    half_life_days: float = Field(default=60.0, gt=0, le=3650, description="age at which an outcome counts half")
    most: float = Field(
        default=4.0, gt=0, le=100, description="weight of all outcomes together, of the prior's, at most"
    )


class Posterior(NamedTuple):
    """P(accept) of an offer with its 95 % credible interval; `weight`: impressions the outcomes are worth."""

    mean: float
    low: float
    high: float
    weight: float


def update(
    propensity: float,
    impressions: Iterable[Impression],
    now_ms: int,
    forgetting: Forgetting = Forgetting(),  # noqa: B008 - immutable
) -> Posterior:
    """Return the propensity (0..1) of an offer after its impressions. Raises `InvalidInput` for no propensity.

    An impression from the future counts as one of now: clocks of two machines may differ.
    """
    if not 0 <= propensity <= 1:
        raise InvalidInput(f"a propensity lies between 0 and 1, not {propensity}")
    prior = min(max(propensity, _LEAST), _MOST)
    weight = accepted = 0.0
    for one in impressions:
        counts = 0.5 ** (max(now_ms - one.at_ms, 0) / (forgetting.half_life_days * DAY_MS))
        weight += counts * one.shown
        accepted += counts * one.accepted
    if weight > (bound := forgetting.most * forgetting.n0):
        weight, accepted = bound, accepted * bound / weight
    a = forgetting.n0 * prior + accepted
    b = forgetting.n0 * (1 - prior) + max(weight - accepted, 0.0)
    return Posterior(a / (a + b), float(betaincinv(a, b, 0.025)), float(betaincinv(a, b, 0.975)), weight)


def shifted(propensity: float, before: float, after: float) -> float:
    """Move one customer's propensity as far in log-odds as his offer moved on average, from `before` to `after`.

    The order of customers within an offer stays as the model made it.
    """
    odds = _logit(propensity) + moved(before, after)
    return 1 / (1 + exp(-odds))


def moved(before: float, after: float) -> float:
    """Return how far an offer moved, in log-odds."""
    return _logit(after) - _logit(before)


def _logit(probability: float) -> float:
    inside = min(max(probability, _LEAST), _MOST)
    return log(inside / (1 - inside))
