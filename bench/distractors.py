"""SYNTHETIC people for galleries larger than any set of photos: vectors drawn from a model of the pack's impostors.

The model is a Gaussian of full rank on the sphere: mean and covariance of the real vectors, each person weighing the
same, the covariance shrunk towards a multiple of the identity (Ledoit and Wolf 2004). Few people span few directions,
so the plain covariance would crowd the drawn ones together. The two weights are chosen so that scores between real
photos and drawn ones have the mean measured between different real people, and the least spread with which neither
their standard deviation nor their tail at FMR 1e-3 falls below the measured one: never an easier crowd than the real
one. Both distributions are reported side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.open_set import Candidates
from yingbin.faces.engine import Vector

_CHUNK: Final = 32_768
_TRIAL: Final = 20_000
_HALVINGS: Final = 14
_TAIL_FMR: Final = 1e-3
_FMRS: Final = (1e-2, 1e-3, 1e-4)
NOTE: Final = "SYNTHETIC: drawn from a model of the pack's impostors, not people"


@dataclass(frozen=True, slots=True, eq=False)
class ImpostorModel:
    """Draws unit vectors, f32 (n, d): normalised `mean` + `factor` z, z standard normal. `factor` (d, d) is regular."""

    mean: NDArray[np.float32]
    factor: NDArray[np.float32]
    fit: dict[str, Any]

    def draw(self, rng: np.random.Generator, count: int) -> Vector:
        """Return `count` new people."""
        deviates = rng.standard_normal((count, len(self.mean)), np.float32)
        return _unit(self.mean + deviates @ self.factor.T)


def model_impostors(vectors: Vector, people: NDArray[np.int64], measured: NDArray[np.float64]) -> ImpostorModel:
    """Fit to real unit vectors, f32 (n, d), of `people`, (n,), and their `measured` scores between different people."""
    weight = 1.0 / np.bincount(people)[people]
    weight /= weight.sum()
    mean = weight @ vectors.astype(np.float64)
    centred = vectors - mean
    covariance = (centred * weight[:, None]).T @ centred
    spread = np.trace(covariance) / len(mean) * np.eye(len(mean))
    rng = np.random.default_rng(0)
    deviates = rng.standard_normal((_TRIAL, len(mean)))

    def scores_of(pull: float, shrinkage: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        factor = np.linalg.cholesky((1 - shrinkage) * covariance + shrinkage * spread)
        drawn = _unit((pull * mean + deviates @ factor.T).astype(np.float32))
        return factor, (vectors @ drawn.T).ravel().astype(np.float64)

    pull, low, high = 1.0, 0.01, 1.0
    tail = np.quantile(measured, 1 - _TAIL_FMR)
    for _ in range(_HALVINGS):
        shrinkage = (low + high) / 2
        _, scores = scores_of(pull, shrinkage)
        wide_enough = scores.std() >= measured.std() and np.quantile(scores, 1 - _TAIL_FMR) >= tail
        low, high = (shrinkage, high) if wide_enough else (low, shrinkage)
        pull = float(np.clip(pull * measured.mean() / scores.mean(), 0.0, 1.0)) if scores.mean() > 0 else pull
    factor, scores = scores_of(pull, low)
    fit = {
        "synthetic": True,
        "note": NOTE,
        "shrinkage": round(low, 4),
        "score_mean": {"measured": _round(measured.mean()), "synthetic": _round(scores.mean())},
        "score_sd": {"measured": _round(measured.std()), "synthetic": _round(scores.std())},
        "cosine_at_fmr": [
            {"fmr": fmr, "measured": _round(np.quantile(measured, 1 - fmr)), "synthetic": _round(at)}
            for fmr, at in zip(_FMRS, np.quantile(scores, [1 - fmr for fmr in _FMRS]), strict=True)
        ],
    }
    return ImpostorModel((pull * mean).astype(np.float32), factor.astype(np.float32), fit)


def crowd(
    found: Candidates,
    probes: Vector,
    acquired: NDArray[np.bool_],
    model: ImpostorModel,
    sizes: list[int],
    seed: int,
    step: Callable[[int], object] = lambda _: None,
) -> dict[int, Candidates]:
    """Return each probe's candidates after so many drawn people joined the gallery, for every one of `sizes`, rising.

    `probes` f32 (m, d), `acquired` (m,): a probe without a vector finds nobody. Only the best two scores of each probe
    are kept, so any number fits in memory. `step` is told how many have joined.
    """
    rng = np.random.default_rng([seed, 1])
    best, score, runner_up = found.best.copy(), found.score.copy(), found.runner_up.copy()
    joined, at_size = 0, {}
    for size in sizes:
        while joined < size:
            drawn = model.draw(rng, min(_CHUNK, size - joined))
            scores = drawn @ probes.T
            first = scores.argmax(axis=0)
            top = np.where(acquired, scores[first, np.arange(len(probes))], -1.0)
            scores[first, np.arange(len(probes))] = -1.0
            second = np.where(acquired, scores.max(axis=0), -1.0)
            runner_up = np.maximum(np.minimum(top, score), np.maximum(second, runner_up))
            best, score = np.where(top > score, -1, best), np.maximum(top, score)
            joined += len(drawn)
            step(joined)
        at_size[size] = Candidates(best.copy(), score.copy(), runner_up.copy())
    return at_size


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _round(value: float) -> float:
    return round(float(value), 4)
