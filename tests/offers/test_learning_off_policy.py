"""Off-policy value against the truth of a simulated log, and the refusal to give a number the log does not hold."""

import numpy as np
import pytest
from learning_log import logged_bank

from yingbin.errors import InvalidInput
from yingbin.offers.learning.off_policy import Log, NoSupport, evaluate, first_choices

ARMS = 4
SHOWN = np.array([0.4, 0.3, 0.2, 0.1])
WANTED = np.array([0.1, 0.2, 0.3, 0.4])
ACCEPTED = np.array([0.1, 0.2, 0.3, 0.4])
TRUTH = float(WANTED @ ACCEPTED)


def simulated(seed: int, customers: int = 240, visits: int = 5) -> Log:
    """Let customers differ in all arms alike, so that their visits are not independent."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), visits)
    arm = rng.choice(ARMS, len(who), p=SHOWN)
    leaning = np.repeat(rng.uniform(0.5, 1.5, customers), visits)
    reward = (rng.random(len(who)) < ACCEPTED[arm] * leaning).astype(float)
    return Log(who, SHOWN[arm], WANTED[arm], reward)


def test_intervals_cover_the_true_value() -> None:
    seeds = 80
    values = [evaluate(simulated(seed)) for seed in range(seeds)]
    for covered in (
        sum(one.ips.low <= TRUTH <= one.ips.high for one in values),
        sum(one.snips.low <= TRUTH <= one.snips.high for one in values),
        sum(one.logged.low <= float(SHOWN @ ACCEPTED) <= one.logged.high for one in values),
    ):
        assert 0.89 <= covered / seeds <= 0.99
    assert np.mean([one.ips.value for one in values]) == pytest.approx(TRUTH, abs=0.01)
    assert np.mean([one.snips.value for one in values]) == pytest.approx(TRUTH, abs=0.01)


def test_the_policy_that_ran_is_worth_what_it_earned() -> None:
    log = simulated(1)
    same = evaluate(Log(log.customer, log.logged, log.logged, log.reward))
    assert same.ips.value == pytest.approx(float(log.reward.mean()))
    assert same.snips.value == pytest.approx(float(log.reward.mean()))
    assert same.effective == pytest.approx(len(log.reward))


def test_snips_does_not_move_when_every_reward_gets_a_constant_and_ips_does() -> None:
    log = simulated(2)
    plain = evaluate(log)
    shifted = evaluate(Log(log.customer, log.logged, log.wanted, log.reward + 10))
    assert shifted.snips.value - 10 == pytest.approx(plain.snips.value)
    assert abs(shifted.ips.value - 10 - plain.ips.value) > 0.05


@pytest.mark.parametrize("logged", [0.0, 1.2, float("nan"), -0.1])
def test_a_propensity_that_is_none_is_refused(logged: float) -> None:
    log = simulated(3)
    broken = log.logged.copy()
    broken[7] = logged
    with pytest.raises(NoSupport, match="1 decisions were logged with a probability of 0"):
        evaluate(Log(log.customer, broken, log.wanted, log.reward))


def test_too_few_effective_decisions_are_refused() -> None:
    log = simulated(4)
    rare = np.where(np.arange(len(log.reward)) < 20, 1.0, 0.0)
    with pytest.raises(NoSupport, match=r"effective decisions of 1200; at least 100 are needed"):
        evaluate(Log(log.customer, log.logged, rare, log.reward))
    with pytest.raises(NoSupport):
        evaluate(Log(log.customer, log.logged, np.zeros(len(rare)), log.reward))


def test_a_policy_that_does_what_the_log_never_did_is_refused() -> None:
    """Half of the new policy's choices are a product that was never shown: its weights average a half."""
    log = simulated(5)
    with pytest.raises(NoSupport, match="must average 1"):
        evaluate(Log(log.customer, log.logged, log.wanted / 2, log.reward))


@pytest.mark.parametrize(
    "log",
    [
        Log(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0)),
        Log(np.zeros(2, np.int64), np.ones(1), np.ones(2), np.ones(2)),
        Log(np.array([-1]), np.ones(1), np.ones(1), np.ones(1)),
        Log(np.zeros(1, np.int64), np.ones(1), np.array([1.5]), np.ones(1)),
        Log(np.zeros(1, np.int64), np.ones(1), np.ones(1), np.array([np.nan])),
    ],
)
def test_arrays_that_are_no_log_are_refused(log: Log) -> None:
    with pytest.raises(InvalidInput):
        evaluate(log)


def test_the_log_of_the_bank_is_read_without_the_holdout() -> None:
    bank = logged_bank()
    log = first_choices(bank, lambda _decision, _customer, product: 0.5 if product == "wealth_r2" else 0.0)
    earned = bank.execute("SELECT sum(margin_fen) FROM outcomes WHERE product_code = 'wealth_r2'").fetchall()[0][0]
    assert (len(log.reward), int(log.customer.max()) + 1, log.reward.sum()) == (800, 400, earned)
    assert evaluate(log).ips.value == pytest.approx(earned / 800)
    bank.execute("UPDATE decisions SET probability = NULL WHERE decision_id = 'd1-0'")
    with pytest.raises(NoSupport, match="1 decisions"):
        evaluate(first_choices(bank, lambda *_: 0.5))
