"""Verification figures from scores of known pairs, after ISO/IEC 19795-1.

A transaction in which one photo gave no vector scores -infinity: no threshold accepts it. So a failure to acquire is a
miss (generalised false reject rate) and never a false match (generalised false accept rate).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, rankdata

Scores = NDArray[np.float64]
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """Error rates at each threshold: a pair is accepted when its score reaches it. All f64 (n,), thresholds falling.

    `far`: accepted pairs of two people; `tar`: accepted pairs of one person.
    """

    thresholds: Scores
    far: Scores
    tar: Scores


def roc(genuine: Scores, impostor: Scores) -> Roc:
    """Return the rates at every score that occurs, and at +infinity, where nothing is accepted."""
    thresholds = np.concatenate(([np.inf], np.unique(np.concatenate((genuine, impostor)))[::-1]))
    thresholds = thresholds[~np.isneginf(thresholds)]
    return Roc(thresholds, _accepted(impostor, thresholds), _accepted(genuine, thresholds))


def auc(genuine: Scores, impostor: Scores) -> float:
    """Return the chance that a genuine score exceeds an impostor's, ties counted half (Mann-Whitney)."""
    ranks = rankdata(np.concatenate((genuine, impostor)))[: len(genuine)]
    wins = float(ranks.sum()) - len(genuine) * (len(genuine) + 1) / 2
    return wins / (len(genuine) * len(impostor))


def eer(curve: Roc) -> float:
    """Return the equal error rate: where the lines between neighbouring points have FAR = 1 - TAR.

    When photos without a vector keep the misses above every FAR, it is the share of misses that stays.
    """
    far, miss = curve.far, 1.0 - curve.tar
    after = int(np.argmax(far >= miss))
    if far[after] < miss[after]:
        return float(miss[-1])
    before = max(after - 1, 0)
    gap_before, gap_after = miss[before] - far[before], far[after] - miss[after]
    share = gap_before / (gap_before + gap_after) if gap_before + gap_after > 0 else 0.0
    return float(far[before] + share * (far[after] - far[before]))


def tar_at(curve: Roc, far: float) -> float:
    """Return the largest share of genuine pairs accepted while at most `far` of the impostors' are."""
    return float(curve.tar[curve.far <= far].max())


def clopper_pearson(hits: int, trials: int) -> tuple[float, float]:
    """Return the exact two-sided 95 % interval of a proportion; (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    interval = binomtest(hits, trials).proportion_ci(CONFIDENCE, "exact")
    return float(interval.low), float(interval.high)


def _accepted(scores: Scores, thresholds: Scores) -> Scores:
    """Return the share of `scores` that reaches each threshold."""
    ordered = np.sort(scores)
    return 1.0 - np.searchsorted(ordered, thresholds, side="left") / len(scores)
