"""Every operation x every role, as `role_matrix.txt` says. A route without a row there fails."""

from pathlib import Path
from typing import Any

from province_harness import World

from yingbin.trust.staff import Role

COLUMNS = {
    "EN": Role.ENROLLER,
    "GA": Role.GALLERY_ADMIN,
    "PM": Role.PRODUCT_MANAGER,
    "AU": Role.AUDITOR,
    "SO": Role.SECURITY_OFFICER,
    "IT": Role.BRANCH_IT,
    "AN": Role.ANALYST,
}
OPEN, CITY = "open", "city"
Cell = set[Role] | str


def matrix() -> dict[str, Cell]:
    """Return operation id -> the roles that may run it, `open` or `city`."""
    text = (Path(__file__).parent / "role_matrix.txt").read_text("utf-8")
    (_, *columns), *lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    assert columns == list(COLUMNS)
    rows: dict[str, Cell] = {}
    for name, *cells in lines:
        assert name not in rows, f"{name} has two rows"
        if cells in ([OPEN], [CITY]):
            rows[name] = cells[0]
            continue
        assert len(cells) == len(columns), name
        assert set(cells) <= {"x", "."}, name
        rows[name] = {COLUMNS[column] for column, cell in zip(columns, cells, strict=True) if cell == "x"}
    return rows


def operations(world: World) -> dict[str, tuple[str, str]]:
    """Return operation id -> method and a path with its parameters filled in."""
    spec = world.http.get("/openapi.json").json()
    return {
        operation["operationId"]: (method.upper(), _filled(path, operation, spec))
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    }


def _filled(path: str, operation: dict[str, Any], spec: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            schema = parameter["schema"]
            if "$ref" in schema:
                schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            value = schema.get("enum", ["x"])[0]
            path = path.replace(f"{{{parameter['name']}}}", value)
    return path


def test_C13_every_pair_of_role_and_operation(world: World) -> None:
    rows, known = matrix(), operations(world)
    assert rows.keys() == known.keys(), "role_matrix.txt must have exactly one row for every operation"
    wrong = []
    tokens = {role: world.token(role) for role in Role}
    for name, (method, path) in known.items():
        row = rows[name]
        if row == OPEN:
            assert world.http.request(method, path).status_code != 401, name
            continue
        assert world.http.request(method, path).status_code == 401, name
        for role in Role:
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            status = world.http.request(method, path, headers=headers).status_code
            expected = status == 401 if row == CITY else (status not in {401, 403}) == (role in row)
            if not expected:
                wrong.append((name, role, status))
        if name == "sign_out":
            tokens = {role: world.token(role) for role in Role}
    assert not wrong


def test_an_auditor_and_an_analyst_write_nothing(world: World) -> None:
    """Beyond signing out and changing their own password."""
    own = {"sign_out", "change_password"}
    rows = matrix()
    for name, (method, _) in operations(world).items():
        row = rows[name]
        if method != "GET" and isinstance(row, set) and name not in own:
            assert not row & {Role.AUDITOR, Role.ANALYST}, name


def test_me_lists_what_the_role_may_run(world: World) -> None:
    rows = matrix()
    for role in COLUMNS.values():
        told = world.call("GET", "me", role).json()
        assert told["operations"] == sorted(name for name, row in rows.items() if role in row)
        assert (told["staff_id"], told["role"]) == (f"a-{role}", role)
