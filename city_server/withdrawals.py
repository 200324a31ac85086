"""A customer who withdrew is taken out of everything the city keeps of his visits (C5), a guest from another city too.

It happens before the page that says so counts as applied. What stays of a card is an empty one, `withdrawn`: it takes
him off the tablets, also off those that come back later.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server import cards
from city_server.records import Records, as_visit
from city_server.store import Store
from city_server.visits import close
from yingbin.feed_wire import FeedEntry, FeedKind
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import InsightAnswerRow, OutcomeRow, PhotoRow, VisitRow, VisitScore, VisitTrack

log = get_logger()
_UNDER_WAY_S: Final = 60.0
"""Longer than any search: a match from before the withdrawal is stored within this time, or never."""
_AT_ONCE: Final = 500


class Withdrawals:
    """Carries out what the feed says; knows who went a moment ago."""

    def __init__(self, records: Records, store: Store) -> None:
        self._records = records
        self._store = store
        self._gone_at_s: dict[str, float] = {}

    async def carry_out(self, entries: Sequence[FeedEntry]) -> None:
        """Empty the visits of everybody whose card view these entries take away; safe to repeat.

        Raises `StorageFull` or `Unavailable`; then nothing was changed.
        """
        now_s = time.monotonic()
        views = [entry for entry in entries if entry.kind is FeedKind.CARD_VIEW]
        gone = [entry.key for entry in views if entry.payload is None]
        recent = {customer: at for customer, at in self._gone_at_s.items() if now_s - at < _UNDER_WAY_S}
        back = {entry.key for entry in views if entry.payload is not None}
        self._gone_at_s = {one: at for one, at in recent.items() if one not in back} | dict.fromkeys(gone, now_s)
        for start in range(0, len(gone), _AT_ONCE):
            some = gone[start : start + _AT_ONCE]
            visits = await self._store.write(partial(self._empty, customers=some, at_ms=now_ms()))
            if visits:
                log.info("withdrawn_visits_emptied", visits=visits)

    def covers(self, customer_id: str) -> bool:
        """Return whether this customer went so lately that a search may have found him before; ask in a transaction."""
        return time.monotonic() - self._gone_at_s.get(customer_id, float("-inf")) < _UNDER_WAY_S

    def _empty(self, session: Session, customers: Sequence[str], at_ms: int) -> int:
        rows = session.scalars(select(VisitRow).where(VisitRow.customer_id.in_(customers)).with_for_update()).all()
        for row in rows:
            visit = as_visit(row)
            state = self._records.card_of_visit(session, visit.visit_id)
            self._records.put_card(session, cards.withdrawn(state.stored))
            self._records.put_visit(session, replace(close(visit, visit.closed_at_ms or at_ms), customer_id=""))
        for kind in (PhotoRow, VisitScore, VisitTrack):
            session.execute(delete(kind).where(kind.visit_id.in_([row.visit_id for row in rows])))
        session.execute(
            delete(OutcomeRow).where(OutcomeRow.customer_id.in_(customers), OutcomeRow.forwarded_at_ms.is_not(None))
        )
        session.execute(delete(InsightAnswerRow).where(InsightAnswerRow.customer_id.in_(customers)))
        return len(rows)
