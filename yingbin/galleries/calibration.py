"""What a pack's score statistics mean for a gallery of N, and how searches with a known outcome sharpen them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from yingbin.errors import BadConfiguration
from yingbin.faces.pack import calibration_file, write_json
from yingbin.faces.scores import Points, ScoreModel
from yingbin.faces.tail import Tail, by_sample, fit_tail
from yingbin.galleries.decide import EFFECTIVE_LOOKS, STAGES, threshold
from yingbin.galleries.known_outcomes import KnownOutcomes
from yingbin.galleries.prior import limits

GALLERY_SIZES: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
ACCEPTED_FNIR: Final = 0.25
"""A pack is fit for a gallery while, 95 % sure, one look against one photo misses no more than a quarter."""
_CONFIDENCE: Final = 0.95
_GENUINE_COSINES: Final = tuple(round(0.30 + 0.05 * step, 2) for step in range(13))
_LEVEL_AT: Final = 0.90
"""The best wrong identity of a search is a peak already, so more of them are kept than of single comparisons."""
_LEAST_RISE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Outlook:
    """The model's word on a gallery of `templates` vectors, one look with one photo against one photo.

    FPIR: a stranger is named, at this look and, for `fpir_track`, at any look and stage of his track. FNIR: an enrolled
    person is not. `*_upper` are upper 95 % bounds. FNIR is -1 for a pack that states no genuine scores. Where `at_home`
    of them are customers of the branch, `threshold_home` holds for these and `threshold_others` for the rest (`prior`).
    """

    templates: int
    threshold: float
    fpir: float
    fpir_upper: float
    fpir_track: float
    fpir_track_upper: float
    fnir: float
    fnir_upper: float
    at_home: int
    threshold_home: float
    threshold_others: float


def outlook(model: ScoreModel, templates: int, at_home: int = 0) -> Outlook:
    """Return what `model` expects; FPIR = 1 - (1 - FMR)^N, stages and looks as `decide` counts them."""
    limit = threshold(model, templates)
    fpir, fpir_upper = (_any_of(fmr, templates) for fmr in model.fmr_at(limit))
    track, track_upper = (_any_of(rate, STAGES * EFFECTIVE_LOOKS) for rate in (fpir, fpir_upper))
    prior = limits(model, templates, at_home)
    rates = (fpir, fpir_upper, track, track_upper, *model.fnmr_at(limit))
    return Outlook(templates, limit, *rates, at_home, prior.home, prior.others)


def fit_for(model: ScoreModel) -> int:
    """Return the largest N, to one digit, in which the bound of the modelled FNIR stays within `ACCEPTED_FNIR`.

    One look against one photo is the hardest case: two enrolled photos, or a second shot, cut the default pack's misses
    at N = 20,000 from 12 % to 3.5 % (30 people). 0 for a pack without genuine scores.
    """
    sizes = [digit * 10**power for power in range(1, 9) for digit in range(1, 10)]
    return max((n for n in sizes if 0 <= outlook(model, n).fnir_upper <= ACCEPTED_FNIR), default=0)


def genuine_points(scores: NDArray[np.float64], people: NDArray[np.int64]) -> tuple[tuple[float, float, float], ...]:
    """Return `ScoreModel.genuine` from scores of one person's photos, (n,), and whose they are, (n,).

    Each person weighs the same. The bound is Clopper and Pearson's with people as trials, because one person's photos
    are not independent.
    """
    members, person = np.unique(people, return_inverse=True)
    weight = 1.0 / np.bincount(person)[person] / len(members)
    points = []
    for cosine in _GENUINE_COSINES:
        rate = float(weight[scores < cosine].sum())
        misses = rate * len(members)
        bound = float(beta.ppf(_CONFIDENCE, misses + 1, max(len(members) - misses, 1e-9)))
        points.append((cosine, round(rate, 4), round(bound, 4)))
    return tuple(points)


def recalibrated(model: ScoreModel, known: KnownOutcomes) -> tuple[ScoreModel, Tail]:
    """Refit the tail of `model` on this site's own searches.

    Where they are too few to say anything (above the fitted rate) the model keeps its own points. Raises
    `TooFewScores`.
    """
    tail = fit_tail(known.scores, known.templates, by_sample(len(known.scores)), level_at=_LEVEL_AT)
    bounds = _rising(_head(model.tail, tail.rate), [(fmr, bound) for fmr, _, bound in tail.points])
    fitted = _rising(_head(model.tail_estimate, tail.rate), [(fmr, cosine) for fmr, cosine, _ in tail.points])
    size = f"{int(known.templates.min()):,} to {int(known.templates.max()):,}"
    basis = f"{len(known.scores):,} searches with a known outcome among {size} templates, FMR below {tail.rate:.1e}"
    refitted = msgspec.structs.replace(model, tail=bounds, tail_estimate=fitted, basis=f"{basis}; above: {model.basis}")
    return msgspec.structs.replace(refitted, fit_for_templates=fit_for(refitted) or model.fit_for_templates), tail


def put_in_force(model: ScoreModel, pack_id: str) -> Path:
    """Let `ModelPack.load` on this machine find these statistics; return the file. Raises `BadConfiguration`."""
    path = calibration_file(pack_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        write_json(draft, model)
        draft.replace(path)
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be written: {error}") from error
    return path


def _head(points: Points, rate: float) -> list[tuple[float, float]]:
    return [point for point in points if point[0] >= rate]


def _rising(head: list[tuple[float, float]], rest: list[tuple[float, float]]) -> Points:
    """Join points with cosines that rise; where the two meet, the later may have to be lifted."""
    lifted: list[tuple[float, float]] = []
    for fmr, cosine in (*head, *rest):
        least = lifted[-1][1] + _LEAST_RISE if lifted else cosine
        lifted.append((fmr, round(max(cosine, least), 4)))
    return tuple(lifted)


def _any_of(rate: float, trials: int) -> float:
    return float(-np.expm1(trials * np.log1p(-min(rate, 1.0 - 1e-12))))
