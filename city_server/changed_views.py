"""What the province says of a customer anew, such as consent to marketing taken back, changes the card that is open.

As with a withdrawal (`withdrawals.py`), before the page that says so counts as applied. The card takes the next `seq`,
so that every tablet shows it, and does not ring.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server import cards
from city_server.cards import StoredCard
from city_server.records import Records
from city_server.store import Store
from yingbin.feed_wire import CardView, FeedEntry, FeedKind
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import VisitRow
from yingbin.wire import decode

log = get_logger()
_AT_ONCE: Final = 500
_UNDER_WAY_S: Final = 60.0
"""Longer than any search: what the province said of a guest before the change is stored within this time, or never."""


class ChangedViews:
    """Carries out what the feed says; knows which guests' views changed a moment ago."""

    def __init__(self, records: Records, store: Store) -> None:
        self._records = records
        self._store = store
        self._guests: dict[str, tuple[float, bytes | None]] = {}

    async def carry_out(self, entries: Sequence[FeedEntry]) -> None:
        """Bring the cards of open visits to these views; safe to repeat.

        Always a write, so that a visit that begins meanwhile is either seen here or begins with the new view. Raises
        `StorageFull` or `Unavailable`; then nothing was changed.
        """
        at_home = {entry.key: entry.payload for entry in entries if entry.kind is FeedKind.CARD_VIEW}
        guests = {entry.key: entry.payload for entry in entries if entry.kind is FeedKind.GUEST_VIEW}
        self._remember(guests)
        known = {customer_id: payload for customer_id, payload in at_home.items() if payload is not None}
        views = [*known.items(), *((key, payload) for key, payload in guests.items() if key not in at_home)]
        for start in range(0, len(views), _AT_ONCE):
            some = dict(views[start : start + _AT_ONCE])
            changed = await self._store.write(partial(self._change, views=some, at_ms=now_ms()))
            if changed:
                log.info("open_cards_changed", cards=changed)

    def of_guest(self, found: CardView) -> CardView:
        """Return what may be shown of a guest whom a search has found; ask in a transaction.

        The search may have begun before the change that the feed has told of.
        """
        at_s, payload = self._guests.get(found.customer_id, (float("-inf"), None))
        if time.monotonic() - at_s >= _UNDER_WAY_S:
            return found
        if payload is None:
            return cards.without_offers(found)
        names = {"home_branch_zh": found.home_branch_zh, "home_branch_en": found.home_branch_en}
        return msgspec.structs.replace(decode(payload, CardView), **names)

    def _remember(self, guests: Mapping[str, bytes | None]) -> None:
        now_s = time.monotonic()
        recent = {key: told for key, told in self._guests.items() if now_s - told[0] < _UNDER_WAY_S}
        self._guests = recent | {key: (now_s, payload) for key, payload in guests.items()}

    def _change(self, session: Session, views: Mapping[str, bytes | None], at_ms: int) -> int:
        here = (VisitRow.open_key.is_not(None), VisitRow.customer_id.in_(views))
        changed = 0
        for visit in session.scalars(select(VisitRow).where(*here).with_for_update()).all():
            before = self._records.card_of_visit(session, visit.visit_id).stored
            after = _after(before, views[visit.customer_id], at_ms)
            if after != before:
                self._records.put_card(session, after)
                changed += 1
        return changed


def _after(before: StoredCard, payload: bytes | None, at_ms: int) -> StoredCard:
    view = decode(payload, CardView) if payload is not None else cards.without_offers(before.view)
    return cards.reviewed(before, view, at_ms)
