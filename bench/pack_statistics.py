"""Measures what a pack's `yingbin.json` states: how its scores spread, and the gallery size it is fit for."""

from pathlib import Path

import msgspec
import numpy as np

from bench.face_set import FaceSet, Pairs, all_pairs, cosines_of
from yingbin.errors import InvalidInput
from yingbin.faces.pack import PackExtras
from yingbin.faces.scores import ScoreModel
from yingbin.faces.tail import by_identity, fit_tail
from yingbin.galleries.calibration import fit_for, genuine_points


class StatisticsUnwritten(InvalidInput):
    """The file of statistics exists already or cannot be written."""

    code = "statistics_unwritten"


def write_statistics(faces: FaceSet, pairs: Pairs | None, path: Path) -> None:
    """Write the `yingbin.json` of the pack that made `faces`. Raises `StatisticsUnwritten`, `TooFewScores`."""
    content = PackExtras(measured_model(faces, pairs or all_pairs(faces.people)))
    try:
        with path.open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    except OSError as error:
        raise StatisticsUnwritten(f"--statistics {path}: name a new file in a folder that exists ({error})") from error


def measured_model(faces: FaceSet, compared: Pairs) -> ScoreModel:
    """Return the score statistics of the pack that made `faces`, as its `yingbin.json` states them.

    Raises `TooFewScores` when the set is too small to carry a tail.
    """
    cosines = cosines_of(faces, compared)
    real = np.isfinite(cosines) & ~compared.same
    impostor, one, other = cosines[real], faces.people[compared.one[real]], faces.people[compared.other[real]]
    tail = fit_tail(impostor, np.ones(len(impostor), np.int64), by_identity(one, other))
    people = len(np.unique(np.concatenate((one, other))))
    model = ScoreModel(
        impostor_mean=round(float(impostor.mean()), 4),
        impostor_sd=round(float(impostor.std()), 4),
        tail=tuple((fmr, round(bound, 3)) for fmr, _, bound in tail.points),
        tail_estimate=tuple((fmr, round(cosine, 3)) for fmr, cosine, _ in tail.points),
        genuine=genuine_points(cosines[compared.same], faces.people[compared.one[compared.same]]),
        basis=f"{len(impostor):,} scores between {people} people: peaks over the 98th percentile, upper 95 % of 200"
        " resamplings by identity",
    )
    return msgspec.structs.replace(model, fit_for_templates=fit_for(model))
