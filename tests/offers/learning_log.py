"""A small log of decisions and outcomes whose truth is known, as the tables of the bank."""

from collections.abc import Sequence

import duckdb
import numpy as np

from yingbin.offers.bank.schema import BY_NAME

DAY_MS = 86_400_000


def empty_bank() -> duckdb.DuckDBPyConnection:
    bank = duckdb.connect()
    for name in ("decisions", "outcomes", "consents", "customers", "snapshot"):
        columns = ", ".join(f"{column.name} {column.type}" for column in BY_NAME[name].columns)
        bank.execute(f"CREATE TABLE {name} ({columns})")
    bank.execute("INSERT INTO snapshot VALUES (DATE '2026-06-30', 'test')")
    return bank


def put(bank: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    columns = ", ".join(f"unnest(?::{column.type}[])" for column in BY_NAME[table].columns)
    bank.execute(f"INSERT INTO {table} SELECT {columns}", [list(column) for column in zip(*rows, strict=True)])


def logged_bank(customers: int = 600, seed: int = 5) -> duckdb.DuckDBPyConnection:
    """Two visits a customer; personal offers are taken up in 30 % of visits, those of the holdout (a third) in 10 %."""
    rng, bank = np.random.default_rng(seed), empty_bank()
    decisions, outcomes, people, consents = [], [], [], []
    for number in range(customers):
        who, held_out = f"c{number}", number % 3 == 0
        people.append((who, "1980-01-01", "female" if number % 2 else "male", "440103" if number % 5 else "450101",
                       "b1", "GD", "2010-01-01", "potential", None, None))  # fmt: skip
        consents.append((who, "marketing", 0, None))
        for visit in range(2):
            key, at_ms = f"d{number}-{visit}", visit * DAY_MS
            product, policy = ("sms", "general") if held_out else ("wealth_r2", "arbitrate")
            decisions.append(
                (key, who, at_ms, f"b{number % 2}", policy, product, 1, 1.0 if held_out else 0.5, held_out)
            )
            outcomes.append((key, who, product, at_ms, "shown", None, 0))
            if rng.random() < (0.1 if held_out else 0.3):
                outcomes.append((key, who, product, at_ms, "accepted", None, 0))
                outcomes.append((key, who, product, at_ms, "sold", None, 1_000 if held_out else 5_000))
            elif rng.random() < 0.3:
                outcomes.append((key, who, product, at_ms, "refused", "later", 0))
    for table, rows in (("decisions", decisions), ("outcomes", outcomes), ("customers", people),
                        ("consents", consents)):  # fmt: skip
        put(bank, table, rows)
    return bank
