"""What the province says of a customer anew, such as consent to marketing taken back, changes the card that is open.

As with a withdrawal (`withdrawals.py`), before the page that says so counts as applied. The card takes the next `seq`,
so that every tablet shows it, and does not ring.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server import cards
from city_server.records import Records
from city_server.store import Store
from yingbin.feed_wire import CardView, FeedEntry, FeedKind
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import VisitRow
from yingbin.wire import decode

log = get_logger()
_AT_ONCE: Final = 500


class ChangedViews:
    """Carries out what the feed says."""

    def __init__(self, records: Records, store: Store) -> None:
        self._records = records
        self._store = store

    async def carry_out(self, entries: Sequence[FeedEntry]) -> None:
        """Bring the cards of open visits to these views; safe to repeat.

        Always a write, so that a visit that begins meanwhile is either seen here or begins with the new view. Raises
        `StorageFull` or `Unavailable`; then nothing was changed.
        """
        newest = {entry.key: entry.payload for entry in entries if entry.kind is FeedKind.CARD_VIEW}
        views = [(customer_id, payload) for customer_id, payload in newest.items() if payload is not None]
        for start in range(0, len(views), _AT_ONCE):
            some = dict(views[start : start + _AT_ONCE])
            changed = await self._store.write(partial(self._change, views=some, at_ms=now_ms()))
            if changed:
                log.info("open_cards_changed", cards=changed)

    def _change(self, session: Session, views: Mapping[str, bytes], at_ms: int) -> int:
        here = (VisitRow.open_key.is_not(None), VisitRow.customer_id.in_(views))
        changed = 0
        for visit in session.scalars(select(VisitRow).where(*here).with_for_update()).all():
            before = self._records.card_of_visit(session, visit.visit_id).stored
            after = cards.reviewed(before, decode(views[visit.customer_id], CardView), at_ms)
            if after != before:
                self._records.put_card(session, after)
                changed += 1
        return changed
