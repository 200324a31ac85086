# ruff: noqa: S608  (the SQL is a packaged file, names written here and quoted paths, never data)
"""Builds every customer's profile (hard information) from the bank's tables: a Parquet file that the province imports.

Of whoever does not consent to `marketing` only the risk assessment is said; what was said before is then emptied (C1).
"""

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import duckdb

from yingbin.offers.bank.reader import BankSettings, open_bank, quoted
from yingbin.offers.profile import Holding, Profile

HOLDING_OF: Final[Mapping[str, Holding]] = {
    **{holding.value: holding for holding in Holding},
    "etc": Holding.ETC_CARD,
    "etc_credit_card": Holding.ETC_CARD,
    "custody": Holding.THIRD_PARTY_CUSTODY,
    "fx": Holding.FX_ACCOUNT,
    "metal": Holding.PRECIOUS_METAL,
}
"""Service, kind of account or product of the tables -> what the customer has."""

_CONSENTING: Final = """
    SELECT customer_id, bool_or(purpose = 'marketing' AND granted_at_ms < until_ms
        AND coalesce(withdrawn_at_ms >= until_ms, true)) IS TRUE AS marketing
    FROM customers LEFT JOIN consents USING (customer_id),
        (SELECT epoch_ms((max(as_of) + 1)::TIMESTAMP) - 28800000 AS until_ms FROM snapshot)
    GROUP BY customer_id
"""


def build_profiles(data: Path, out: Path, settings: BankSettings | None = None) -> int:
    """Write the profiles of the bank in the folder `data` to the Parquet file `out`; return how many there are.

    Raises what `open_bank` raises, and `BankDataInvalid` for a damaged file; then `out` is not touched. Values are
    checked by `yingbin.offers.bank.checks`.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.part")
    with open_bank(data, settings) as bank:
        _ask(bank, f"SELECT * FROM ({_CONSENTING})")
        try:
            bank.execute(f"COPY ({_select()}) TO {quoted(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
            aside.replace(out)
        finally:
            aside.unlink(missing_ok=True)
        found = bank.execute("SELECT count(*) FROM asked").fetchone()
    return int(found[0]) if found else 0


def profiles_of(bank: duckdb.DuckDBPyConnection, customers: Iterable[str]) -> dict[str, Profile]:
    """Return the profiles of some customers of an open bank. Raises `ValidationError` for an impossible balance."""
    asked = "(SELECT unnest(?) AS customer_id)"
    _ask(bank, f"SELECT * FROM ({_CONSENTING}) SEMI JOIN {asked} USING (customer_id)", list(customers))
    cursor = bank.execute(_select())
    names = [column[0] for column in cursor.description or ()]
    return {row[0]: _profile(dict(zip(names, row, strict=True))) for row in cursor.fetchall()}


def _ask(bank: duckdb.DuckDBPyConnection, select: str, *parameters: object) -> None:
    """Make the tables that `profiles.sql` expects beside the bank's own."""
    bank.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {select}", list(parameters) or None)
    names = ", ".join(f"('{name}', '{holding.value}')" for name, holding in HOLDING_OF.items())
    bank.execute(f"CREATE OR REPLACE TEMP TABLE holding_of AS SELECT * FROM (VALUES {names}) t(name, holding)")


def _select() -> str:
    return (resources.files(__package__) / "profiles.sql").read_text(encoding="utf-8")


def _profile(row: Mapping[str, Any]) -> Profile:
    """Return a row as the record has it; an absent value takes the record's default."""
    said = {name: row[name] for name in row if name in Profile.model_fields and row[name] is not None}
    if row["risk_level"]:
        said["risk_assessment"] = {"level": row["risk_level"], "valid_until": row["risk_valid_until"]}
    return Profile.model_validate({**said, "holdings": (row["holdings"] or "").split("|") if row["holdings"] else []})
