"""What a city records (C12): who was matched, who saw it and what he did, and which box or sign-in was refused.

What changes something is noted in the transaction of the change (`note`, `by_staff`, `matched`); what is only shown is
recorded before it is shown. A look at a stranger leaves nothing (C2).
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server.province import Province
from city_server.store import Store
from yingbin.errors import YingbinError
from yingbin.feed_wire import FeedEntry, FeedKind, Staff
from yingbin.log import get_logger
from yingbin.pad_wire import Card
from yingbin.storage.city import CardRow
from yingbin.trust.audit.batch import Batcher
from yingbin.trust.audit.chains import PROVINCE
from yingbin.trust.audit.exchange import Anchoring
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import DONE, REFUSED, Entry

log = get_logger()
_REFUSAL_PAUSE_S: Final = 60.0
"""A box that knocks all day fills no trail."""
_ABOUT_PEOPLE: Final = frozenset({FeedKind.CARD_VIEW, FeedKind.TEMPLATE, FeedKind.WATCH_ENTRY})


def by_staff(session: Session, who: Staff, action: str, customer_id: str, details: Mapping[str, str]) -> None:
    """Record what a manager does with a customer's card, in the transaction that does it."""
    note(session, Entry(f"staff:{who.staff_id}", who.role, action, "customer", customer_id, details))


def matched(session: Session, box_id: str, camera_id: str, customer_id: str, visit_id: str, tier: str) -> None:
    """Record that a track was recognised, in the transaction of its visit."""
    session.flush()
    card_id = session.scalars(select(CardRow.card_id).where(CardRow.visit_id == visit_id)).one()
    details = {"card": card_id, "camera": camera_id, "found_by": tier}
    note(session, Entry(f"box:{box_id}", "box", "matched", "customer", customer_id, details))


class Trail:
    """Records what changes nothing, and sends the trail's head to the province."""

    def __init__(self, store: Store, anchoring: Anchoring) -> None:
        self._anchoring = anchoring
        self._batcher = Batcher(lambda entries: store.write(partial(_note_all, entries=entries)))
        self._refused_at_s: dict[tuple[str, str], float] = {}

    async def record(self, entries: Sequence[Entry]) -> None:
        """Return once these are durable. Raises `StorageFull` or `Unavailable`: then they must not happen."""
        await self._batcher.record(entries)

    async def shown(self, who: Staff, cards: Sequence[Card]) -> None:
        """Record that these cards are about to be shown to somebody. Raises as `record`."""
        actor = f"staff:{who.staff_id}"
        await self.record(
            [
                Entry(actor, who.role, "card_shown", "customer", card.customer_id, {"card": card.card_id})
                for card in cards
            ]
        )

    async def sign_in(self, staff_id: str, role: str, *, allowed: bool) -> None:
        """Record an attempt to sign in. Raises as `record`."""
        await self.record([Entry(f"staff:{staff_id}", role, "sign_in", outcome=DONE if allowed else REFUSED)])

    async def ticket(self, box_id: str, camera_id: str, customer_id: str, queue: str) -> None:
        """Record that somebody who asked for it got a ticket by his face. Raises as `record`."""
        details = {"camera": camera_id, "queue": queue}
        await self.record([Entry(f"box:{box_id}", "box", "ticket_decided", "customer", customer_id, details)])

    async def box_refused(self, box_id: str, code: str) -> None:
        """Record that a registered box was turned away, once a minute at most for each reason. Raises as `record`."""
        now_s = time.monotonic()
        if now_s - self._refused_at_s.get((box_id, code), float("-inf")) < _REFUSAL_PAUSE_S:
            return
        self._refused_at_s[box_id, code] = now_s
        await self.record([Entry(f"box:{box_id}", "box", "connect", outcome=REFUSED, details={"code": code})])

    async def gallery_changed(self, entries: Sequence[FeedEntry]) -> None:
        """Record that people came or went with a page of the feed. Raises as `record`."""
        people = [entry for entry in entries if entry.kind in _ABOUT_PEOPLE]
        if people:
            gone = sum(entry.payload is None for entry in people)
            details = {"up_to": people[-1].revision, "changed": len(people) - gone, "removed": gone}
            await self.record([Entry("job:feed", "system", "gallery_changed", details=details)])

    # --- anchors

    async def keep_anchored(self, province: Province, every_s: float) -> None:
        """Exchange heads with the province for ever, and once more when cancelled."""
        try:
            while True:
                await self._exchange(province)
                await asyncio.sleep(every_s)
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.CancelledError):
                await self._exchange(province)
            raise

    async def _exchange(self, province: Province) -> None:
        try:
            told = await to_thread.run_sync(self._anchoring.tell, PROVINCE)
            answer = await province.exchange_heads(told)
            await to_thread.run_sync(self._anchoring.take, PROVINCE, answer)
        except YingbinError as error:
            log.warning("audit_head_waits", code=error.code, reason=error.message, error_id=error.error_id)
        await to_thread.run_sync(self._anchoring.watch, [PROVINCE])


def _note_all(session: Session, entries: Sequence[Entry]) -> None:
    for entry in entries:
        note(session, entry)
