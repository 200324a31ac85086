"""The branch prior moves the budget of a search and adds nothing to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingbin.faces.scores import ScoreModel
from yingbin.galleries.decide import ALPHA_PER_TRACK, EFFECTIVE_LOOKS, STAGES, threshold
from yingbin.galleries.prior import limits

MODEL = ScoreModel(impostor_mean=0.07, impostor_sd=0.0965)
TAIL = ScoreModel(impostor_mean=0.0, impostor_sd=0.1, tail=((1e-3, 0.30), (1e-5, 0.40), (1e-7, 0.50)))
galleries = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(galleries, st.sampled_from([MODEL, TAIL]))
def test_both_groups_together_spend_what_one_search_may(gallery: tuple[int, int], model: ScoreModel) -> None:
    templates, at_home = gallery
    found = limits(model, templates, at_home)
    spent = at_home * model.fmr_at(found.home)[1] + (templates - at_home) * model.fmr_at(found.others)[1]
    assert spent <= ALPHA_PER_TRACK / (STAGES * EFFECTIVE_LOOKS) * (1 + 1e-3)


@given(galleries, st.sampled_from([MODEL, TAIL]))
def test_nobody_at_home_is_asked_for_more_than_without_a_prior(gallery: tuple[int, int], model: ScoreModel) -> None:
    templates, at_home = gallery
    alone, found = threshold(model, templates), limits(model, templates, at_home)
    assert found.home <= alone + 1e-9
    assert found.others >= alone - 1e-9


def test_a_gallery_of_one_kind_has_one_limit() -> None:
    for at_home in (0, 150, 300, 400):
        found = limits(MODEL, 300, at_home)
        assert found.home == found.others == threshold(MODEL, 300)


def test_what_a_branch_of_500_gains_in_a_city_of_20_000() -> None:
    alone, found = threshold(MODEL, 20_000), limits(MODEL, 20_000, 500)
    assert alone - found.home > 0.03
    assert found.others - alone < 0.015
    assert found.others == pytest.approx(threshold(MODEL, 39_000), abs=1e-6)
    assert found.home == pytest.approx(threshold(MODEL, 1_000), abs=1e-6)


def test_strangers_are_named_no_oftener_than_the_budget_allows() -> None:
    """Monte Carlo of one look at one stage, 10 customers at home and 90 others, at an alpha that can be simulated."""
    rng, alpha, rounds = np.random.default_rng(3), 1.0, 10
    found = limits(MODEL, 100, 10, alpha=alpha)
    named = 0.0
    for _ in range(rounds):
        scores = MODEL.impostor_mean + MODEL.impostor_sd * rng.standard_normal((20_000, 100))
        named += np.mean((scores[:, :10] >= found.home).any(axis=1) | (scores[:, 10:] >= found.others).any(axis=1))
    assert named / rounds <= alpha / (STAGES * EFFECTIVE_LOOKS)
