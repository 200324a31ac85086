# ruff: noqa: S608  (the SQL is made of names written here, never of data)
"""Are some groups offered less, or does the same offer suit them less? Looked at afterwards, never decided by.

Gender, age and region of registration are read here and nowhere else in the offers: no rule, fact or model has them.
The four-fifths rule (29 CFR 1607.4 D): a group's rate below 80 % of the highest group's calls for an explanation.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import duckdb

from yingbin.offers.learning.estimate import NOTHING, Estimate, Share, log_ratio, proportion, share_of
from yingbin.offers.learning.log_tables import Span, query, sums

Attribute = Literal["gender", "age_band", "registered_in", "branch"]
Measure = Literal["offered", "accepted"]
Verdict = Literal["met", "below", "not_shown", "too_few"]

FOUR_FIFTHS: Final = 0.8
MIN_GROUP: Final = 10
"""Customers below which a group is not shown: somebody might be recognised in it."""

_YOUNGER_THAN: Final = ((30, "under 30"), (45, "30-44"), (60, "45-59"))
_GROUPS: Final[dict[Attribute, str]] = {
    "gender": "c.gender",
    "age_band": "CASE WHEN age < 30 THEN 'under 30' WHEN age < 45 THEN '30-44' WHEN age < 60 THEN '45-59' "
    "ELSE '60 and over' END",
    "registered_in": "left(c.region_code, 2)",
    "branch": "c.home_branch_id",
}


@dataclass(frozen=True, slots=True)
class GroupRate:
    """How often a group was offered a product (of its visits), or accepted it (of its offers).

    `ratio`: to the group with the highest rate. `verdict`: `met` and `below` only where the whole interval says so.
    """

    attribute: Attribute
    product: str
    measure: Measure
    group: str
    customers: int
    rate: Estimate
    ratio: Estimate
    verdict: Verdict


def bias_check(bank: duckdb.DuckDBPyConnection, attribute: Attribute, span: Span = Span()) -> list[GroupRate]:  # noqa: B008 - immutable
    """Return both rates of every group and product, the holdout left out; groups of fewer than `MIN_GROUP` are not."""
    person = (
        f"(SELECT c.customer_id, {_GROUPS[attribute]} AS grp FROM (SELECT *, "
        "date_diff('year', birth_date, (SELECT max(as_of) FROM snapshot)) AS age FROM customers) c)"
    )
    sizes = {
        str(group): int(str(count))
        for group, count in query(
            bank,
            "SELECT p.grp, count(DISTINCT v.customer_id) FROM visits v "
            f"JOIN {person} p USING (customer_id) WHERE NOT v.holdout GROUP BY 1",
            span,
        )
    }
    offered = sums(
        bank,
        "SELECT x.product_code, p.grp, v.customer_id, coalesce(s.n, 0)::BIGINT AS h, v.n AS t "
        "FROM (SELECT customer_id, count(*) AS n FROM visits WHERE NOT holdout GROUP BY 1) v "
        "CROSS JOIN (SELECT DISTINCT product_code FROM items WHERE NOT holdout) x "
        f"JOIN {person} p ON p.customer_id = v.customer_id "
        "LEFT JOIN (SELECT customer_id, product_code, count(DISTINCT decision_id) AS n FROM items "
        "WHERE shown = 1 AND NOT holdout GROUP BY ALL) s "
        "ON s.customer_id = v.customer_id AND s.product_code = x.product_code",
        span,
    )
    accepted = sums(
        bank,
        "SELECT i.product_code, p.grp, i.customer_id, sum(i.taken) AS h, sum(i.shown) AS t FROM items i "
        f"JOIN {person} p ON p.customer_id = i.customer_id WHERE i.shown = 1 AND NOT i.holdout GROUP BY ALL",
        span,
    )
    return compared(
        attribute,
        {(str(product), str(group)): share_of(found) for (product, group), found in offered.items()},
        {(str(product), str(group)): share_of(found) for (product, group), found in accepted.items()},
        sizes,
    )


def age_band(years: int) -> str:
    """Return the group of an age, which is the bank's record and never a guess from a face (C17)."""
    return next((band for limit, band in _YOUNGER_THAN if years < limit), "60 and over")


def compared(
    attribute: Attribute,
    offered: Mapping[tuple[str, str], Share],
    accepted: Mapping[tuple[str, str], Share],
    sizes: Mapping[str, int],
) -> list[GroupRate]:
    """Return the rows of shares by (product, group); `sizes`: customers of each group."""
    rows: list[GroupRate] = []
    measured: tuple[tuple[Measure, Mapping[tuple[str, str], Share]], ...] = (
        ("offered", offered), ("accepted", accepted),
    )  # fmt: skip
    for measure, shares in measured:
        by_product: dict[str, dict[str, Share]] = defaultdict(dict)
        for (product, group), share in shares.items():
            if sizes.get(group, 0) >= MIN_GROUP:
                by_product[product][group] = share
        for product, groups in sorted(by_product.items()):
            rows += _compared(attribute, product, measure, groups, sizes)
    return rows


def _compared(
    attribute: Attribute, product: str, measure: Measure, groups: dict[str, Share], sizes: Mapping[str, int]
) -> list[GroupRate]:
    enough = {group: share for group, share in groups.items() if share.trials >= MIN_GROUP}
    best = max(enough.values(), key=lambda share: share.hits / share.trials, default=None)
    rows = []
    for group, share in sorted(groups.items()):
        compared = best is not None and group in enough
        ratio = log_ratio(share, best) if compared and best else NOTHING
        verdict = _verdict(ratio) if compared else "too_few"
        rows.append(GroupRate(attribute, product, measure, group, sizes[group], proportion(share), ratio, verdict))
    return rows


def _verdict(ratio: Estimate) -> Verdict:
    if not ratio.n:
        return "not_shown"
    if ratio.low >= FOUR_FIFTHS or ratio.value == 1.0:
        return "met"
    return "below" if ratio.high < FOUR_FIFTHS else "not_shown"
