# ruff: noqa: S608  (the SQL is made of names written here, never of data)
"""The log of decisions and outcomes (`yingbin.offers.bank.schema`) as DuckDB sees it: one item, one visit, sums."""

from typing import Final, NamedTuple

import duckdb

from yingbin.offers.learning.estimate import Moments

END_MS: Final = 4_102_444_800_000


class Span(NamedTuple):
    """Decisions from `from_ms` until `until_ms`, UTC milliseconds; everything by default."""

    from_ms: int = 0
    until_ms: int = END_MS


ITEMS: Final = """
    items AS (
        SELECT d.decision_id, d.customer_id, d.at_ms, d.branch_id, d.policy, d.product_code, d.rank, d.probability,
               d.holdout,
               coalesce(bool_or(o.kind IS NOT NULL), false)::INT AS shown,
               coalesce(bool_or(o.kind IN ('accepted', 'sold')), false)::INT AS taken,
               coalesce(bool_or(o.kind = 'refused'), false)::INT AS refused,
               coalesce(bool_or(o.kind = 'sold'), false)::INT AS sold,
               coalesce(sum(o.margin_fen), 0)::BIGINT AS margin_fen
        FROM decisions d LEFT JOIN outcomes o USING (decision_id, customer_id, product_code)
        WHERE d.at_ms >= $from_ms AND d.at_ms < $until_ms
        GROUP BY ALL
    ),
    visits AS (
        SELECT decision_id, customer_id, holdout, max(shown) AS shown, max(taken) AS taken,
               sum(margin_fen)::BIGINT AS margin_fen
        FROM items GROUP BY ALL
    )
"""
"""An item is a product of a decision: shown when anything came of it. A visit is a decision."""


def query(bank: duckdb.DuckDBPyConnection, select: str, span: Span) -> list[tuple[object, ...]]:
    """Run a SELECT over `items` and `visits`."""
    return bank.execute(f"WITH {ITEMS} {select}", span._asdict()).fetchall()


def sums(bank: duckdb.DuckDBPyConnection, select: str, span: Span) -> dict[tuple[object, ...], Moments]:
    """Return the moments of each group; `select` gives group columns, then customer_id, h and t, a row a customer."""
    columns = bank.execute(f"DESCRIBE WITH {ITEMS} {select}", span._asdict()).fetchall()
    groups = ", ".join(str(row[0]) for row in columns[:-3]) or "1"
    found = query(
        bank,
        f"SELECT {groups}, count(*), sum(h)::DOUBLE, sum(t)::DOUBLE, sum(h * h)::DOUBLE, sum(h * t)::DOUBLE, "
        f"sum(t * t)::DOUBLE FROM ({select}) WHERE t > 0 GROUP BY {groups} ORDER BY {groups}",
        span,
    )
    return {row[:-6]: Moments(*row[-6:]) for row in found}  # type: ignore[arg-type]
