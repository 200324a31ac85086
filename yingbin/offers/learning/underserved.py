"""Who comes again and again, may be addressed personally, and is offered nothing: a gap in catalogue or rules."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import duckdb

from yingbin.offers.decision.record import DecisionRecord
from yingbin.offers.learning.log_tables import Span, query

MIN_VISITS: Final = 3


class Visit(NamedTuple):
    """A decision. `personalised`: with consent, without an opt-out. `offers`: how many were shown."""

    customer_id: str
    branch_id: str
    at_ms: int
    personalised: bool
    offers: int


@dataclass(frozen=True, slots=True)
class Underserved:
    """A customer without any offer, where he came last, and when (UTC ms)."""

    customer_id: str
    visits: int
    branch_id: str
    last_at_ms: int


def underserved(visits: Iterable[Visit], min_visits: int = MIN_VISITS) -> list[Underserved]:
    """Return who came so often, always personalised, and was shown nothing; the most frequent visitor first."""
    of: defaultdict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        of[visit.customer_id].append(visit)
    found = []
    for customer_id, his in of.items():
        if len(his) >= min_visits and all(one.personalised and not one.offers for one in his):
            last = max(his, key=lambda one: one.at_ms)
            found.append(Underserved(customer_id, len(his), last.branch_id, last.at_ms))
    return sorted(found, key=lambda one: (-one.visits, one.customer_id))


def visits_of_records(records: Iterable[DecisionRecord]) -> Iterator[Visit]:
    """Yield the visits of decision records; also of those in which nothing was left to offer."""
    for record in records:
        view = record.inputs.view
        branch_id = record.inputs.context.branch_id or view.home_branch_id
        yield Visit(view.customer_id, branch_id, record.inputs.at_ms, view.personalised, len(record.output.offers))


def visits_in_log(bank: duckdb.DuckDBPyConnection, span: Span = Span()) -> Iterator[Visit]:  # noqa: B008 - immutable
    """Yield the visits of the log: personalised with `marketing` consent in force then, and not held out."""
    found = query(
        bank,
        "SELECT i.customer_id, min(i.branch_id), min(i.at_ms), NOT bool_or(i.holdout) AND bool_or(c.customer_id "
        "IS NOT NULL), sum(i.shown) FROM items i LEFT JOIN consents c ON c.customer_id = i.customer_id "
        "AND c.purpose = 'marketing' AND c.granted_at_ms <= i.at_ms "
        "AND (c.withdrawn_at_ms IS NULL OR i.at_ms < c.withdrawn_at_ms) GROUP BY i.decision_id, i.customer_id",
        span,
    )
    for customer_id, branch_id, at_ms, personalised, offers in found:
        yield Visit(str(customer_id), str(branch_id), int(str(at_ms)), bool(personalised), int(str(offers)))
