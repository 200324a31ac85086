# ruff: noqa: S608  (the SQL is made of names written here, never of data)
"""What offers do: conversion, refusals with their reasons, uplift against the holdout, return on a contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from yingbin.errors import InvalidInput
from yingbin.offers.learning.estimate import (
    NOTHING,
    Estimate,
    difference,
    interval,
    moments,
    proportion,
    resampled,
    share_of,
)
from yingbin.offers.learning.log_tables import Span, query, sums

By = Literal["product_code", "branch_id", "policy"]
Floats = NDArray[np.float64]
_ALWAYS: Final = Span()


@dataclass(frozen=True, slots=True)
class Conversion:
    """Offers under one name (a product, branch or policy): counts, margin of the sales, and accepted of shown."""

    name: str
    rate: Estimate
    customers: int
    shown: int
    accepted: int
    refused: int
    sold: int
    margin_fen: int


@dataclass(frozen=True, slots=True)
class Uplift:
    """Personal offers against the list that everybody in the holdout gets, a visit.

    `treated`, `held_out`, `accepted`: share of visits in which something was taken up, and their difference.
    `margin_fen`: difference of the margin a visit.
    """

    treated: Estimate
    held_out: Estimate
    accepted: Estimate
    margin_fen: Estimate


@dataclass(frozen=True, slots=True)
class Return:
    """(Margin - cost) / cost of raising offers. `incremental`: only the margin above the holdout's counts."""

    roi: Estimate
    incremental: Estimate


def conversion(bank: duckdb.DuckDBPyConnection, by: By, span: Span = _ALWAYS) -> list[Conversion]:
    """Return one row a name, in order of the names; the holdout is left out, but not when `by` is the policy."""
    where = "shown = 1" if by == "policy" else "shown = 1 AND NOT holdout"
    shares = sums(
        bank,
        f"SELECT {by}, customer_id, sum(taken) AS h, sum(shown) AS t FROM items WHERE {where} GROUP BY ALL",
        span,
    )
    counts = query(
        bank,
        f"SELECT {by}, count(DISTINCT customer_id), sum(shown), sum(taken), sum(refused), sum(sold), sum(margin_fen) "
        f"FROM items WHERE {where} GROUP BY {by} ORDER BY {by}",
        span,
    )
    return [
        Conversion(str(row[0]), proportion(share_of(shares[row[:1]])), *(int(str(count)) for count in row[1:]))
        for row in counts
    ]


def refusals(bank: duckdb.DuckDBPyConnection, span: Span = _ALWAYS) -> list[tuple[str, str, int]]:
    """Return product, reason as it was noted ("" for none), and how often; the most frequent first."""
    found = bank.execute(
        "SELECT product_code, coalesce(reason, ''), count(*) FROM outcomes WHERE kind = 'refused' "
        "AND at_ms >= $from_ms AND at_ms < $until_ms GROUP BY ALL ORDER BY 3 DESC, 1, 2",
        span._asdict(),
    ).fetchall()
    return [(str(product), str(reason), int(count)) for product, reason, count in found]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One entry a customer: his visits, those in which something was shown, taken up, and the margin of all of them."""

    visits: Floats
    contacts: Floats
    taken: Floats
    margin_fen: Floats

    @classmethod
    def of(cls, rows: Sequence[Sequence[object]]) -> "Side":
        """Return the side of rows (visits, contacts, taken, margin_fen)."""
        return cls(*np.array(rows, np.float64).reshape(len(rows), 4).T)


def uplift(bank: duckdb.DuckDBPyConnection, span: Span = _ALWAYS, seed: int = 0) -> Uplift:
    """Compare everybody else with the holdout, as drawn: also visits in which nothing was shown count."""
    return uplift_of(_side(bank, span, held_out=False), _side(bank, span, held_out=True), seed)


def uplift_of(treated: Side, held_out: Side, seed: int = 0) -> Uplift:
    """Compare two groups of customers."""
    shares = [share_of(moments(side.taken, side.visits)) for side in (treated, held_out)]
    return Uplift(
        treated=proportion(shares[0]),
        held_out=proportion(shares[1]),
        accepted=difference(*shares),
        margin_fen=_margin_above(treated, held_out, seed),
    )


def roi(bank: duckdb.DuckDBPyConnection, cost_per_contact_fen: int, span: Span = _ALWAYS, seed: int = 0) -> Return:
    """Return what a contact that costs so much brings. Raises `InvalidInput` for a contact that costs nothing."""
    return return_of(_side(bank, span, held_out=False), _side(bank, span, held_out=True), cost_per_contact_fen, seed)


def return_of(treated: Side, held_out: Side, cost_per_contact_fen: int, seed: int = 0) -> Return:
    """As `roi`, of two groups of customers."""
    if cost_per_contact_fen <= 0:
        raise InvalidInput("cost_per_contact_fen must be above 0: the return on nothing is not a number")
    if not treated.contacts.sum():
        return Return(NOTHING, NOTHING)
    drawn = resampled((treated.margin_fen, treated.contacts, treated.visits), seed)
    cost = float(treated.contacts.sum()) * cost_per_contact_fen
    n = len(treated.visits)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = drawn[:, 0] / (drawn[:, 1] * cost_per_contact_fen) - 1
        plain = interval(float(treated.margin_fen.sum()) / cost - 1, rates, n)
        if not held_out.visits.sum():
            return Return(plain, NOTHING)
        base = resampled((held_out.margin_fen, held_out.visits), seed + 1)
        above = drawn[:, 0] / drawn[:, 2] - base[:, 0] / base[:, 1]
        costs = drawn[:, 1] / drawn[:, 2] * cost_per_contact_fen
        value = _mean_margin(treated) - _mean_margin(held_out)
        cost_a_visit = cost / float(treated.visits.sum())
        return Return(plain, interval(value / cost_a_visit - 1, above / costs - 1, n + len(held_out.visits)))


def _side(bank: duckdb.DuckDBPyConnection, span: Span, *, held_out: bool) -> Side:
    found = query(
        bank,
        "SELECT count(*), sum(shown), sum(taken), sum(margin_fen) FROM visits "
        f"WHERE holdout = {str(held_out).lower()} GROUP BY customer_id ORDER BY customer_id",
        span,
    )
    return Side.of(found)


def _mean_margin(side: Side) -> float:
    return float(side.margin_fen.sum() / side.visits.sum())


def _margin_above(treated: Side, held_out: Side, seed: int) -> Estimate:
    if not treated.visits.sum() or not held_out.visits.sum():
        return NOTHING
    one = resampled((treated.margin_fen, treated.visits), seed)
    other = resampled((held_out.margin_fen, held_out.visits), seed + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = one[:, 0] / one[:, 1] - other[:, 0] / other[:, 1]
    n = len(treated.visits) + len(held_out.visits)
    return interval(_mean_margin(treated) - _mean_margin(held_out), drawn, n)
