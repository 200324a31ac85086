# ruff: noqa: S608  (the SQL is made of the checked library and of names in this file)
"""The nightly inference: every insight over all consenting customers of a folder of tables, into one Parquet file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

import duckdb

from yingbin.errors import Unavailable
from yingbin.offers.bank.checks import require_sound
from yingbin.offers.bank.reader import BankSettings, open_bank
from yingbin.offers.insights.declaration import Insight, Signal, load_library
from yingbin.offers.insights.life_cycle import State, weigh
from yingbin.offers.insights.timeless import make_views
from yingbin.trust.consent import Purpose

_KEYS: Final = ("customer_id", "other_id", "subject")

CONCLUSIONS: Final = """
CREATE TEMP TABLE conclusions (
  as_of DATE, insight VARCHAR, customer_id VARCHAR, other_id VARCHAR, subject VARCHAR, state VARCHAR, applies BOOLEAN,
  strength DOUBLE, last_seen DATE, expires_on DATE,
  evidence STRUCT(signal VARCHAR, family VARCHAR, strength DOUBLE, support BIGINT, last_seen DATE)[])
"""
"""`other_id` names a customer and never leaves the province; `applies` is false where `only_for` leaves the key out.

A look-alike is a row too, of state expired and without evidence: what was concluded of it before has to end.
"""


class NightFailed(Unavailable):
    """A file of the tables is damaged, or memory or disk did not suffice; the last conclusions stay in place."""

    code = "night_failed"


@dataclass(frozen=True, slots=True)
class Night:
    """What one insight came to: hypotheses that stay such, those silenced by a look-alike, corroborated ones."""

    insight: str
    hypotheses: int
    silenced: int
    corroborated: int
    seconds: float


def infer(
    folder: Path,
    out: Path,
    settings: BankSettings | None = None,
    *,
    library: Iterable[Insight] | None = None,
    report: Callable[[Night], object] = lambda night: None,
    accept_warnings: bool = False,
) -> list[Night]:
    """Run the library over the tables of `folder` and write `out` (Parquet by customer, atomically replaced).

    Nobody without the consents of an insight is looked at, in a relation on either side. `accept_warnings`: go on where
    the tables' check only warns. Raises the errors of `open_bank` and `require_sound`, `BankDataStale`, `NightFailed`.
    """
    insights = tuple(load_library().values() if library is None else library)
    try:
        with open_bank(folder, settings) as bank:
            require_sound(bank, accept_warnings=accept_warnings)
            return _infer(bank, out, insights, report)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as error:
        raise NightFailed(f"{str(error).splitlines()[0]}; nothing was replaced") from error


def _infer(
    bank: duckdb.DuckDBPyConnection, out: Path, library: Iterable[Insight], report: Callable[[Night], object]
) -> list[Night]:
    nights = []
    make_views(bank)
    bank.execute("SET preserve_insertion_order = false")
    bank.execute(CONCLUSIONS)
    for insight in library:
        nights.append(_conclude(bank, insight))
        report(nights[-1])
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".unfinished")
    bank.execute(
        "COPY (SELECT * FROM conclusions ORDER BY customer_id, insight, other_id NULLS FIRST, subject NULLS FIRST) "
        f"TO '{_quoted(unfinished)}' (FORMAT parquet, COMPRESSION zstd)"
    )
    unfinished.replace(out)
    return nights


def _conclude(bank: duckdb.DuckDBPyConnection, insight: Insight) -> Night:
    """Collect evidence, silence look-alikes, and keep what is left with its state and evidence."""
    started = perf_counter()
    bank.execute(
        "CREATE OR REPLACE TEMP TABLE evidence (customer_id VARCHAR, other_id VARCHAR, subject VARCHAR, "
        "signal VARCHAR, family VARCHAR, strength DOUBLE, support BIGINT, days_ago BIGINT)"
    )
    for place, signal in enumerate(insight.signal):
        _collect(bank, insight, signal, first=place == 0)
        if place == 0:
            bank.execute(f"CREATE OR REPLACE TEMP TABLE claimed AS SELECT {', '.join(insight.key)} FROM evidence")
    bank.execute("CREATE OR REPLACE TEMP TABLE silenced (customer_id VARCHAR, other_id VARCHAR)")
    about = _KEYS[: 2 if insight.relation else 1]
    for contradiction in insight.contradiction:
        bank.execute(f"INSERT INTO silenced BY NAME SELECT {', '.join(about)} FROM ({contradiction.sql})")
    applies = "true"
    if insight.only_for:
        keys = ", ".join(insight.key)
        bank.execute(f"CREATE OR REPLACE TEMP TABLE fitting AS SELECT {keys} FROM ({insight.only_for})")
        applies = f"({keys}) IN (SELECT ({keys}) FROM fitting)"
    same = " AND ".join(f"s.{key} = e.{key}" for key in about)
    bank.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE kept AS
        SELECT customer_id, other_id, subject, list_sort(list(DISTINCT family)) AS families,
          round(1 - product(1 - least(strength, 0.99)), 4) AS strength, min(days_ago)::INTEGER AS days_ago,
          list({{signal: signal, family: family, strength: strength, support: support,
            last_seen: as_of - days_ago::INTEGER}} ORDER BY signal) AS evidence
        FROM evidence e, newest WHERE NOT EXISTS (SELECT 1 FROM silenced s WHERE {same})
        GROUP BY customer_id, other_id, subject HAVING min(days_ago) <= {insight.expires_days}
        """
    )
    bank.execute("CREATE OR REPLACE TEMP TABLE weighed (families VARCHAR[], state VARCHAR)")
    for (families,) in bank.execute("SELECT DISTINCT families FROM kept").fetchall():
        bank.execute("INSERT INTO weighed VALUES (?, ?)", [families, weigh(families, contradicted=False).value])
    bank.execute(
        f"""
        INSERT INTO conclusions BY NAME
        SELECT as_of, '{insight.name}' AS insight, customer_id, other_id, subject, state, {applies} AS applies,
          strength, as_of - days_ago AS last_seen, as_of - days_ago + {insight.expires_days} AS expires_on, evidence
        FROM kept JOIN weighed USING (families), newest
        """
    )
    bank.execute(
        f"""
        INSERT INTO conclusions BY NAME
        SELECT DISTINCT as_of, '{insight.name}' AS insight, e.customer_id, e.other_id, e.subject,
          '{State.EXPIRED.value}' AS state, false AS applies, 0 AS strength, as_of AS last_seen, as_of AS expires_on,
          [] AS evidence
        FROM evidence e, newest WHERE EXISTS (SELECT 1 FROM silenced s WHERE {same})
        """
    )
    claimed = bank.execute("SELECT count(*) FROM claimed").fetchone()
    hypotheses, corroborated = _counts(bank, insight)
    silenced = (claimed[0] if claimed else 0) - hypotheses - corroborated
    return Night(insight.name, hypotheses, silenced, corroborated, perf_counter() - started)


def _collect(bank: duckdb.DuckDBPyConnection, insight: Insight, signal: Signal, *, first: bool) -> None:
    """Add a signal's evidence of those who consented to everything it takes; after the first, only of claimed keys."""
    keys = ", ".join(insight.key)
    conditions = [f"support >= {signal.min_support}", "days_ago >= 0"]
    for purpose in {*insight.consents, *signal.consents}:
        conditions += [
            f"{key} IN (SELECT customer_id FROM {_register(purpose)})" for key in insight.key if key != "subject"
        ]
    if not first:
        conditions.append(f"({keys}) IN (SELECT ({keys}) FROM claimed)")
    bank.execute(
        f"INSERT INTO evidence BY NAME SELECT {keys}, strength, support, days_ago, '{signal.name}' AS signal, "
        f"'{signal.family}' AS family FROM ({signal.sql}) WHERE {' AND '.join(conditions)}"
    )


def _register(purpose: Purpose) -> str:
    """Return the table of who consented; `make_views` makes it."""
    return f"may_{purpose.value}"


def _counts(bank: duckdb.DuckDBPyConnection, insight: Insight) -> tuple[int, int]:
    found = bank.execute(
        "SELECT count(*) FILTER (state = 'hypothesis'), count(*) FILTER (state = 'corroborated') FROM conclusions "
        "WHERE insight = ?",
        [insight.name],
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
