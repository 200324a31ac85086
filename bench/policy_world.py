# ruff: noqa: S608  (the SQL is made of names written here and quoted paths, never of data)
"""The synthetic bank on its last day: who may visit, his profile as the bank's tables say it, and the hidden truth."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from bench.synthetic_bank.products import FLAT_MARGIN_FEN, PRODUCTS
from yingbin.errors import InvalidInput
from yingbin.offers.bank.profiles import profiles_of
from yingbin.offers.bank.reader import open_bank
from yingbin.offers.decision.contact_policy import Event
from yingbin.offers.profile import Profile

Floats = NDArray[np.float64]

DAY_MS: Final = 86_400_000
CODE_OF: Final = {"custody": "third_party_custody"}
"""Product of the synthetic bank -> its code in the catalogue, where they differ."""
_CONTACT_DAYS: Final = 180
_REFUSED_DAYS: Final = 90
"""How long the truth remembers a refusal."""
_PART_BOUGHT: Final = 0.15
"""Of his money, on average, as the generator has it."""
_VISITORS: Final = """
    WITH today AS (SELECT max(as_of) AS day FROM snapshot),
    visitors AS (SELECT DISTINCT customer_id FROM decisions d SEMI JOIN consents c ON c.customer_id = d.customer_id
        AND c.purpose = 'marketing' AND c.withdrawn_at_ms IS NULL ORDER BY 1 LIMIT $most),
    due AS (SELECT DISTINCT customer_id FROM accounts, today WHERE matures_on BETWEEN day AND day + 14
        AND opened_on <= day AND (closed_on IS NULL OR closed_on > day)),
    paid AS (SELECT customer_id, max(at_ms) AS salary_at_ms FROM transactions WHERE kind = 'salary' GROUP BY 1)
    SELECT v.customer_id, c.home_branch_id, c.tier, d.customer_id IS NOT NULL AS due, p.salary_at_ms
    FROM visitors v JOIN customers c USING (customer_id) LEFT JOIN due d USING (customer_id)
    LEFT JOIN paid p USING (customer_id) ORDER BY 1
"""


class NoVisitors(InvalidInput):
    """The bank has nobody who visited and consents to `marketing`, or no hidden truth."""

    code = "no_visitors"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who comes on the last day: profile, and what came of raising products with him lately."""

    customer_id: str
    branch_id: str
    tier: str
    profile: Profile
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """`logits` and mean `margin_fen` of a sale by visitor and product (columns: `products`, codes of the catalogue).

    `logits` holds what the situation of the visit adds, except the ranks, which `rank_adds` gives. `impressions`:
    customer, product, instant and whether it was taken, of the log. `accepted`: how often each product was.
    """

    at_ms: int
    today: date
    visitors: tuple[Visitor, ...]
    products: tuple[str, ...]
    logits: Floats
    margin_fen: Floats
    rank_adds: tuple[float, ...]
    impressions: tuple[tuple[str, str, int, bool], ...]
    accepted: Mapping[str, int]


def load_world(folder: Path, most: int) -> World:
    """Read a folder of `yingbin bank make`; `most` visitors. Raises what `open_bank` raises, and `NoVisitors`."""
    truth = folder / "truth"
    if not truth.is_dir():
        raise NoVisitors(f"{folder} has no truth/: only a bank made by `yingbin bank make` can be judged")
    with open_bank(folder) as bank:
        today = _one(bank, "SELECT max(as_of) FROM snapshot")
        at_ms = int(_one(bank, "SELECT epoch_ms(max(as_of)::TIMESTAMP) FROM snapshot")) + 4 * 3_600_000  # noon in China
        cursor = bank.execute(_VISITORS, {"most": most})
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if not rows:
            raise NoVisitors(f"nobody in {folder} visited and consents to marketing")
        events = _events(bank, at_ms)
        profiles = profiles_of(bank, [row["customer_id"] for row in rows])
        visitors = tuple(
            Visitor(who, row["home_branch_id"], row["tier"], profiles[who], tuple(events[who]))
            for row in rows
            for who in (row["customer_id"],)
        )
        for table in ("accept_logits", "accept_context"):
            kind = (
                f"{truth / table}.parquet" if (truth / f"{table}.parquet").is_file() else f"{truth / table}/*.parquet"
            )
            quoted = kind.replace("'", "''")
            bank.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{quoted}')")
        products, logits = _logits(bank, visitors)
        adds: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for product, context, delta in bank.execute("SELECT * FROM accept_context").fetchall():
            adds[context][CODE_OF.get(product, product)] = delta
        _add_situation(bank, logits, products, rows, visitors, adds, at_ms)
        log = bank.execute(
            "SELECT d.customer_id, d.product_code, d.at_ms, coalesce(bool_or(o.kind = 'accepted'), false) "
            "FROM decisions d JOIN outcomes o USING (decision_id, customer_id, product_code) "
            "WHERE NOT d.holdout AND d.policy <> 'general' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    impressions = tuple((who, CODE_OF.get(code, code), at, taken) for who, code, at, taken in log)
    accepted: dict[str, int] = dict.fromkeys(products, 0)
    for _, code, _, taken in impressions:
        accepted[code] = accepted.get(code, 0) + taken
    ranks = (0.0, *(min(adds[f"rank_{rank}"].values(), default=0.0) for rank in (2, 3)))
    margin_fen = _margins(visitors, products)
    return World(at_ms, today, visitors, products, logits, margin_fen, ranks, impressions, accepted)


def _one(bank: duckdb.DuckDBPyConnection, select: str) -> Any:
    return bank.execute(select).fetchall()[0][0]


def _events(bank: duckdb.DuckDBPyConnection, at_ms: int) -> defaultdict[str, list[Event]]:
    found = bank.execute(
        "SELECT customer_id, kind, product_code, decision_id, at_ms FROM outcomes WHERE at_ms > ? ORDER BY at_ms",
        [at_ms - _CONTACT_DAYS * DAY_MS],
    ).fetchall()
    events: defaultdict[str, list[Event]] = defaultdict(list)
    for who, kind, product, decision, at in found:
        events[who].append(Event(kind, CODE_OF.get(product, product), decision, at))
    return events


def _logits(bank: duckdb.DuckDBPyConnection, visitors: tuple[Visitor, ...]) -> tuple[tuple[str, ...], Floats]:
    codes = [row[0] for row in bank.execute("SELECT DISTINCT product_code FROM accept_logits ORDER BY 1").fetchall()]
    at = {visitor.customer_id: row for row, visitor in enumerate(visitors)}
    logits = np.full((len(visitors), len(codes)), -np.inf)
    ids = list(at)
    for who, code, logit in bank.execute(
        "SELECT customer_id, product_code, logit FROM accept_logits WHERE customer_id IN (SELECT unnest(?))", [ids]
    ).fetchall():
        logits[at[who], codes.index(code)] = logit
    return tuple(CODE_OF.get(code, code) for code in codes), logits


def _add_situation(
    bank: duckdb.DuckDBPyConnection, logits: Floats, products: tuple[str, ...], rows: list[dict[str, Any]],
    visitors: tuple[Visitor, ...], adds: Mapping[str, Mapping[str, float]], at_ms: int,
) -> None:  # fmt: skip
    def column(context: str) -> Floats:
        return np.array([adds.get(context, {}).get(code, 0.0) for code in products])

    due = np.array([bool(row["due"]) for row in rows])
    paid = np.array([at_ms - (row["salary_at_ms"] or 0) < 4 * DAY_MS for row in rows])
    logits += due[:, None] * column("maturing") + paid[:, None] * column("payday")
    running = bank.execute(
        "SELECT DISTINCT product_code FROM campaigns, snapshot WHERE as_of BETWEEN starts_on AND ends_on"
    ).fetchall()
    campaign = {CODE_OF.get(row[0], row[0]) for row in running}
    logits += column("campaign") * np.array([code in campaign for code in products])
    since = at_ms - _REFUSED_DAYS * DAY_MS
    refused = column("refused_before")
    for row, visitor in enumerate(visitors):
        declined = {event.product for event in visitor.events if event.kind == "refused" and event.at_ms >= since}
        logits[row] += refused * np.array([code in declined for code in products])


def _margins(visitors: tuple[Visitor, ...], products: tuple[str, ...]) -> Floats:
    """Return the mean margin of a sale, fen, as the generator has it: part of his money times the product's margin."""
    known = {CODE_OF.get(product.code, product.code): product for product in PRODUCTS}
    yearly = np.array([known[code].margin for code in products])
    flat = np.array([FLAT_MARGIN_FEN.get(known[code].category, 0) for code in products])
    assets = np.array([visitor.profile.financial_assets_fen for visitor in visitors], np.float64)[:, None]
    return np.asarray(np.clip(assets * _PART_BOUGHT, 1_000_000, 2e9) * yearly + flat)
