"""Verification and open-set figures against cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.face_set import FaceSet, Photo
from bench.open_set import Candidates, Split, decided, rates, search, split
from bench.roc import auc, clopper_pearson, eer, roc, tar_at

GENUINE = np.array([0.9, 0.8, 0.6, 0.3])
IMPOSTOR = np.array([0.7, 0.5, 0.4, 0.2, 0.1])


def test_rates_at_every_threshold() -> None:
    curve = roc(GENUINE, IMPOSTOR)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    np.testing.assert_allclose(curve.tar, [0, 0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 1, 1, 1])
    np.testing.assert_allclose(curve.far, [0, 0, 0, 0.2, 0.2, 0.4, 0.6, 0.6, 0.8, 1])


def test_area_counts_the_genuine_scores_above_impostors() -> None:
    """0.9 and 0.8 exceed all 5, 0.6 exceeds 4, 0.3 exceeds 2."""
    assert auc(GENUINE, IMPOSTOR) == pytest.approx(16 / 20)
    assert auc(np.array([0.5]), np.array([0.5])) == 0.5


def test_equal_error_rate_lies_on_the_line_between_two_points() -> None:
    """At 0.6 FAR is .2 and the misses .25; at 0.5 they are .4 and .25: equal at .25."""
    assert eer(roc(GENUINE, IMPOSTOR)) == pytest.approx(0.25)
    assert eer(roc(np.array([0.9, 0.8]), np.array([0.2]))) == 0.0
    assert eer(roc(np.array([-np.inf]), np.array([-np.inf]))) == 1.0


def test_true_accepts_at_a_false_accept_rate() -> None:
    curve = roc(GENUINE, IMPOSTOR)
    assert (tar_at(curve, 0.0), tar_at(curve, 0.2), tar_at(curve, 0.39), tar_at(curve, 1.0)) == (0.5, 0.75, 0.75, 1.0)


def test_a_failure_to_acquire_is_a_miss_at_every_threshold_and_never_a_false_accept() -> None:
    curve = roc(np.append(GENUINE, -np.inf), np.append(IMPOSTOR, -np.inf))
    assert curve.tar.max() == pytest.approx(4 / 5)
    assert curve.far.max() == pytest.approx(5 / 6)
    assert tar_at(curve, 1.0) == pytest.approx(4 / 5)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_area_is_the_share_of_pairs_in_the_right_order(genuine: list[float], impostor: list[float]) -> None:
    pairs = [1.0 if g > i else 0.5 if g == i else 0.0 for g in genuine for i in impostor]
    assert auc(np.array(genuine), np.array(impostor)) == pytest.approx(np.mean(pairs))


def test_intervals_are_the_published_ones() -> None:
    """Zero of n: 1 - (alpha / 2)^(1 / n). Five of ten: Clopper and Pearson (Biometrika 1934), .187 to .813."""
    low, high = clopper_pearson(0, 3000)
    assert (low, high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 3000)))
    assert clopper_pearson(5, 10) == (pytest.approx(0.187, abs=5e-4), pytest.approx(0.813, abs=5e-4))
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def faces_of(people: list[int], cosines_to_first: list[float], acquired: list[bool]) -> FaceSet:
    """Vectors in a plane; the first photo points along x."""
    along = np.array(cosines_to_first)
    vectors = np.stack([along, np.sqrt(1 - along**2)], axis=1).astype(np.float32)
    photos = [Photo(f"{number}.jpg", str(person), "") for number, person in enumerate(people)]
    return FaceSet(photos, np.array(people), vectors, np.array(acquired))


def test_open_set_rates_of_a_case_worked_out_by_hand() -> None:
    """Person 0 enrolled. Mated: found, too low, not acquired. Strangers: one far too near, three far."""
    faces = faces_of([0, 0, 0, 0, 1, 2, 3, 3], [1, 0.9, 0.3, 0.9, 0.8, 0.1, 0, 0.2], [True] * 3 + [False] + [True] * 4)
    who = Split(np.array([0]), np.arange(1, 8), np.array([True] * 3 + [False] * 4))
    found = search(faces, who)
    result = rates(faces, who, found, decided(found, 0.5))
    assert (result["probes_mated"], result["probes_non_mated"], result["people_non_mated"]) == (3, 4, 3)
    assert (result["fpir"], result["fnir"], result["misidentified"]) == (0.25, pytest.approx(2 / 3, abs=1e-5), 0)
    assert result["fpir_ci"] == [pytest.approx(0.00631, abs=1e-5), pytest.approx(0.80588, abs=1e-5)]


def test_a_look_alike_and_a_wrong_name_are_misses() -> None:
    who = Split(np.array([0, 2]), np.array([1, 3]), np.array([True, True]))
    faces = faces_of([0, 0, 1, 1], [1, 1, 0, 1], [True] * 4)
    found = search(faces, who)
    assert rates(faces, who, found, decided(found, 0.5))["misidentified"] == 1
    alike = Candidates(np.array([0, 1]), np.array([0.80, 0.80]), np.array([0.79, 0.10]))
    assert decided(alike, 0.5).tolist() == [False, True]


@given(st.integers(0, 1000))
def test_split_enrols_one_photo_of_half_of_those_with_several_and_everything_else_is_a_probe(seed: int) -> None:
    faces = faces_of([0, 0, 1, 1, 1, 2, 3, 3, 4, 4], [0.0] * 10, [True] * 10)
    who = split(faces, seed)
    assert len(who.enrolled) == 2
    assert len(set(faces.people[who.enrolled])) == 2
    assert 2 not in faces.people[who.enrolled]
    assert sorted([*who.enrolled, *who.probes]) == list(range(10))
    assert who.mated.tolist() == [person in faces.people[who.enrolled] for person in faces.people[who.probes]]
    again = split(faces, seed)
    assert again.enrolled.tolist() == who.enrolled.tolist()
