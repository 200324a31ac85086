"""`yingbin eval faces`: what one photo says about another, and about a gallery of known size (ISO/IEC 19795-1)."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench import open_set, roc
from bench.distractors import crowd, model_impostors
from bench.face_set import FaceSet, Pairs, Photo, acquire_all, all_pairs, cosines_of
from bench.open_set import FIXED_THRESHOLD, INDEPENDENT_PROBES
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack
from yingbin.faces.scores import ScoreModel
from yingbin.galleries.decide import threshold

SEED: Final = 20240
_FARS: Final = {"tar_at_far_1e2": 1e-2, "tar_at_far_1e3": 1e-3}
_SPLITS: Final = 100
_SMALLEST_CROWD: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """`figures`: the JSON object. `curve` is drawn, and `identification`: per gallery size, FPIR and FNIR (2, n)."""

    figures: dict[str, Any]
    curve: roc.Roc
    identification: dict[int, NDArray[np.float64]]


def judge_faces(
    faces: FaceSet,
    pairs: Pairs | None,
    scores: ScoreModel,
    *,
    distractors: int = 0,
    seed: int = SEED,
    step: Callable[[int], object] = lambda _: None,
) -> Judgement:
    """Return all figures. `pairs`: only these are compared; None: every two photos.

    `distractors`: how many synthetic people join the open-set gallery in the end; `step` hears how many have.
    """
    compared = pairs or all_pairs(faces.people)
    cosines = cosines_of(faces, compared)
    curve = roc.roc(cosines[compared.same], cosines[~compared.same])
    who = open_set.split(faces, seed)
    found = open_set.search(faces, who)
    gallery_n = int(faces.acquired[who.enrolled].sum())
    sets = {} if pairs else {"sets": _by_set(faces)}
    figures = {
        "people": len(np.unique(faces.people)),
        "photos": len(faces.photos),
        "failure_to_acquire": round(1.0 - float(faces.acquired.mean()), 5),
        **_verification(cosines, compared.same),
        "open_set": _open_set(faces, who, found, gallery_n, scores),
        "open_set_splits": _over_splits(faces, scores, seed),
        **sets,
    }
    drawn = {gallery_n: _by_threshold(faces, who, found)}
    if distractors:
        real = np.isfinite(cosines) & ~compared.same
        model = model_impostors(faces.vectors[faces.acquired], faces.people[faces.acquired], cosines[real])
        probes = faces.vectors[who.probes], faces.acquired[who.probes]
        crowds = crowd(found, *probes, model, _sizes(distractors), seed, step)
        figures["synthetic"] = {
            **model.fit,
            "open_set": [
                {"synthetic": True, "synthetic_n": size, **_open_set(faces, who, one, gallery_n + size, scores)}
                for size, one in crowds.items()
            ],
        }
        drawn |= {gallery_n + size: _by_threshold(faces, who, one) for size, one in crowds.items()}
    return Judgement(figures, curve, drawn)


def load_photos(
    photos: Sequence[Photo], manifest: Path, pack_name: str, step: Callable[[str], object] = lambda _: None
) -> tuple[FaceSet, ScoreModel]:
    """Return the vectors that the pack makes of `photos`, and the pack's statistics.

    `step` is told how far it is. Raises `PackNotFound`, `PackDamaged`, `PackMismatch`, `PhotoUnreadable`.
    """
    done = itertools.count(1)
    engine = FaceEngine.load(ModelPack.load(pack_name))
    folder = manifest.absolute().parent.parent
    faces = acquire_all(engine, photos, folder, lambda: step(f"{next(done)} of {len(photos)}"))
    return faces, engine.pack.scores


def _verification(cosines: NDArray[np.float64], same: NDArray[np.bool_]) -> dict[str, Any]:
    genuine, impostor = cosines[same], cosines[~same]
    curve = roc.roc(genuine, impostor)
    return {
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "auc": round(roc.auc(genuine, impostor), 6),
        "eer": round(roc.eer(curve), 5),
        **{key: round(roc.tar_at(curve, far), 5) for key, far in _FARS.items()},
    }


def _by_set(faces: FaceSet) -> dict[str, dict[str, Any]]:
    """Return the verification figures within each `set` of the manifest that has pairs of both kinds."""
    groups = np.array([photo.group for photo in faces.photos])
    found = {}
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        compared = all_pairs(faces.people[members])
        if group and compared.same.any() and not compared.same.all():
            pairs = Pairs(members[compared.one], members[compared.other], compared.same)
            found[str(group)] = {"photos": len(members), **_verification(cosines_of(faces, pairs), pairs.same)}
    return found


def _open_set(
    faces: FaceSet, who: open_set.Split, found: open_set.Candidates, gallery_n: int, scores: ScoreModel
) -> dict[str, Any]:
    limit = threshold(scores, gallery_n)  # from N and the pack alone: no probe has been looked at
    shipped = open_set.rates(faces, who, found, open_set.decided(found, limit))
    fixed = open_set.rates(faces, who, found, found.score >= FIXED_THRESHOLD)
    estimate, bound = (-np.expm1(gallery_n * np.log1p(-fmr)) for fmr in scores.fmr_at(limit))
    return {
        "gallery_n": gallery_n,
        **shipped,
        "threshold": round(limit, 4),
        "fpir_modelled": float(f"{estimate:.3g}"),
        "fpir_modelled_upper": float(f"{bound:.3g}"),
        "fpir_demonstrated": shipped["people_non_mated"] >= INDEPENDENT_PROBES,
        "fixed": {
            "threshold": FIXED_THRESHOLD,
            **{key: fixed[key] for key in ("fpir", "fpir_ci", "fnir", "fnir_ci", "misidentified")},
        },
    }


def _over_splits(faces: FaceSet, scores: ScoreModel, seed: int) -> dict[str, Any]:
    """Return mean rates over many splits. They share photos, so there is no interval."""
    results = []
    for number in range(_SPLITS):
        who = open_set.split(faces, seed + number)
        gallery_n = int(faces.acquired[who.enrolled].sum())
        results.append(_open_set(faces, who, open_set.search(faces, who), gallery_n, scores))
    return {
        "splits": _SPLITS,
        **{key: round(float(np.mean([one[key] for one in results])), 5) for key in ("fpir", "fnir")},
        **{
            f"fixed_{key}": round(float(np.mean([one["fixed"][key] for one in results])), 5) for key in ("fpir", "fnir")
        },
    }


def _by_threshold(faces: FaceSet, who: open_set.Split, found: open_set.Candidates) -> NDArray[np.float64]:
    """Return (FPIR, FNIR) at every threshold, f64 (2, n), without the look-alike margin."""
    right = (found.best >= 0) & (faces.people[who.enrolled][found.best] == faces.people[who.probes])
    mated = np.where(right, found.score, -np.inf)[who.mated]
    curve = roc.roc(mated, found.score[~who.mated])
    return np.stack([curve.far, 1.0 - curve.tar])


def _sizes(distractors: int) -> list[int]:
    """Return the powers of ten from 1,000 below `distractors`, and it."""
    sizes, size = [], _SMALLEST_CROWD
    while size < distractors:
        sizes.append(size)
        size *= 10
    return [*sizes, distractors]
