"""One person, one record: what happens when a face is enrolled already."""

import json

import pytest
from province_harness import World, record

FACE = b"one face"


@pytest.fixture
def two(world: World) -> World:
    """Li is enrolled; Lei, with the same face, is about to be."""
    for name in ("li", "lei"):
        world.customer(name, world.branch_a)
    assert world.photo("li", FACE).status_code == 201
    return world


def rule(world: World, customer_id: str, other_id: str, reason: str = "twins: both identity cards seen") -> int:
    body = {"other_id": other_id, "reason": reason}
    return world.call("POST", f"customers/{customer_id}/distinctions", json=body).status_code


def test_C8_a_face_that_is_enrolled_already_is_named_without_a_score(two: World) -> None:
    refused = two.photo("lei", FACE)
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "urn:yingbin:possible_duplicate"
    assert problem["customer_ids"] == ["li"]
    assert set(problem) <= {"customer_ids", "type", "title", "status", "detail", "error_id", "request_id", "instance"}
    assert "." not in json.dumps({key: problem[key] for key in ("customer_ids", "status")})
    assert two.call("GET", "customers/lei").json()["templates"] == 0
    assert two.photo("li", FACE).status_code == 201  # his own second photo


@pytest.mark.parametrize("pair", [("lei", "li"), ("li", "lei")])
def test_a_recorded_reason_makes_them_two_people(two: World, pair: tuple[str, str]) -> None:
    assert rule(two, *pair) == 204
    assert rule(two, *pair) == 204
    assert two.photo("lei", FACE).status_code == 201
    assert two.call("DELETE", "customers/lei").status_code == 204
    two.customer("lei", two.branch_a)  # the decision went with the record it was about
    assert two.photo("lei", FACE).status_code == 409


def test_the_same_person_keeps_one_record(two: World) -> None:
    assert two.call("DELETE", "customers/lei").status_code == 204
    assert two.photo("li", FACE).status_code == 201
    assert two.call("GET", "customers/li").json()["templates"] == 2


def test_C1_somebody_without_consent_is_not_compared_with_anybody(two: World) -> None:
    two.made("customers", record("wu", two.branch_a))
    assert two.photo("wu", FACE).json()["type"] == "urn:yingbin:consent_missing"


def test_a_decision_needs_two_people_and_a_reason(two: World) -> None:
    assert rule(two, "lei", "lei") == 422
    assert rule(two, "lei", "li", " ") == 422
    assert rule(two, "lei", "nobody") == 404
    assert rule(two, "nobody", "li") == 404
