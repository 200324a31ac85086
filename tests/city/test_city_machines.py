import pytest
from hypothesis import given
from hypothesis import strategies as st

from city_server.attempts import FREE, Attempts, TooManyAttempts
from city_server.breaker import Breaker
from city_server.bucket import Bucket
from city_server.routing import EVERYONE, FIRST, escalate, rings_for, route
from city_server.visits import Sighted, sight
from yingbin.feed_wire import Staff
from yingbin.trust.staff import Role

HALF_HOUR = 30 * 60_000


def test_the_breaker_opens_tries_once_and_closes() -> None:
    breaker = Breaker(2, 10.0)
    for _ in range(2):
        assert breaker.allow(0.0)
        breaker.failed(0.0)
    assert breaker.is_open
    assert not breaker.allow(9.9)
    assert [breaker.allow(10.0), breaker.allow(10.0)] == [True, False]
    breaker.failed(10.0)
    assert not breaker.allow(19.9)
    assert breaker.allow(20.0)
    breaker.succeeded()
    assert not breaker.is_open


def test_attempts_pause_grows_and_a_success_clears_it() -> None:
    attempts = Attempts()
    for _ in range(FREE):
        attempts.check("a", 0.0)
        attempts.failed("a", 0.0)
    with pytest.raises(TooManyAttempts, match="2 seconds"):
        attempts.check("a", 0.5)
    attempts.check("a", 2.0)
    attempts.failed("a", 2.0)
    with pytest.raises(TooManyAttempts):
        attempts.check("a", 5.9)
    attempts.check("b", 2.0)
    attempts.succeeded("a")
    attempts.check("a", 2.0)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_a_bucket_never_lets_more_through_than_it_may(gaps: list[float]) -> None:
    bucket, now, passed = Bucket(2.0, 5, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now)
    assert passed <= 5 + 2.0 * now + 1e-6


@given(st.lists(st.integers(0, 4 * HALF_HOUR), min_size=1, max_size=40))
def test_a_visit_spans_sightings_less_than_half_an_hour_apart(times: list[int]) -> None:
    visit = None
    for at in sorted(times):
        before = visit
        visit, meaning = sight(visit, "b", "c", at, HALF_HOUR)
        fresh = before is None or at - before.last_seen_at_ms >= HALF_HOUR
        assert (meaning is Sighted.OPENED) is fresh
        assert visit.last_seen_at_ms == at


def test_a_late_sighting_does_not_turn_back_the_clock() -> None:
    visit, _ = sight(None, "b", "c", 1000, HALF_HOUR)
    assert sight(visit, "b", "c", 400, HALF_HOUR) == (visit, Sighted.LATE)


def person(staff_id: str, role: Role, *, on_duty: bool = True) -> Staff:
    return Staff(staff_id, staff_id, role, "b", "", on_duty)


def test_routing_own_manager_then_lobby_then_everyone() -> None:
    rm, off, lobby = person("rm", Role.RM), person("rm", Role.RM, on_duty=False), person("lo", Role.LOBBY)
    assert (route("rm", [rm, lobby], 0, 20).routed_to, route("rm", [off, lobby], 0, 20).routed_to) == ("rm", "")
    own = route("rm", [rm, lobby], 0, 20)
    assert (own.level, own.escalate_at_ms) == (FIRST, 20)
    assert [rings_for(own, name, role) for name, role in (("rm", Role.RM), ("lo", Role.LOBBY))] == [True, False]
    later = escalate(own)
    assert (later.level, later.escalate_at_ms) == (EVERYONE, None)
    assert [rings_for(later, "x", role) for role in (Role.LOBBY, Role.BRANCH_MANAGER, Role.RM)] == [True, True, False]
    nobody = route("rm", [], 0, 20)
    assert rings_for(nobody, "x", Role.RM)
    assert not rings_for(nobody, "x", Role.SECURITY)
