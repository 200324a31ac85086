# ruff: noqa: S608
"""The synthetic bank: the same by seed, consistent to the fen, with every trait and look-alike in it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from bench.synthetic_bank.bank import BLOCK, LEAST, make_bank
from bench.synthetic_bank.block import random_numbers
from bench.synthetic_bank.cli import app
from bench.synthetic_bank.days import DAY_MS, DAYS, START_MS
from bench.synthetic_bank.people import draw_people
from bench.synthetic_bank.truth import LOOK_ALIKES, RELATIONS, TRAITS
from yingbin.errors import Conflict, InvalidInput
from yingbin.offers.bank.checks import check_values
from yingbin.offers.bank.reader import open_bank
from yingbin.offers.bank.schema import TABLES

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    arguments = ["make", "--customers", str(LEAST), "--seed", str(SEED), "--out", str(folder)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def bank(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_bank(folder) as connection:
        for name in (*RELATIONS, "traits", "look_alikes", "accept_logits"):
            connection.execute(f"CREATE VIEW truth_{name} AS FROM read_parquet('{folder}/truth/{name}/*.parquet')")
        yield connection


def _count(bank: duckdb.DuckDBPyConnection, query: str) -> int:
    row = bank.execute(f"SELECT count(*) FROM ({query})").fetchone()
    assert row is not None
    return int(row[0])


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.parquet"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_bank(folder: Path, tmp_path: Path) -> None:
    make_bank(tmp_path / "again", LEAST, SEED)
    assert _digests(tmp_path / "again") == _digests(folder)
    one, other = (draw_people(random_numbers(seed, 0, 0), 0, 50) for seed in (SEED, SEED + 1))
    assert (one.income != other.income).any()


def test_a_block_does_not_depend_on_those_before_it() -> None:
    alone = draw_people(random_numbers(SEED, 1, 0), BLOCK, 50)
    draw_people(random_numbers(SEED, 0, 0), 0, 50)
    assert (draw_people(random_numbers(SEED, 1, 0), BLOCK, 50).income == alone.income).all()


def test_every_table_is_there_and_its_values_pass_the_checks_for_a_real_bank(bank: duckdb.DuckDBPyConnection) -> None:
    assert [str(finding) for finding in check_values(bank)] == []
    empty = [table.name for table in TABLES if not _count(bank, f"FROM {table.name}")]
    assert empty == []


def test_balances_are_the_opening_balance_and_the_transactions_to_the_fen(bank: duckdb.DuckDBPyConnection) -> None:
    wrong = """
        WITH opening AS (SELECT account_id, arg_min(balance_fen, day) AS fen FROM balances GROUP BY 1),
        flow AS (
            SELECT account_id, ((to_timestamp(at_ms / 1000) AT TIME ZONE 'Asia/Shanghai')::DATE) AS day,
                sum(amount_fen) AS fen
            FROM transactions GROUP BY ALL),
        total AS (SELECT account_id, day, sum(fen) OVER (PARTITION BY account_id ORDER BY day) AS fen FROM flow)
        FROM total t FULL JOIN (SELECT b.* FROM balances b JOIN opening o USING (account_id)
            QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY day) > 1) b USING (account_id, day)
        JOIN opening o USING (account_id) JOIN accounts a USING (account_id)
        WHERE b.balance_fen IS DISTINCT FROM o.fen
            + CASE WHEN kind IN ('credit_card', 'loan') THEN -t.fen ELSE t.fen END"""
    assert _count(bank, wrong) == 0


def test_transfers_between_customers_are_booked_on_both_sides(bank: duckdb.DuckDBPyConnection) -> None:
    between = """FROM transactions
        WHERE kind = 'transfer' AND counterparty_kind = 'customer' AND counterparty_id <> customer_id"""
    one_sided = f"""SELECT customer_id, counterparty_id, at_ms, amount_fen {between}
        EXCEPT ALL SELECT counterparty_id, customer_id, at_ms, -amount_fen {between}"""
    assert _count(bank, between) > 1_000
    assert _count(bank, one_sided) == 0


def test_everything_happens_within_the_year_and_after_the_customer_came(bank: duckdb.DuckDBPyConnection) -> None:
    least, most = START_MS, START_MS + DAYS * DAY_MS
    for table in ("transactions", "form_events", "ad_events", "search_events", "trips", "contacts", "decisions"):
        assert _count(bank, f"FROM {table} WHERE at_ms < {least} OR at_ms >= {most}") == 0, table
        early = (
            f"FROM {table} JOIN customers USING (customer_id) WHERE at_ms < epoch_ms(opened_on::TIMESTAMP) - 28800000"
        )
        assert _count(bank, early) == 0, table


def test_pay_arrives_before_a_weekend_never_on_it(bank: duckdb.DuckDBPyConnection) -> None:
    weekend = """FROM transactions WHERE kind = 'salary' AND counterparty_id <> 'E-SOCIAL'
        AND isodow(to_timestamp(at_ms / 1000) AT TIME ZONE 'Asia/Shanghai') >= 6"""
    assert _count(bank, "FROM transactions WHERE kind = 'salary'") > 5_000
    assert _count(bank, weekend) == 0


def test_every_trait_and_every_look_alike_occurs_and_nobody_is_both(bank: duckdb.DuckDBPyConnection) -> None:
    traits = {row[0] for row in bank.execute("SELECT DISTINCT name FROM truth_traits").fetchall()}
    assert set(TRAITS) <= traits
    assert any(name.startswith("interest:") for name in traits)
    kinds = {row[0] for row in bank.execute("SELECT DISTINCT kind FROM truth_look_alikes").fetchall()}
    assert kinds == set(LOOK_ALIKES)
    assert all(_count(bank, f"FROM truth_{name}") >= 20 for name in RELATIONS)
    both = """FROM truth_look_alikes l JOIN truth_traits t ON t.customer_id = l.customer_id
        AND (t.name = l.silences OR split_part(t.name, ':', 1) = l.silences)"""
    assert _count(bank, both) == 0
    married = """FROM truth_look_alikes l JOIN truth_households h ON l.silences = 'household'
        AND least(l.customer_id, l.other_id) = h.a AND greatest(l.customer_id, l.other_id) = h.b"""
    assert _count(bank, married) == 0


def test_look_alikes_are_as_frequent_as_what_they_imitate(bank: duckdb.DuckDBPyConnection) -> None:
    rarer = bank.execute("""
        WITH real AS (
            SELECT split_part(name, ':', 1) AS name, count(*) AS n FROM truth_traits GROUP BY 1
            UNION ALL SELECT 'household', count(*) FROM truth_households
            UNION ALL SELECT 'colleagues', count(*) FROM truth_colleagues
            UNION ALL SELECT 'same_home_town', count(*) FROM truth_same_home_town)
        SELECT name, n, count(*) FROM real JOIN truth_look_alikes ON silences = name GROUP BY ALL HAVING count(*) < n
    """).fetchall()
    # Everybody has an appetite; the look-alikes are those whose purchases do not show it.
    assert [name for name, *_ in rarer if name != "risk_appetite"] == []


def test_C11_the_logging_policy_showed_nothing_above_the_assessed_level(bank: duckdb.DuckDBPyConnection) -> None:
    unsuitable = """
        WITH risk AS (SELECT DISTINCT product_code, risk_level FROM purchases WHERE risk_level IS NOT NULL)
        FROM decisions d JOIN risk r USING (product_code)
        WHERE NOT EXISTS (FROM risk_assessments a WHERE a.customer_id = d.customer_id AND a.level >= r.risk_level
            AND a.assessed_on <= (to_timestamp(d.at_ms / 1000) AT TIME ZONE 'Asia/Shanghai')::DATE
            AND a.valid_until >= (to_timestamp(d.at_ms / 1000) AT TIME ZONE 'Asia/Shanghai')::DATE)"""
    assert _count(bank, unsuitable) == 0


def test_every_decision_logs_a_probability_that_can_be_divided_by(bank: duckdb.DuckDBPyConnection) -> None:
    assert _count(bank, "FROM decisions WHERE NOT probability BETWEEN 0.003 AND 1") == 0
    assert _count(bank, "FROM decisions WHERE policy = 'logged_softmax'") > 500
    assert _count(bank, "FROM decisions WHERE holdout AND policy <> 'general'") == 0


def test_too_small_a_bank_and_a_full_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 2,000"):
        make_bank(tmp_path, LEAST - 1, SEED)
    with pytest.raises(Conflict, match="not empty"):
        make_bank(folder, LEAST, SEED)


def test_currency_and_custody_accounts_are_there_signed_for_and_in_the_truth(bank: duckdb.DuckDBPyConnection) -> None:
    for kind, trait in (("fx", "fx_holder"), ("custody", "securities_trader")):
        owners = f"SELECT DISTINCT customer_id FROM accounts WHERE kind = '{kind}'"
        named = f"SELECT customer_id FROM truth_traits WHERE name = '{trait}'"
        assert _count(bank, owners) > 30
        assert _count(bank, f"({owners} EXCEPT {named}) UNION ALL ({named} EXCEPT {owners})") == 0
        assert _count(bank, f"FROM transactions JOIN accounts a USING (account_id) WHERE a.kind = '{kind}'") > 100
    assert _count(bank, "FROM accounts WHERE kind = 'fx' AND currency = 'CNY'") == 0
    unsigned = "FROM accounts a ANTI JOIN (FROM services WHERE service = 'custody') s USING (customer_id)"
    assert _count(bank, f"{unsigned} WHERE a.kind = 'custody'") == 0
    bought = """FROM outcomes o ANTI JOIN (FROM accounts WHERE kind IN ('fx', 'custody')) a USING (customer_id)
        WHERE o.kind = 'sold' AND o.product_code IN ('fx_account', 'custody') AND o.at_ms < (
            SELECT epoch_ms(as_of::TIMESTAMP) - 3 * 86400000 FROM snapshot)"""
    assert _count(bank, bought) == 0
