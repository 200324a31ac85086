"""A customer's record as one flat row of a table, and what is wrong with a row, field by field.

Columns are the names of `yingbin.offers` (`full_name`, `demand_deposit_fen` ...) and, for what is nested there,
`holdings` (names with `|` between), `risk_level`, `risk_valid_until`, `guardian_full_name`, `guardian_relation`,
`guardian_evidence`. An empty cell is an absent value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from province_server.cards import Customer
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.profile import Profile

_NESTED: Final = {"profile", "guardian", "holdings", "risk_assessment"}
_BASICS: Final = tuple(name for name in CustomerRecord.model_fields if name not in _NESTED)
_PROFILE: Final = tuple(name for name in Profile.model_fields if name not in _NESTED)
_RISK: Final = {"risk_level": "level", "risk_valid_until": "valid_until"}
_GUARDIAN: Final = {f"guardian_{name}": name for name in ("full_name", "relation", "evidence")}
AMOUNTS: Final = frozenset(name for name in _PROFILE if name.endswith("_fen"))
"""Columns of money: integers of CNY fen."""
_COUNTS: Final = AMOUNTS | {"demand_idle_days", "salary_day"}
COLUMNS: Final = (*_BASICS, *_PROFILE, "holdings", *_RISK, *_GUARDIAN)
REQUIRED: Final = ("customer_id", "full_name", "birth_date", "tier", "home_branch_id", "as_of")
_FLAGS: Final[dict[str, bool]] = {
    "1": True,
    "true": True,
    "yes": True,
    "是": True,
    "0": False,
    "false": False,
    "no": False,
    "否": False,
}
_COLUMN_OF: Final[dict[tuple[str, ...], str]] = {
    **{("profile", "risk_assessment", inner): column for column, inner in _RISK.items()},
    **{("guardian", inner): column for column, inner in _GUARDIAN.items()},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field: `code` is missing, wrong_type, unknown_value, out_of_range or contradictory."""

    field: str
    code: str


def customer_of(row: Mapping[str, str]) -> tuple[Customer | None, list[Fault]]:
    """Return the record in a row, or None and every fault found in it."""
    faults: list[Fault] = [Fault(name, "missing") for name in REQUIRED if not row.get(name)]
    body: dict[str, Any] = {name: _cell(name, row[name], faults) for name in _BASICS if row.get(name)}
    profile: dict[str, Any] = {name: _cell(name, row[name], faults) for name in _PROFILE if row.get(name)}
    if row.get("holdings"):
        profile["holdings"] = [name.strip() for name in row["holdings"].split("|") if name.strip()]
    if any(row.get(column) for column in _RISK):
        profile["risk_assessment"] = {inner: row[column] for column, inner in _RISK.items() if row.get(column)}
    if any(row.get(column) for column in _GUARDIAN):
        body["guardian"] = {inner: row[column] for column, inner in _GUARDIAN.items() if row.get(column)}
    if faults:
        return None, faults
    try:
        return Customer.model_validate({**body, "profile": profile}), []
    except ValidationError as error:
        return None, _faults(error)


def row_of(customer: Customer) -> dict[str, str]:
    """Undo `customer_of`."""
    dumped = customer.model_dump(mode="json")
    profile, guardian = dumped["profile"], dumped["guardian"] or {}
    risk = profile["risk_assessment"] or {}
    row = {name: dumped[name] for name in _BASICS} | {name: profile[name] for name in _PROFILE}
    row |= {column: risk.get(inner) for column, inner in _RISK.items()}
    row |= {column: guardian.get(inner) for column, inner in _GUARDIAN.items()}
    row["holdings"] = "|".join(sorted(profile["holdings"]))
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _cell(name: str, text: str, faults: list[Fault]) -> Any:
    if name in _COUNTS:
        try:
            return int(text)
        except ValueError:
            faults.append(Fault(name, "wrong_type"))
    if name == "opted_out_of_automated_decisions":
        if text.lower() not in _FLAGS:
            faults.append(Fault(name, "wrong_type"))
        return _FLAGS.get(text.lower())
    return text


def _faults(error: ValidationError) -> list[Fault]:
    """Say which column each of pydantic's errors is about, and of which kind; never what the cell says."""
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        path = tuple(str(part) for part in one["loc"])
        column = _COLUMN_OF.get(path) or next((part for part in reversed(path) if part in COLUMNS), "")
        found.append(Fault(column or _contradicting(one["msg"]), _code(one["type"])))
    return found


def _contradicting(message: str) -> str:
    """Return the column that a rule between fields names first."""
    return next((word for word in message.replace(",", " ").replace(":", " ").split() if word in COLUMNS), "")


def _code(kind: str) -> str:
    if kind == "missing":
        return "missing"
    if kind == "value_error":
        return "contradictory"
    if kind in {"greater_than", "greater_than_equal", "less_than", "less_than_equal"} or kind.startswith("too_"):
        return "out_of_range"
    if kind in {"literal_error", "enum"}:
        return "unknown_value"
    return "wrong_type"
