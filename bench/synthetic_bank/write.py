# ruff: noqa: S608  (the SQL is made of constants of this package)
"""Writes blocks as Parquet: numbers become ids and words in DuckDB, one file a block and table."""

from pathlib import Path
from typing import Any, Final, Self

import duckdb
import numpy as np

from bench.synthetic_bank.acceptance import CONTEXTS, Logits
from bench.synthetic_bank.block import Block
from bench.synthetic_bank.browsing import FORMS, TOPICS
from bench.synthetic_bank.contracts import PURPOSES, SERVICES
from bench.synthetic_bank.days import AS_OF, START
from bench.synthetic_bank.ledger import (
    ACCOUNT_KINDS,
    CHANNELS,
    CURRENCIES,
    KINDS,
    MEMOS,
    NEVER,
    PARTIES,
    Booked,
    instants,
)  # fmt: skip
from bench.synthetic_bank.people import BRANCHES, COUNTRIES, PROVINCES
from bench.synthetic_bank.products import CODES, OFFERED, PRODUCTS
from bench.synthetic_bank.truth import LOOK_ALIKES, RELATIONS
from bench.synthetic_bank.visits import CAMPAIGNS, POLICIES, REASONS
from bench.synthetic_bank.visits import KINDS as OUTCOMES
from yingbin.errors import StorageFull

_TIERS: Final = ("vip_diamond", "vip_platinum", "vip_gold", "potential", "ordinary")
_TIER_FROM_FEN: Final = (600_000_000, 100_000_000, 20_000_000, 5_000_000)


def _words(words: tuple[str, ...], column: str) -> str:
    """Return SQL that turns a number into its word; "" becomes NULL."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"nullif([{listed}][{column}::INT + 1], '')"


def _id(letter: str, column: str, digits: int = 8) -> str:
    return f"'{letter}' || lpad({column}::VARCHAR, {digits}, '0')"


def _day(column: str) -> str:
    return f"(DATE '{START}' + {column}::INT)"


_CUSTOMER: Final = _id("C", "customer") + " AS customer_id"
_CATEGORY: Final = tuple(product.category for product in PRODUCTS)
_SQL: Final[dict[str, str]] = {
    "customers": f"""{_CUSTOMER}, {_day("born")} AS birth_date, {_words(("male", "female"), "gender")} AS gender,
        region::VARCHAR AS region_code, branch_code AS home_branch_id, {_words(PROVINCES, "province")} AS home_province,
        {_day("opened")} AS opened_on, {_words(_TIERS, "tier")} AS tier,
        CASE WHEN documented THEN income END AS documented_monthly_income_fen,
        CASE WHEN employer = 0 THEN 'E-SOCIAL' WHEN employer > 0 THEN {_id("E", "employer")} END AS employer_id""",
    "risk_assessments": f"""{_CUSTOMER}, {_day("day")} AS assessed_on, level::INTEGER AS level,
        {_day("until")} AS valid_until""",
    "accounts": f"""{_id("A", "account", 10)} AS account_id, {_CUSTOMER}, {_words(ACCOUNT_KINDS, "kind")} AS kind,
        {_words(CODES, "product")} AS product_code, {_words(CURRENCIES, "currency")} AS currency,
        {_day("opened")} AS opened_on, CASE WHEN closed < {NEVER} THEN {_day("closed")} END AS closed_on,
        principal AS principal_fen, nullif(term, 0)::INTEGER AS term_days,
        CASE WHEN matures < {NEVER} THEN {_day("matures")} END AS matures_on,
        nullif(risk, 0)::INTEGER AS risk_level, repayment AS monthly_repayment_fen""",
    "services": f"{_CUSTOMER}, {_words(SERVICES, 'service')} AS service, {_day('day')} AS since",
    "balances": f"{_id('A', 'account', 10)} AS account_id, {_day('day')} AS day, balance AS balance_fen",
    "transactions": f"""{_id("T", "number", 13)} AS txn_id, {_CUSTOMER}, {_id("A", "account", 10)} AS account_id, at_ms,
        amount AS amount_fen, {_words(KINDS, "kind")} AS kind, {_words(CHANNELS, "channel")} AS channel,
        CASE party_kind WHEN 1 THEN {_id("C", "party")} WHEN 2 THEN {_id("X", "party", 10)}
            WHEN 3 THEN {_id("M", "party", 6)}
            WHEN 4 THEN CASE WHEN party = 0 THEN 'E-SOCIAL' ELSE {_id("E", "party")} END END AS counterparty_id,
        {_words(PARTIES, "party_kind")} AS counterparty_kind, nullif(mcc, 0)::VARCHAR AS merchant_category,
        CASE WHEN province >= 0 THEN {_words(PROVINCES, "province")} END AS province,
        {_words(COUNTRIES, "country")} AS country, {_words(CURRENCIES, "currency")} AS currency,
        {_words(MEMOS, "memo")} AS memo_code""",
    "purchases": f"""{_CUSTOMER}, at_ms, {_words(CODES, "product")} AS product_code,
        {_words(_CATEGORY, "product")} AS category,
        nullif({[product.risk for product in PRODUCTS]}[product::INT + 1], 0)::INTEGER AS risk_level,
        nullif(term, 0)::INTEGER AS term_days, amount AS amount_fen""",
    "form_events": f"""{_CUSTOMER}, at_ms, {_words(FORMS, "form")} AS form, fields::INTEGER AS fields, seconds,
        completed""",
    "ad_events": f"""{_CUSTOMER}, 'S' || session::VARCHAR AS session_id, at_ms,
        {_words(CODES, "product")} AS product_code, dwell AS dwell_s, focused""",
    "search_events": f"{_CUSTOMER}, at_ms, {_words(TOPICS, 'topic')} AS topic",
    "trips": f"""{_CUSTOMER}, at_ms, {_words(PROVINCES, "province")} AS province,
        {_words(COUNTRIES, "country")} AS country, {_words(("card", "atm", "app"), "source")} AS source""",
    "contacts": f"""{_CUSTOMER}, {_id("C", "other")} AS other_customer_id, at_ms,
        {_words(("call", "message"), "kind")} AS kind""",
    "consents": f"""{_CUSTOMER}, {_words(PURPOSES, "purpose")} AS purpose, at_ms AS granted_at_ms,
        CASE WHEN withdrawn > -10000 THEN at_ms + (withdrawn - day) * 86400000 END AS withdrawn_at_ms""",
    "decisions": f"""{_id("D", "visit", 11)} AS decision_id, {_CUSTOMER}, at_ms, branch_code AS branch_id,
        {_words(POLICIES, "policy")} AS policy, {_words(CODES, "product")} AS product_code, rank::INTEGER AS rank,
        probability, holdout""",
    "outcomes": f"""{_id("D", "visit", 11)} AS decision_id, {_CUSTOMER}, {_words(CODES, "product")} AS product_code,
        at_ms, {_words(OUTCOMES, "kind")} AS kind,
        CASE WHEN reason >= 0 THEN {_words(REASONS, "reason")} END AS reason, margin AS margin_fen""",
}


class Writer:
    """Writes into one folder; every block becomes one file in each table's sub-folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # One thread: the same rows in the same order, so the same bytes.
        self._duckdb = duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._duckdb.close()

    def write_block(self, block: Block, booked: Booked, logits: Logits) -> None:
        """Write every table of one block, and its truth."""
        people, first = block.people, block.people.first
        branch = np.array([PROVINCES[p] + f"-B{block.number * BRANCHES + b:05d}" for p, b in
                           zip(people.province.tolist(), people.branch.tolist(), strict=True)])  # fmt: skip
        tier = np.searchsorted(-np.array(_TIER_FROM_FEN), -people.assets)
        self._put(block, "customers", {
            "customer": people.numbers, "born": people.born, "gender": people.gender, "region": people.region,
            "branch_code": branch, "province": people.province, "opened": people.opened, "tier": tier,
            "documented": people.documented, "income": people.income, "employer": people.employer,
        })  # fmt: skip
        accounts = booked.accounts
        owner = first + accounts["customer"]
        self._put(block, "accounts", {
            **{key: value for key, value in accounts.items() if key not in {"customer", "opening"}},
            "account": first * 100 + np.arange(len(owner)), "customer": owner,
        })  # fmt: skip
        self._put(block, "balances", {**booked.balances, "account": first * 100 + booked.balances["account"]})
        rows = booked.transactions
        self._put(block, "transactions", {
            **{key: value for key, value in rows.items() if key not in {"day", "second"}},
            "number": block.number * 10**8 + np.arange(len(rows["day"])), "customer": owner[rows["account"]],
            "account": first * 100 + rows["account"].astype(np.int64), "at_ms": instants(rows["day"], rows["second"]),
        })  # fmt: skip
        for table in block.events:
            self._put(block, table, _events(block, table, branch))
        self._write_truth(block, logits)

    def write_bank(self, customers: int, seed: int) -> None:
        """Write what belongs to no block; `snapshot` last, so that an unfinished folder does not open."""
        contexts = ", ".join(
            f"('{CODES[at]}', '{name}', {delta}::DOUBLE)"
            for name, (products, delta) in CONTEXTS.items() for at in products
        )  # fmt: skip
        self._copy(
            f"SELECT * FROM (VALUES {contexts}) t(product_code, context, delta_logit)",
            self._folder / "truth" / "accept_context.parquet",
        )
        campaigns = ", ".join(
            f"('P{at:03d}', '{code}', 'branch', DATE '{starts}', DATE '{ends}')"
            for at, (code, starts, ends) in enumerate(CAMPAIGNS, 1)
        )
        self._copy(
            f"SELECT * FROM (VALUES {campaigns}) t(campaign_id, product_code, channel, starts_on, ends_on)",
            self._folder / "campaigns.parquet",
        )
        said = f"synthetic: {customers} customers, seed {seed}"
        self._copy(f"SELECT DATE '{AS_OF}' AS as_of, '{said}' AS producer", self._folder / "snapshot.parquet")

    def _write_truth(self, block: Block, logits: Logits) -> None:
        truth, first = block.truth, block.people.first
        for name in RELATIONS:
            pairs = truth.relations.get(name, [])
            a, b = (first + np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
            self._put(block, f"truth/{name}", {"a": a, "b": b}, f"{_id('C', 'a')} AS a, {_id('C', 'b')} AS b")
        traits = [(name, *part) for name, parts in truth.traits.items() for part in parts]
        self._put(block, "truth/traits", {
            "customer": first + np.concatenate([who for _, who, _, _ in traits]),
            "name": np.concatenate([np.full(len(who), name, dtype="<U32") for name, who, _, _ in traits]),
            "value": np.concatenate([value for _, _, value, _ in traits]),
            "detail": np.concatenate([np.where(detail >= 0, first + detail, -1) for *_, detail in traits]),
        }, f"{_CUSTOMER}, name, value, CASE WHEN detail >= 0 THEN {_id('C', 'detail')} END AS detail")  # fmt: skip
        alike = [(kind, *part) for kind, parts in truth.look_alikes.items() for part in parts]
        kinds = tuple(LOOK_ALIKES)
        self._put(block, "truth/look_alikes", {
            "customer": first + np.concatenate([who for _, who, _ in alike]),
            "other": np.concatenate([np.where(other >= 0, first + other, -1) for *_, other in alike]),
            "kind": np.concatenate([np.full(len(who), kinds.index(kind)) for kind, who, _ in alike]),
        }, f"""{_CUSTOMER}, CASE WHEN other >= 0 THEN {_id("C", "other")} END AS other_id,
            {_words(kinds, "kind")} AS kind,
            {_words(tuple(LOOK_ALIKES.values()), "kind")} AS silences""")  # fmt: skip
        offered = np.array(OFFERED)
        self._put(block, "truth/accept_logits", {
            "customer": np.repeat(block.people.numbers, len(offered)), "product": np.tile(offered, block.people.n),
            "logit": logits[:, offered].ravel(),
        }, f"{_CUSTOMER}, {_words(CODES, 'product')} AS product_code, logit")  # fmt: skip

    def _put(self, block: Block, table: str, columns: dict[str, Any], select: str = "") -> None:
        """Write one block of a table, in the order of its rows."""
        (self._folder / table).mkdir(parents=True, exist_ok=True)
        self._duckdb.register("rows", {name: np.ascontiguousarray(values) for name, values in columns.items()})
        file = self._folder / table / f"part-{block.number:05d}.parquet"
        self._copy(f"SELECT {select or _SQL[table]} FROM rows", file)
        self._duckdb.unregister("rows")

    def _copy(self, select: str, file: Path) -> None:
        path = str(file).replace("'", "''")
        try:
            self._duckdb.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        except duckdb.IOException as error:
            raise StorageFull(f"cannot write {file}: {str(error).splitlines()[0]}") from error


def _events(block: Block, table: str, branch: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return all rows of one table of events, by customer and time."""
    parts = block.events[table]
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    second = columns.get("second", np.zeros(len(columns["customer"]), np.int64))
    order = np.lexsort((second, columns["day"], columns["customer"]))
    columns = {name: values[order] for name, values in columns.items()}
    who = columns["customer"]
    if "second" in columns:
        columns["at_ms"] = instants(columns["day"], columns.pop("second"))
    if "visit" in columns:
        columns["visit"] = block.number * 10**6 + columns["visit"]
        columns["branch_code"] = branch[who]
    if "other" in columns:
        columns["other"] = block.people.first + columns["other"]
    columns["customer"] = block.people.first + who
    return columns
