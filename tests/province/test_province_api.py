"""The public API as a whole: its specification, its errors, and that what it answers is what it says (schemathesis)."""

import difflib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from openapi_snapshot import RECORD, text_of
from province_harness import World
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from province_server.auth import AUDIENCE, CITY, OPEN, open_to_all
from province_server.operations import Operations
from yingbin.errors import BadConfiguration
from yingbin.http.app import MAX_BODY_BYTES
from yingbin.trust.staff import Role, issue_city_token, now_s

Json = dict[str, Any]
PARTS = 4
"""So that several processes share the work."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/msgpack")
def as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def document(world: World) -> Json:
    spec: Json = world.http.get("/openapi.json").json()
    return spec


def operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


@pytest.mark.usefixtures("shared_world")
def test_the_specification_is_the_one_on_record(document: Json) -> None:
    """What changes here changes for every client: see the diff, then `make openapi`."""
    expected, found = RECORD.read_text("utf-8").splitlines(), text_of(document).splitlines()
    changes = list(difflib.unified_diff(expected, found, "on record", "now", n=3, lineterm=""))
    assert not changes, "\n".join(["the specification has changed; `make openapi` records it:", *changes[:200]])


@pytest.mark.usefixtures("shared_world")
def test_every_operation_is_described_with_examples_that_fit(document: Json) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert not [name for name in document["components"]["schemas"] if "__" in name]  # two classes of one name
    wrong = []
    for operation in operations(document):
        name = operation["operationId"]
        if not (operation.get("summary") and operation.get("description") and operation.get("tags")):
            wrong.append((name, "undescribed"))
        answers = {"": operation.get("requestBody", {}), **operation["responses"]}
        for status, body in answers.items():
            content = body.get("content", {}).get("application/json")
            if content is None:
                continue
            schema = {**content["schema"], "components": document["components"]}
            errors = list(jsonschema_rs.validator_for(schema).iter_errors(content["example"]))
            wrong += [(name, status, error.message) for error in errors]
    assert not wrong


@pytest.mark.usefixtures("shared_world")
def test_every_operation_names_its_problems_and_how_to_prove_oneself(document: Json) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            problems = {status for status in operation["responses"] if int(status) >= 400}
            assert {"500", "503"} <= problems, path
            if operation.get("security"):
                assert {"401", "403"} <= problems, path
                assert operation["security"][0].keys() <= document["components"]["securitySchemes"].keys()
            if "{" in path:
                assert "404" in problems, path
            keyed = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
            assert keyed == (method in {"post", "patch", "delete"} and operation.get("security") == [{"staff": []}])
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


@pytest.mark.usefixtures("shared_world")
@pytest.mark.parametrize(
    ("method", "path", "status", "options"),
    [
        ("GET", "/v1/nothing", 404, {}),
        ("GET", "/v1/branches/x", 405, {}),
        ("POST", "/v1/branches", 422, {"content": b"{"}),
        ("POST", "/v1/branches", 400, {"content": b"\xff"}),
        ("POST", "/v1/branches", 413, {"content": b" " * (MAX_BODY_BYTES + 1)}),
        ("GET", "/v1/branches?limit=0", 422, {}),
        ("GET", "/v1/customers/nobody", 404, {}),
    ],
)
def test_every_refusal_is_a_problem_with_the_requests_id(
    world: World, method: str, path: str, status: int, options: Json
) -> None:
    headers = {"Authorization": f"Bearer {world.token(Role.GALLERY_ADMIN)}", "Content-Type": "application/json"}
    reply = world.http.request(method, path, headers=headers, **options)
    problem = reply.json()
    assert (reply.status_code, problem["status"]) == (status, status)
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert len(problem["request_id"]) == len(problem["error_id"]) == 36
    if status == 405:
        assert reply.headers["allow"]


def test_an_operation_id_is_used_once(world: World) -> None:
    from fastapi import APIRouter, Depends, FastAPI

    def router(path: str) -> APIRouter:
        made = APIRouter()

        @made.get(path, dependencies=[Depends(open_to_all)])
        def same() -> None:
            """Do nothing."""

        return made

    known, app = Operations(), FastAPI()
    known.include(app, router("/a"))
    with pytest.raises(BadConfiguration, match="same"):
        known.include(app, router("/b"))


def answers_fit(world: World, document: Json, examples: int, part: int) -> int:
    """Send `examples` good and as many bad requests to each operation of a part; return how many were sent."""
    known = {CITY: {CITY}, OPEN: {OPEN}}
    access = world.province.operations.access
    things = {
        "branch_id": world.branch_a,
        "box_id": world.bundle_a.box_id,
        "camera_id": world.camera_a,
        "city_id": world.a.city_id,
        "assessment_id": world.assessment,
        "customer_id": "li",
        "staff_id": "rm1",
    }
    world.enrolled("li", world.branch_a)
    world.made(
        "staff", {"staff_id": "rm1", "display_name": "王", "role": "rm", "branch_id": world.branch_a, "pin": "123456"}
    )
    session, sent = requests.Session(), 0

    def token(operation_id: str) -> str:
        may = access.get(operation_id, frozenset({OPEN}))
        if may == known[CITY]:
            return issue_city_token(world.a.key, world.a.city_id, AUDIENCE, now_s=now_s())
        return world.token(Role.GALLERY_ADMIN if Role.GALLERY_ADMIN in may or OPEN in may else Role(min(may)))

    def send(case: schemathesis.Case, real: bool) -> None:
        nonlocal sent
        name = case.operation.definition.raw["operationId"]
        if real:
            _take(case, things)
        if name == "city_feed":
            case.query = {**case.query, "wait_s": 0}  # it would wait for news
        headers = {"Authorization": f"Bearer {token(name)}"}
        response = case.call(base_url=world.url, session=session, headers=headers, timeout=60)
        case.validate_response(response, checks=CHECKS)
        sent += 1

    bounded = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    for result in list(schemathesis.openapi.from_dict(document).get_all_operations())[part::PARTS]:
        operation = result.ok()
        for mode in GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)
            try:
                bounded(given(cases, st.booleans())(send))()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # nothing in it that could be wrong
    return sent


def _take(case: schemathesis.Case, things: dict[str, str]) -> None:
    """Put ids of things that exist where a request names some."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: value for name, value in things.items() if name in part})


@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_what_the_specification_says(world: World, document: Json, part: int) -> None:
    assert answers_fit(world, document, 3, part) > 100


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_what_the_specification_says_at_length(world: World, document: Json, part: int) -> None:
    assert answers_fit(world, document, 300, part) > 5_000
