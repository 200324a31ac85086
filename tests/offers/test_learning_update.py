"""What outcomes may do to a propensity between trainings: monotone, bounded, forgetting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingbin.errors import InvalidInput
from yingbin.offers.learning.posterior import DAY_MS, Forgetting, Impression, shifted, update

NOW = 1_000 * DAY_MS
RULES = Forgetting()
PROPENSITY = st.floats(0, 1)
IMPRESSIONS = st.lists(st.builds(Impression, st.integers(0, NOW), st.booleans()), max_size=60)


@given(PROPENSITY, IMPRESSIONS, st.integers(0, NOW))
def test_one_more_acceptance_never_lowers_it_and_one_more_refusal_never_raises_it(
    propensity: float, seen: list[Impression], at_ms: int
) -> None:
    without = update(propensity, seen, NOW).mean
    assert update(propensity, [*seen, Impression(at_ms, accepted=True)], NOW).mean >= without - 1e-9
    assert update(propensity, [*seen, Impression(at_ms, accepted=False)], NOW).mean <= without + 1e-9


@given(PROPENSITY, st.integers(0, 5_000), st.booleans())
def test_influence_is_bounded_however_many_outcomes_come(propensity: float, count: int, accepted: bool) -> None:
    found = update(propensity, [Impression(NOW, accepted)] * count, NOW)
    prior = min(max(propensity, 1e-4), 1 - 1e-4)
    target = 1.0 if accepted else 0.0
    assert abs(found.mean - prior) <= abs(target - prior) * RULES.most / (1 + RULES.most) + 1e-9
    assert found.weight <= RULES.most * RULES.n0 + 1e-9
    assert 0 <= found.low <= found.high <= 1


@given(PROPENSITY, PROPENSITY)
def test_the_order_of_two_models_stays(one: float, other: float) -> None:
    seen = [Impression(NOW, accepted=True), Impression(NOW - DAY_MS, accepted=False)]
    low, high = sorted((one, other))
    assert update(low, seen, NOW).mean <= update(high, seen, NOW).mean + 1e-12
    assert shifted(low, 0.2, 0.3) <= shifted(high, 0.2, 0.3) + 1e-12


def test_it_is_the_beta_posterior() -> None:
    seen = [Impression(NOW, accepted=number < 10) for number in range(50)]
    found = update(0.4, seen, NOW, Forgetting(n0=50))
    assert found.mean == pytest.approx((20 + 10) / 100)
    assert (found.low, found.high) == pytest.approx((0.2147, 0.3926), abs=1e-3)


def test_old_outcomes_fade() -> None:
    old = update(0.1, [Impression(NOW - 60 * DAY_MS, accepted=True)] * 40, NOW)
    assert old.weight == pytest.approx(20)
    assert update(0.1, [Impression(0, accepted=True)] * 40, NOW).mean == pytest.approx(0.1, abs=1e-3)
    ahead = update(0.1, [Impression(NOW + DAY_MS, accepted=True)], NOW)
    assert ahead.weight == 1.0  # another machine's clock is ahead


def test_without_outcomes_the_model_stands() -> None:
    assert update(0.25, [], NOW).mean == pytest.approx(0.25)
    assert shifted(0.25, 0.1, 0.1) == pytest.approx(0.25)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_propensity_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        update(wrong, [], NOW)
