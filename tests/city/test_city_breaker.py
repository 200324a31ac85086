"""The circuit breaker by itself: no province, no clock."""

from city_server.breaker import Breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures_to_open=3, open_s=5.0)
    for now_s in (0.0, 1.0):
        breaker.failed(now_s)
    breaker.succeeded()
    for now_s in (2.0, 3.0):
        breaker.failed(now_s)
    assert not breaker.is_open
    assert breaker.allow(3.0)
    breaker.failed(4.0)
    assert breaker.is_open
    assert not breaker.allow(4.0)
    assert not breaker.allow(8.9)


def test_half_open_lets_one_through_at_a_time() -> None:
    breaker = Breaker(failures_to_open=1, open_s=5.0)
    breaker.failed(0.0)
    assert breaker.allow(5.0)
    assert not breaker.allow(5.0)
    assert not breaker.allow(100.0)
    assert breaker.is_open  # until the trial has an answer


def test_a_trial_that_fails_opens_it_anew() -> None:
    breaker = Breaker(failures_to_open=1, open_s=5.0)
    breaker.failed(0.0)
    assert breaker.allow(5.0)
    breaker.failed(7.0)
    assert not breaker.allow(11.9)
    assert breaker.allow(12.0)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = Breaker(failures_to_open=2, open_s=5.0)
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert breaker.allow(5.0)
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allow(5.0)
    assert breaker.allow(5.0)
    breaker.failed(6.0)
    assert not breaker.is_open


def test_a_straggler_that_fails_during_the_trial_does_not_let_a_second_one_through() -> None:
    breaker = Breaker(failures_to_open=1, open_s=5.0)
    breaker.failed(0.0)
    assert breaker.allow(5.0)
    breaker.failed(5.1)  # asked before it opened
    assert not breaker.allow(5.2)
