"""Thresholds know N; a decision over several looks stays inside one budget."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from yingbin.faces.scores import ScoreModel
from yingbin.galleries.decide import EFFECTIVE_LOOKS, MAX_LOOKS, STAGES, Hit, best_of, judge, threshold
from yingbin.wire import Outcome

MODEL = ScoreModel(impostor_mean=0.07, impostor_sd=0.0965)


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_larger_gallery_never_has_a_lower_threshold(a: int, b: int) -> None:
    small, large = sorted((a, b))
    assert threshold(MODEL, small) <= threshold(MODEL, large)


LOOK_CORRELATION = 0.945
"""Of successive fused looks, as measured; a chain of them makes first and last of eight correlate by .67 (.64)."""


def correlated_looks(rng: np.random.Generator, tracks: int) -> NDArray[np.float64]:
    """Return standard normal deviates (tracks, MAX_LOOKS) of one impostor each: a first-order chain."""
    deviates = rng.standard_normal((tracks, MAX_LOOKS))
    for look in range(1, MAX_LOOKS):
        fresh = deviates[:, look] * np.sqrt(1 - LOOK_CORRELATION**2)
        deviates[:, look] = LOOK_CORRELATION * deviates[:, look - 1] + fresh
    return deviates


def test_threshold_keeps_the_budget_of_a_track() -> None:
    """Monte Carlo: a wrong name at any look of any stage, among 50 others, stays below alpha.

    Looks are correlated as measured; stages and identities independent, the worst case.
    """
    rng = np.random.default_rng(7)
    alpha, templates, tracks = 0.05, 50, 8_000
    limit = threshold(MODEL, templates, alpha=alpha)
    named = np.zeros(tracks, bool)
    for _ in range(STAGES * templates):
        scores = MODEL.impostor_mean + MODEL.impostor_sd * correlated_looks(rng, tracks)
        named |= (scores >= limit).any(axis=1)
    assert np.mean(named) <= alpha


def test_eight_correlated_looks_inflate_no_more_than_the_effective_number() -> None:
    """At an FMR that can be simulated; it is 4.1 there, less for larger FMR."""
    rng = np.random.default_rng(11)
    fmr = 1e-4
    limit = -norm.ppf(fmr)
    tracks, rounds = 200_000, 10
    passed = sum(int((correlated_looks(rng, tracks) >= limit).any(axis=1).sum()) for _ in range(rounds))
    assert passed / (tracks * rounds) <= EFFECTIVE_LOOKS * fmr


def test_look_alikes_are_not_named() -> None:
    assert judge(Hit("a", 0.80, 0.79), 0.5, 0) is Outcome.BETTER_SHOT
    assert judge(Hit("a", 0.80, 0.40), 0.5, 0) is Outcome.MATCHED


def test_looks_run_out() -> None:
    close = Hit("a", 0.49, 0.1)
    answers = [judge(close, 0.5, look) for look in range(MAX_LOOKS)]
    assert answers == [Outcome.BETTER_SHOT] * (MAX_LOOKS - 1) + [Outcome.NOT_ENROLLED]


def test_empty_gallery_and_hopeless_scores_end_the_track() -> None:
    assert judge(None, 0.5, 0) is Outcome.NOT_ENROLLED
    assert judge(Hit("a", 0.1, 0.0), 0.5, 0) is Outcome.NOT_ENROLLED


def test_hope_shrinks_with_the_looks() -> None:
    poor = Hit("a", 0.25, 0.0)
    assert judge(poor, 0.5, 0) is Outcome.BETTER_SHOT
    assert judge(poor, 0.5, MAX_LOOKS - 2) is Outcome.NOT_ENROLLED


TAIL = ScoreModel(impostor_mean=0.0, impostor_sd=0.1, tail=((1e-3, 0.30), (1e-5, 0.40), (1e-7, 0.50)))


@given(st.floats(1e-12, 0.5), st.floats(1e-12, 0.5))
def test_a_rarer_false_match_never_needs_a_lower_cosine(a: float, b: float) -> None:
    rare, common = sorted((a, b))
    for model in (MODEL, TAIL):
        assert model.cosine_at(rare) >= model.cosine_at(common) - 1e-9


def test_the_tail_is_met_at_its_points_and_continued_beyond() -> None:
    for fmr, cosine in TAIL.tail[1:]:
        assert abs(TAIL.cosine_at(fmr) - cosine) < 1e-9
    assert 0.40 < TAIL.cosine_at(1e-6) < 0.50 < TAIL.cosine_at(1e-9)
    assert TAIL.cosine_at(0.1) == ScoreModel(impostor_mean=0.0, impostor_sd=0.1).cosine_at(0.1)


def test_over_several_galleries_a_person_in_two_of_them_is_one_and_no_rival_of_himself() -> None:
    vip, potential = Hit("a", 0.7, 0.2), Hit("a", 0.6, 0.3)
    assert best_of([vip, potential]) == Hit("a", 0.7, 0.3)
    assert best_of([vip, Hit("b", 0.65, 0.6)]) == Hit("a", 0.7, 0.65)
    assert best_of([vip]) == vip
    assert best_of([]) is None
