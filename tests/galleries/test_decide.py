"""Thresholds know N; a decision over several looks stays inside one budget."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yingbin.faces.scores import ScoreModel
from yingbin.galleries.decide import MAX_LOOKS, STAGES, Hit, judge, threshold
from yingbin.wire import Outcome

MODEL = ScoreModel(impostor_mean=0.07, impostor_sd=0.0965)


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_larger_gallery_never_has_a_lower_threshold(a: int, b: int) -> None:
    small, large = sorted((a, b))
    assert threshold(MODEL, small) <= threshold(MODEL, large)


def test_threshold_keeps_the_budget_of_a_track() -> None:
    """Monte Carlo at a budget large enough to measure: FPIR of all looks and stages together stays below alpha."""
    rng = np.random.default_rng(7)
    alpha, templates, tracks = 0.2, 50, 20_000
    limit = threshold(MODEL, templates, alpha=alpha)
    looks = STAGES * MAX_LOOKS
    # The best of N Gaussian impostors, drawn by inverting its distribution.
    uniform = rng.random((tracks, looks)) ** (1 / templates)
    from scipy.stats import norm

    best = MODEL.impostor_mean + MODEL.impostor_sd * norm.ppf(uniform)
    assert np.mean((best >= limit).any(axis=1)) <= alpha * 1.02


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
