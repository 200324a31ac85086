# ruff: noqa: S608  (the SQL is made of names in this file and quoted paths)
"""Compares what the nightly inference concluded with the hidden truth of a synthetic bank. Only this reads `truth/`."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import duckdb

from bench.roc import clopper_pearson
from bench.synthetic_bank.bank import make_bank
from yingbin.errors import InvalidInput
from yingbin.offers.bank.reader import BankSettings
from yingbin.offers.insights.declaration import Insight, load_library
from yingbin.offers.insights.nightly import infer

_PAIR: Final = "least(customer_id, other_id) || '/' || greatest(customer_id, other_id)"
_CUSTOMER: Final = "customer_id"

NOTE: Final = (
    "SYNTHETIC bank: precision and recall on invented customers whose look-alikes were invented too; the queries were "
    "written with the generator known, so real customers will be harder"
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What makes a conclusion true: `key` of a conclusion, `query` of the true keys with the customers they concern."""

    key: str
    query: str


def _trait(name: str, condition: str = "true") -> str:
    who = "customer_id AS key, customer_id AS one, customer_id AS other"
    return f"SELECT {who} FROM traits WHERE name = '{name}' AND {condition}"


TRUTHS: Final[dict[str, Truth]] = {
    "household": Truth(_PAIR, "SELECT a || '/' || b AS key, a AS one, b AS other FROM households"),
    "overseas_study": Truth(
        "customer_id || '/' || other_id",
        "SELECT customer_id || '/' || detail AS key, customer_id AS one, detail AS other FROM traits "
        "WHERE name = 'overseas_study'",
    ),
    "product_interest": Truth(
        "customer_id || '/' || subject",
        "SELECT customer_id || '/' || substr(name, 10) AS key, customer_id AS one, customer_id AS other FROM traits "
        "WHERE name LIKE 'interest:%'",
    ),
    "commutes": Truth(_CUSTOMER, _trait("commutes")),
    "undocumented_income": Truth(_CUSTOMER, _trait("undocumented_income")),
    "experienced_elsewhere": Truth(_CUSTOMER, _trait("experienced_elsewhere")),
    "hasty_credit": Truth(_CUSTOMER, _trait("hasty_credit")),
    "risk_bold": Truth(_CUSTOMER, _trait("risk_appetite", "value >= 4")),
    "risk_cautious": Truth(_CUSTOMER, _trait("risk_appetite", "value <= 2")),
    "liquidity_need": Truth(_CUSTOMER, _trait("liquidity_need")),
    "ecommerce_shopper": Truth(_CUSTOMER, _trait("ecommerce_shopper")),
}
"""Insight -> truth. An insight without an entry cannot be judged, and the test of this file says so."""


def evaluate(
    bank: Path | None, customers: int, seed: int, settings: BankSettings, say: Callable[[str], object]
) -> dict[str, Any]:
    """Make a bank unless one is given, infer, judge. Raises `InvalidInput` for a bank without a truth."""
    if bank is not None and not (bank / "truth").is_dir():
        raise InvalidInput(f"{bank} has no truth/ to judge by: give a folder made by `yingbin bank make`")
    with tempfile.TemporaryDirectory(prefix="yingbin-insights-") as folder:
        made = bank or Path(folder) / "bank"
        if bank is None:
            done = 0

            def count(size: int) -> None:
                nonlocal done
                done += size
                say(f"making customers: {done:,} of {customers:,}")

            make_bank(made, customers, seed, count)
        say("inferring")
        out, started = Path(folder) / "insights.parquet", perf_counter()
        spill = settings.model_copy(update={"temp_dir": settings.temp_dir or Path(folder) / "spill"})
        nights = infer(made, out, spill, report=lambda night: say(f"inferred {night.insight}"))
        seconds = perf_counter() - started
        say("comparing with the truth")
        figures: dict[str, Any] = {"insights": judge(made, out)}
    figures["synthetic"], figures["note"] = True, NOTE
    figures |= {"customers": customers, "seed": seed} if bank is None else {"bank": str(bank)}
    figures["infer_s"] = round(seconds, 2)
    figures["infer_s_by_insight"] = {night.insight: round(night.seconds, 2) for night in nights}
    return figures


def judge(bank_folder: Path, conclusions: Path) -> dict[str, dict[str, Any]]:
    """Return per insight the FIXED keys precision, precision_ci, recall, n, and what explains them.

    `recall` is among those who consented to what the insight always needs: nobody else may be found. `n` counts
    conclusions; precision is None without any. `fired_on_look_alikes`: planted look-alikes that were not silenced.
    """
    with duckdb.connect() as bank:
        for table in ("households", "traits", "look_alikes"):
            bank.execute(f"CREATE VIEW {table} AS SELECT * FROM {_scan(bank_folder / 'truth', table)}")
        bank.execute(f"CREATE VIEW consents AS SELECT * FROM {_scan(bank_folder, 'consents')}")
        bank.execute(f"CREATE TABLE found AS SELECT * FROM read_parquet('{conclusions}') WHERE state = 'corroborated'")
        return {name: _judge(bank, insight) for name, insight in load_library().items()}


def _judge(bank: duckdb.DuckDBPyConnection, insight: Insight) -> dict[str, Any]:
    truth = TRUTHS[insight.name]
    purposes = ", ".join(f"'{purpose.value}'" for purpose in insight.consents)
    row = bank.execute(
        f"""
        WITH truth AS ({truth.query}),
        may AS (SELECT customer_id FROM consents WHERE withdrawn_at_ms IS NULL AND purpose IN ({purposes})
          GROUP BY customer_id HAVING count(DISTINCT purpose) = {len(insight.consents)}),
        said AS (SELECT DISTINCT {truth.key} AS key FROM found WHERE insight = '{insight.name}'),
        open AS (SELECT DISTINCT key FROM truth WHERE one IN (FROM may) AND other IN (FROM may))
        SELECT (SELECT count(*) FROM said), (SELECT count(*) FROM said WHERE key IN (SELECT key FROM truth)),
          (SELECT count(*) FROM open), (SELECT count(*) FROM open WHERE key IN (FROM said)),
          (SELECT count(DISTINCT key) FROM truth)
        """
    ).fetchone()
    said, right, may_be_found, found, everybody = row or (0, 0, 0, 0, 0)
    low, high = clopper_pearson(right, said)
    return {
        "precision": round(right / said, 4) if said else None,
        "precision_ci": [round(low, 4), round(high, 4)],
        "recall": round(found / may_be_found, 4) if may_be_found else None,
        "n": said,
        "true_with_consent": may_be_found,
        "true_in_all": everybody,
        "fired_on_look_alikes": _fired_on(bank, insight.name),
    }


def _fired_on(bank: duckdb.DuckDBPyConnection, insight: str) -> dict[str, int]:
    """Return kind of look-alike -> how many of those planted the insight concluded about (truly or not)."""
    silences = {"product_interest": "interest", "risk_bold": "risk_appetite", "risk_cautious": "risk_appetite"}
    rows = bank.execute(
        """
        WITH planted AS (
          SELECT kind, customer_id AS one, other_id AS two FROM look_alikes WHERE silences = $2
          UNION ALL SELECT kind, other_id, customer_id FROM look_alikes WHERE silences = $2 AND other_id IS NOT NULL)
        SELECT kind, count(DISTINCT (one, two)) FROM planted JOIN found f ON f.insight = $1 AND f.customer_id = one
          AND (f.other_id IS NULL OR f.other_id IS NOT DISTINCT FROM two)
        GROUP BY kind ORDER BY kind
        """,
        [insight, silences.get(insight, insight)],
    ).fetchall()
    return {str(kind): int(count) for kind, count in rows}


def _scan(folder: Path, table: str) -> str:
    single = folder / f"{table}.parquet"
    return f"read_parquet('{single if single.is_file() else folder / table / '*.parquet'}')"
