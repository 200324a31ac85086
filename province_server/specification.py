"""The OpenAPI document of the province: what FastAPI knows of the routes, and what holds for all of them.

Errors are problem+json (RFC 9457), writes take an idempotency key, members of staff and cities prove themselves in
different ways, and every body and answer has an example, made of its fields' own where there is none.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from province_server.auth import CITY, OPEN
from province_server.idempotency import HEADER, KEPT_MS, METHODS
from province_server.operations import Operations
from province_server.records import AN_ID
from yingbin.http.problem import PROBLEM_SCHEMA, PROBLEM_TYPE

Json = dict[str, Any]

_DESCRIPTION: Final = """\
Registry, enrolment, consent, galleries and watch lists of a bank's province, for its own pages and for programs.

Ids are UUIDv7 unless the bank chose them; instants are UTC milliseconds since 1970. Lists come in pages by id: `next`
of a page is `after` of the next one, null at the end. An answer never holds a face vector or a score."""
_TAGS: Final = {
    "staff": "Signing in, members of staff, duty rota",
    "registry": "Cities, branches, boxes",
    "cameras": "Cameras and the impact assessments they rest on",
    "customers": "Records, erasure, export",
    "consents": "Consent by purpose, and its withdrawal",
    "enrolment": "From a photo to a template",
    "catalogue": "Products and rules as versions: drafts, checks, releases",
    "galleries": "Who is in which gallery",
    "watch lists": "Police and overdue lists, each with its own role",
    "renewals": "Replacing keys in a running house",
    "city": "For city servers: msgpack bodies as in `yingbin.feed_wire` and `report_wire`",
    "operations": "Health and metrics",
}
_SCHEMES: Final[Json] = {
    "staff": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token that `sign_in` answers with; it ends after 12 h, or with any change of the member.",
    },
    "city": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of a minute that the city server signs with its own Ed25519 key.",
    },
}
_PROBLEMS: Final = {
    "400": "The body is not of the type it claims",
    "401": "Not signed in, or no longer",
    "403": "Not for this role, or consent or assessment is missing",
    "404": "Nothing under this id",
    "409": "Contradicts what is stored, or what is under way",
    "413": "The body is too large",
    "422": "Cannot be used as it is; `detail` names the field and why",
    "429": "Too many requests; `detail` says when to try again",
    "500": "A defect; quote `error_id`",
    "503": "Something this server depends on does not answer; try again",
    "507": "The disk is full; nothing was stored",
}
_KEY_PARAMETER: Final[Json] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": f"A new one for each write, the same when it is sent again: then, for {KEPT_MS // 3_600_000} h, the "
    "first answer comes again and nothing is done twice. With another request it is refused (422), and while the first "
    "is under way, or when it was interrupted, too (409).",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!#-\\[\\]-~]{1,64}$"},
    "example": AN_ID,
}
_MSGPACK: Final[Json] = {"application/msgpack": {"schema": {"type": "string", "format": "binary"}}}
_BY_FORMAT: Final[dict[str, Any]] = {"date": "1980-02-29", "date-time": "2026-11-23T08:00:00Z", "uuid": AN_ID}


def install(app: FastAPI, operations: Operations) -> None:
    """Make `/openapi.json` of `app` the whole specification."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, operations)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, operations: Operations) -> Json:
    document: Json = get_openapi(
        title="Yingbin province",
        version=app.version,
        summary="Face recognition and advice for bank branches: the province's API",
        description=_DESCRIPTION,
        routes=app.routes,
    )
    found = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    used = {tag for _, _, operation in found for tag in operation.get("tags", ())}
    document["tags"] = [{"name": tag, "description": _TAGS.get(tag, tag)} for tag in sorted(used)]
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    document["components"]["securitySchemes"] = _SCHEMES
    document["components"]["headers"] = {
        "X-Request-Id": {"description": "Names this request in the log", "schema": {"type": "string"}, "example": AN_ID}
    }
    document["components"]["responses"] = {
        code: {
            "description": description,
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code, description in _PROBLEMS.items()
    }
    for method, path, operation in found:
        access = operations.access.get(operation["operationId"], frozenset({OPEN}))
        _complete(operation, method, path, access)
        _exemplify(operation, schemas)
    return document


def _complete(operation: Json, method: str, path: str, access: frozenset[str]) -> None:
    """Add to one operation what holds for all like it."""
    operation.pop("security", None)
    if OPEN not in access:
        operation["security"] = [{CITY: []}] if CITY in access else [{"staff": []}]
    if CITY in access:
        _say_msgpack(operation, method)
    elif method in METHODS and OPEN not in access:
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):  # FastAPI's own idea of an error
        del responses["422"]
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}
    for code in sorted(_problems(operation, method, path)):
        responses.setdefault(code, {"$ref": f"#/components/responses/{code}"})


def _problems(operation: Json, method: str, path: str) -> set[str]:
    """Return the statuses that an operation like this one may fail with."""
    problems = {"500", "503"}
    if path.startswith("/v1/"):
        problems |= {"401", "429"}
    if operation.get("security"):
        problems.add("403")
    if "{" in path or "requestBody" in operation:  # what either names may not exist
        problems.add("404")
    if "requestBody" in operation:
        problems |= {"400", "413"}
    if "requestBody" in operation or operation.get("parameters"):
        problems.add("422")
    if method != "GET":
        problems |= {"409", "507"}
    return problems


def _say_msgpack(operation: Json, method: str) -> None:
    """Name the body and answer of an operation for cities, where it does not say itself: FastAPI sees bytes."""
    if method == "POST":
        operation.setdefault("requestBody", {"required": True, "content": _MSGPACK})
    if "200" in operation["responses"]:
        operation["responses"]["200"].setdefault("content", _MSGPACK)


def _exemplify(operation: Json, schemas: Json) -> None:
    """Give every JSON body and answer of one operation an example."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        content = body.get("content", {}).get("application/json")
        if content and content.get("schema") and "example" not in content:
            content["example"] = example_of(content["schema"], schemas)


def example_of(schema: Json, schemas: Json, name: str = "") -> Any:
    """Return an example of a schema: its own, else made of its parts' and of what their names say."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, name)
    own = [schema[key][0] for key in ("examples", "enum") if schema.get(key)]
    own += [schema[key] for key in ("example", "const", "default") if key in schema]
    if own:
        return own[0]
    choices = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]
    if choices:
        return example_of(choices[0], schemas, name)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas)
        case "array":
            return [example_of(schema.get("items", {}), schemas, name)]
        case "integer" | "number":
            return _number(schema, name)
        case "boolean":
            return False
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), AN_ID if name.endswith("_id") else name or "text")
    return None


def _object(schema: Json, schemas: Json) -> Json:
    made = {key: example_of(part, schemas, key) for key, part in schema.get("properties", {}).items()}
    values = schema.get("additionalProperties")
    return made or ({"name": example_of(values, schemas)} if isinstance(values, dict) else {})


def _number(schema: Json, name: str) -> float:
    usual = 1_790_000_000_000 if name.endswith("_ms") else 1
    least, most = schema.get("minimum", usual), schema.get("maximum", usual)
    return int(min(max(usual, least), most))
