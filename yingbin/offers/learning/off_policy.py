"""What another policy would have been worth, told from the log of the one that ran.

Inverse propensity scoring (Horvitz and Thompson 1952; Li et al. 2011) and its self-normalised form (Swaminathan and
Joachims 2015), with the effective sample size of Kong (1992) and a bootstrap by customer. No number is given where the
log cannot say: an estimate without support looks like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput
from yingbin.offers.learning.estimate import Estimate, interval, resampled
from yingbin.offers.learning.log_tables import Span, query

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Wanted = Callable[[str, str, str], float]
"""Decision, customer, product -> the probability with which the new policy puts that product first there."""
MIN_EFFECTIVE: Final = 100.0
_SIGMAS: Final = 4.0
"""So far below 1 the mean weight of a supported policy hardly ever falls by chance."""


class NoSupport(InvalidInput):
    """The log does not hold enough of what the new policy would do. The message says what is missing."""

    code = "log_lacks_support"


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """One entry a decision. `customer` numbers the customers 0, 1, ...

    `logged`: probability with which the policy that ran chose what it chose; `wanted`: the new policy's probability of
    that same choice; `reward`: what came of it (fen, or 0/1).
    """

    customer: Ints
    logged: Floats
    wanted: Floats
    reward: Floats


@dataclass(frozen=True, slots=True)
class Value:
    """Mean reward a decision of the new policy, by two estimators, beside what the log itself earned.

    `effective`: how many of the decisions the estimate is worth.
    """

    ips: Estimate
    snips: Estimate
    logged: Estimate
    effective: float


def first_choices(bank: duckdb.DuckDBPyConnection, wanted: Wanted, span: Span = Span()) -> Log:  # noqa: B008 - immutable
    """Read the first place of every personal decision in the log; the reward is what that product earned, in fen.

    Only the first place has a probability of its own: those below depend on what stands above them.
    """
    found = query(
        bank,
        "SELECT decision_id, customer_id, product_code, coalesce(probability, 0), margin_fen FROM items "
        "WHERE rank = 1 AND NOT holdout AND policy <> 'general' ORDER BY customer_id, at_ms, decision_id",
        span,
    )
    customers: dict[object, int] = {}
    return Log(
        customer=np.array([customers.setdefault(row[1], len(customers)) for row in found], np.int64),
        logged=np.array([row[3] for row in found], np.float64),
        wanted=np.array([wanted(str(row[0]), str(row[1]), str(row[2])) for row in found], np.float64),
        reward=np.array([row[4] for row in found], np.float64),
    )


def evaluate(log: Log, min_effective: float = MIN_EFFECTIVE, seed: int = 0) -> Value:
    """Estimate a policy's value. Raises `NoSupport`, and `InvalidInput` for arrays that are no log."""
    _require_sound(log)
    weights = log.wanted / log.logged
    total = float(weights.sum())
    effective = total**2 / float((weights**2).sum()) if total else 0.0
    if effective < min_effective:
        raise NoSupport(
            f"the new policy does what the log did in {effective:.0f} effective decisions of {len(weights)}; at least "
            f"{min_effective:.0f} are needed: log longer, explore more, or test it on a share of the customers"
        )
    n = int(log.customer.max()) + 1
    per_customer: list[Floats] = [
        np.bincount(log.customer, one, n).astype(np.float64)
        for one in (weights * log.reward, weights, log.reward, np.ones(len(weights)))
    ]
    seen = per_customer[3] > 0
    totals = [one[seen] for one in per_customer]
    gained, weight, earned, decisions = (float(one.sum()) for one in totals)
    drawn = resampled(totals, seed)
    mean_weight = weight / decisions
    if mean_weight + _SIGMAS * float((drawn[:, 1] / drawn[:, 3]).std()) < 1:
        raise NoSupport(
            f"weights average {mean_weight:.2f} and must average 1: the new policy often does what the log never does, "
            "and nothing is known of that; explore those products first"
        )
    customers = int(seen.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        return Value(
            ips=interval(gained / decisions, drawn[:, 0] / drawn[:, 3], customers),
            snips=interval(gained / weight, drawn[:, 0] / drawn[:, 1], customers),
            logged=interval(earned / decisions, drawn[:, 2] / drawn[:, 3], customers),
            effective=effective,
        )


def _require_sound(log: Log) -> None:
    lengths = {len(log.customer), len(log.logged), len(log.wanted), len(log.reward)}
    if len(lengths) != 1 or lengths == {0}:
        raise InvalidInput("a log needs at least one decision, and each of them customer, probabilities and reward")
    if log.customer.min() < 0 or not np.isfinite(log.reward).all():
        raise InvalidInput("customers are numbered from 0, and every reward is a number")
    if not ((log.wanted >= 0) & (log.wanted <= 1)).all():
        raise InvalidInput("the new policy's probabilities must lie between 0 and 1")
    bad = int((~((log.logged > 0) & (log.logged <= 1))).sum())
    if bad:
        raise NoSupport(
            f"{bad} decisions were logged with a probability of 0, above 1, or none: what a policy never does on "
            "purpose says nothing of another; log the propensity of every decision"
        )
