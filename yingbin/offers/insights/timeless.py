# ruff: noqa: S608  (the SQL is made of the statements below and of numbers)
"""The bank's tables as an insight sees them: consenting customers only (C1), days instead of instants (C16).

The views have the names of the source tables, in schema `seen`. No column tells an instant: `days_ago` counts whole
days back from the newest event of the bank, so all clocks moved together leave every view as it was. Where somebody was
is NULL without his consent to `whereabouts`. Gender, identity-document region and branch are in no view.
"""

from typing import Final

import duckdb

from yingbin.errors import InvalidInput

DAY_MS: Final = 86_400_000
_EVENTS: Final = ("transactions", "purchases", "form_events", "ad_events", "search_events", "trips", "contacts")
_STALE_DAYS: Final = 3

_DAYS_AGO: Final = "((SELECT last_ms FROM newest) - t.at_ms) // 86400000"
_SINCE: Final = "datediff('day', {}, (SELECT as_of FROM newest))"
_MAY: Final = "t.customer_id IN (SELECT customer_id FROM may_marketing)"
_WHERE_MAY: Final = "t.customer_id IN (SELECT customer_id FROM may_whereabouts)"

_VIEWS: Final = {
    "customers": (
        (
            f"t.customer_id, datediff('year', t.birth_date, (SELECT as_of FROM newest)) AS age, t.tier, t.employer_id, "
            f"t.documented_monthly_income_fen, CASE WHEN {_WHERE_MAY} THEN t.home_province END AS home_province, "
            f"{_SINCE.format('t.opened_on')} AS opened_days_ago"
        ),
        _MAY,
    ),
    "risk_assessments": (f"t.customer_id, t.level, {_SINCE.format('t.assessed_on')} AS days_ago", _MAY),
    "accounts": (
        (
            "t.account_id, t.customer_id, t.kind, t.product_code, t.currency, t.principal_fen, t.term_days, "
            f"t.risk_level, t.monthly_repayment_fen, {_SINCE.format('t.opened_on')} AS opened_days_ago, "
            f"{_SINCE.format('t.closed_on')} AS closed_days_ago, {_SINCE.format('t.matures_on')} AS matured_days_ago"
        ),
        _MAY,
    ),
    "services": (f"t.customer_id, t.service, {_SINCE.format('t.since')} AS days_ago", _MAY),
    "balances": (
        f"t.account_id, t.balance_fen, {_SINCE.format('t.day')} AS days_ago",
        "t.account_id IN (SELECT account_id FROM seen.accounts)",
    ),
    "transactions": (
        (
            f"t.customer_id, t.account_id, {_DAYS_AGO} AS days_ago, t.amount_fen, t.kind, t.channel, "
            f"t.counterparty_id, t.counterparty_kind, t.merchant_category, t.currency, t.memo_code, "
            f"CASE WHEN {_WHERE_MAY} THEN t.province END AS province, "
            f"CASE WHEN {_WHERE_MAY} THEN t.country END AS country"
        ),
        _MAY,
    ),
    "purchases": (
        f"t.customer_id, {_DAYS_AGO} AS days_ago, t.product_code, t.category, t.risk_level, t.term_days, t.amount_fen",
        _MAY,
    ),
    "form_events": (f"t.customer_id, {_DAYS_AGO} AS days_ago, t.form, t.fields, t.seconds, t.completed", _MAY),
    "ad_events": (
        f"t.customer_id, t.session_id, {_DAYS_AGO} AS days_ago, t.product_code, t.dwell_s, t.focused",
        _MAY,
    ),
    "search_events": (f"t.customer_id, {_DAYS_AGO} AS days_ago, t.topic", _MAY),
    "trips": (f"t.customer_id, {_DAYS_AGO} AS days_ago, t.province, t.country, t.source", f"{_MAY} AND {_WHERE_MAY}"),
    "contacts": (
        f"t.customer_id, t.other_customer_id, {_DAYS_AGO} AS days_ago, t.kind",
        f"{_MAY} AND t.other_customer_id IN (SELECT customer_id FROM may_marketing)",
    ),
}  # fmt: skip


class BankDataStale(InvalidInput):
    """The newest event is not of the day up to which the files claim to go."""

    code = "bank_data_stale"


def make_views(bank: duckdb.DuckDBPyConnection) -> None:
    """Create the views in schema `seen` and make it the default one. Raises `BankDataStale`."""
    newest = " UNION ALL ".join(f"SELECT max(at_ms) AS last_ms FROM {table}" for table in _EVENTS)
    bank.execute(
        f"CREATE TEMP TABLE newest AS SELECT max(last_ms) AS last_ms, (SELECT as_of FROM snapshot) AS as_of "
        f"FROM ({newest})"
    )
    _require_current(bank)
    for purpose in ("marketing", "whereabouts"):
        bank.execute(
            f"CREATE TEMP TABLE may_{purpose} AS SELECT DISTINCT customer_id FROM consents "
            "WHERE purpose = ? AND withdrawn_at_ms IS NULL",
            [purpose],
        )
    bank.execute("CREATE SCHEMA seen")
    for name, (columns, where) in _VIEWS.items():
        bank.execute(f"CREATE VIEW seen.{name} AS SELECT {columns} FROM main.{name} t WHERE {where}")
    bank.execute("SET schema = 'seen'")


def _require_current(bank: duckdb.DuckDBPyConnection) -> None:
    gap = bank.execute(
        "SELECT (epoch_ms((as_of + 1)::TIMESTAMP) - 28800000 - last_ms) / 86400000 FROM newest"
    ).fetchone()
    if gap is None or gap[0] is None:
        raise BankDataStale("the tables hold no event at all; there is nothing to conclude from")
    if abs(gap[0]) > _STALE_DAYS:
        raise BankDataStale(
            f"the newest event is {gap[0]:.0f} days before the end of snapshot.as_of: deliver the events, or correct it"
        )
