"""What somebody who stole protected templates can do who does not have the keys: link them to faces (docs/security.md).

The protection is a secret orthogonal map. He who knows pairs of a face's vector and its protected template fits the map
(orthogonal Procrustes problem: Schönemann 1966) and undoes it for everybody else. Two kinds of pairs: the very photo
that was enrolled, or another photo of the same person, which is what he will have. Without pairs, but with many stolen
templates and as many vectors of other people, he may still compare how both are spread: the axes of the two spectra
correspond but for their signs, so magnitudes along them can be compared.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bench.population import LABEL, Matrix, Population
from yingbin.galleries.protect import Transform, apply, random_transform

_TESTED: Final = 2_000
_STOLEN: Final = 16_384


def run_protect_attack(dimensions: tuple[int, ...], say: Callable[[str], object]) -> dict[str, Any]:
    """Return `runs`: for each dimension and number of known pairs, how far the attack comes on other people.

    `recovered_cosine` (-1: not attempted): of a template, mapped back, with the face it was made of. `linking_auc`: how
    often it scores higher with a photo of its person than with one of another; .5 is chance.
    """
    runs = [run for dimension in dimensions for run in _attacks(dimension, say)]
    return {"data": LABEL, "tested": _TESTED, "runs": runs}


def _attacks(dimension: int, say: Callable[[str], object]) -> list[dict[str, Any]]:
    people = Population(dimension)
    faces = people.faces(people.blocks(_STOLEN)[0])
    photos = people.probes(faces)
    key = random_transform(dimension)
    stolen = apply(key, faces)
    tested = slice(0, _TESTED)
    known = slice(_TESTED, None)
    victims = (stolen[tested], photos[tested])
    common = {"dim": dimension, "unprotected_auc": _auc(faces[tested], photos[tested])}
    runs = []
    for photo, raw in (("enrolled", faces), ("another", photos)):
        for pairs in (0, dimension // 2, dimension, 4 * dimension):
            if pairs == 0 and photo == "another":
                continue
            say(f"{dimension} numbers, {pairs} pairs with the {photo} photo")
            guess = _fitted(raw[known][:pairs], stolen[known][:pairs])
            back = apply(guess.T, victims[0])
            cosine = float((back * faces[tested]).sum(axis=1).mean())
            found = {"recovered_cosine": round(cosine, 3), "linking_auc": _auc(back, victims[1])}
            runs.append({**common, "attack": "pairs", "pairs": pairs, "photo": photo if pairs else "none", **found})
    say(f"{dimension} numbers, spectra")
    others = people.strangers(_STOLEN)
    auc = _auc(_magnitudes(victims[0], stolen), _magnitudes(victims[1], others))
    spectrum = {"attack": "spectrum", "pairs": 0, "photo": "none", "recovered_cosine": -1, "linking_auc": auc}
    return [*runs, {**common, **spectrum}]


def _fitted(raw: Matrix, protected: Matrix) -> Transform:
    """Return the orthogonal map that takes `raw` nearest to `protected`, fp32 (d, d); where pairs say nothing, any."""
    dimension = raw.shape[1]
    if len(raw) == 0:
        return random_transform(dimension)
    left, _, right = np.linalg.svd(protected.T.astype(np.float64) @ raw.astype(np.float64))
    return np.asarray(left @ right, np.float32)


def _magnitudes(vectors: Matrix, sample: Matrix) -> Matrix:
    """Return magnitudes along the axes of the sample's spectrum, less what is usual there, unit fp32 (n, d)."""
    _, axes = np.linalg.eigh(np.cov(sample.T))
    usual = np.abs(sample @ axes)
    deviating = (np.abs(vectors @ axes) - usual.mean(axis=0)) / usual.std(axis=0)
    return np.asarray(deviating / np.linalg.norm(deviating, axis=1, keepdims=True), np.float32)


def _auc(one: Matrix, other: Matrix) -> float:
    """Return how often a person's pair scores above that of two people: the area under the ROC curve."""
    same = (one * other).sum(axis=1)
    different = np.sort((one * np.roll(other, 1, axis=0)).sum(axis=1))
    return round(float(np.searchsorted(different, same).mean() / len(different)), 3)
