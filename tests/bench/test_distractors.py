"""Synthetic people score like the measured impostors, and joining them is like a search of the larger gallery."""

import numpy as np
import pytest

from bench.distractors import ImpostorModel, crowd, model_impostors
from bench.face_set import FaceSet, Photo, all_pairs, cosines_of
from bench.open_set import search, split

PEOPLE, EACH, DIMENSION = 40, 5, 64


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    """Vectors of few people in a crowded part of a sphere: fewer people than dimensions, so no full-rank covariance."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((PEOPLE, DIMENSION)) * np.linspace(1.5, 0.5, DIMENSION) + 0.25
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    people = np.repeat(np.arange(PEOPLE), EACH)
    vectors = centres[people] + 0.05 * rng.standard_normal((len(people), DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = [Photo(f"{number}.jpg", str(person), "") for number, person in enumerate(people)]
    return FaceSet(photos, people, vectors.astype(np.float32), np.ones(len(people), np.bool_))


@pytest.fixture(scope="module")
def model(faces: FaceSet) -> ImpostorModel:
    pairs = all_pairs(faces.people)
    return model_impostors(faces.vectors, faces.people, cosines_of(faces, pairs)[~pairs.same])


def test_synthetic_scores_have_the_measured_distribution_and_tail(model: ImpostorModel) -> None:
    mean, deviation = model.fit["score_mean"], model.fit["score_sd"]
    assert mean["synthetic"] == pytest.approx(mean["measured"], abs=5e-3)
    assert deviation["measured"] <= deviation["synthetic"] <= 1.2 * deviation["measured"]
    at_tail = next(point for point in model.fit["cosine_at_fmr"] if point["fmr"] == 1e-3)
    assert at_tail["measured"] <= at_tail["synthetic"] <= at_tail["measured"] + 0.02


def test_the_model_has_full_rank_and_draws_unit_vectors(model: ImpostorModel) -> None:
    drawn = model.draw(np.random.default_rng(1), 4 * DIMENSION)
    assert np.linalg.matrix_rank(drawn) == DIMENSION
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
    assert model.fit["synthetic"] is True
    assert "SYNTHETIC" in model.fit["note"]


def test_a_crowd_is_searched_as_one_gallery_would_be(
    faces: FaceSet, model: ImpostorModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.distractors._CHUNK", 70)
    who = split(faces, 3)
    found = search(faces, who)
    probes = faces.vectors[who.probes]
    acquired = np.ones(len(probes), np.bool_)
    acquired[0] = False
    at_size = crowd(found, probes, acquired, model, [100, 250], 9)
    rng = np.random.default_rng([9, 1])
    drawn = np.concatenate([model.draw(rng, count) for count in (70, 30, 70, 70, 10)])
    for size, result in at_size.items():
        gallery = np.concatenate((faces.vectors[who.enrolled], drawn[:size]))
        ordered = np.sort(probes[1:] @ gallery.T, axis=1)
        np.testing.assert_allclose(result.score[1:], ordered[:, -1], atol=1e-6)
        np.testing.assert_allclose(result.runner_up[1:], ordered[:, -2], atol=1e-6)
        best = (probes[1:] @ gallery.T).argmax(axis=1)
        assert (result.best[1:] == np.where(best < len(who.enrolled), best, -1)).all()
        assert result.score[0] == pytest.approx(found.score[0])
