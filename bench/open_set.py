"""Open-set identification after ISO/IEC 19795-1: some people are enrolled, others are not, and everybody comes.

A non-mated search that names anybody is a false positive (FPIR); a mated search that does not name the right person is
a false negative (FNIR). One look each.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.face_set import FaceSet
from bench.roc import clopper_pearson
from yingbin.galleries.decide import Hit, judge
from yingbin.wire import Outcome

FIXED_THRESHOLD: Final = 0.363
"""The cosine that OpenCV publishes for SFace, for any gallery."""
INDEPENDENT_PROBES: Final = 3_000
"""People not enrolled; with fewer, not even zero false positives show an FPIR below 0.001 (rule of three)."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Who is enrolled, by a seed: numbers of one photo a person, (n,), and of all probes with their people, (m,)."""

    enrolled: NDArray[np.int64]
    probes: NDArray[np.int64]
    mated: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What each probe's search returns: row of the best in `Split.enrolled` (-1: a distractor), its cosine, the next.

    int64, f64, f64, each (m,). A probe without a vector has cosine -1.
    """

    best: NDArray[np.int64]
    score: NDArray[np.float64]
    runner_up: NDArray[np.float64]


def split(faces: FaceSet, seed: int) -> Split:
    """Choose half of the people, out of those with several photos, and one photo of each; all else is a probe."""
    rng = np.random.default_rng(seed)
    photos = np.bincount(faces.people)
    members = np.sort(rng.permutation(np.flatnonzero(photos > 1))[: len(photos) // 2])
    enrolled = np.array([rng.choice(np.flatnonzero(faces.people == member)) for member in members], np.int64)
    probes = np.setdiff1d(np.arange(len(faces.photos)), enrolled)
    return Split(enrolled, probes, np.isin(faces.people[probes], members))


def search(faces: FaceSet, who: Split) -> Candidates:
    """Return each probe's candidates; somebody whose one photo gave no vector is in no gallery."""
    scores = faces.vectors[who.probes].astype(np.float64) @ faces.vectors[who.enrolled].T.astype(np.float64)
    scores[:, ~faces.acquired[who.enrolled]] = -1.0
    scores[~faces.acquired[who.probes]] = -1.0
    best = scores.argmax(axis=1)
    score = np.take_along_axis(scores, best[:, None], 1)[:, 0]
    np.put_along_axis(scores, best[:, None], -1.0, 1)
    return Candidates(best, score, scores.max(axis=1))


def decided(found: Candidates, threshold: float) -> NDArray[np.bool_]:
    """Return which probes get a name, bool (m,), as the product decides a first look: look-alike margin included."""
    pairs = zip(found.score.tolist(), found.runner_up.tolist(), strict=True)
    return np.array([judge(Hit("", *pair), threshold, 0) is Outcome.MATCHED for pair in pairs], np.bool_)


def rates(faces: FaceSet, who: Split, found: Candidates, named: NDArray[np.bool_]) -> dict[str, Any]:
    """Return FPIR and FNIR with Clopper-Pearson intervals when the `named` probes, (m,), get a name, and the counts."""
    right = (found.best >= 0) & (faces.people[who.enrolled][found.best] == faces.people[who.probes])
    mated, strangers = int(who.mated.sum()), int((~who.mated).sum())
    false_positives = int((named & ~who.mated).sum())
    missed = int((who.mated & ~(named & right)).sum())
    return {
        "probes_mated": mated,
        "probes_non_mated": strangers,
        "people_non_mated": len(np.unique(faces.people[who.probes[~who.mated]])),
        "fpir": _share(false_positives, strangers),
        "fpir_ci": [round(end, 5) for end in clopper_pearson(false_positives, strangers)],
        "fnir": _share(missed, mated),
        "fnir_ci": [round(end, 5) for end in clopper_pearson(missed, mated)],
        "misidentified": int((who.mated & named & ~right).sum()),
    }


def _share(hits: int, trials: int) -> float:
    """Return hits / trials, -1 without a trial."""
    return round(hits / trials, 5) if trials else -1.0
