"""Rows of portraits: sealing, what was shown at which visit, what goes when a consent does (C1, C5, C8).

Everything runs inside the caller's transaction. What a key that is gone has sealed is deleted: the next night brings it
again.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from province_server.keys import Keys
from yingbin.log import get_logger
from yingbin.offers.portrait.definitions import Tags
from yingbin.offers.portrait.page import Portrait, TagRow
from yingbin.offers.profile import CHINA_TIME
from yingbin.storage.portraits import PortraitRow
from yingbin.trust.consent import Purpose
from yingbin.trust.seal import SealBroken

log = get_logger()
_Sealed = TypeVar("_Sealed")

NEEDED: Final = frozenset({Purpose.MARKETING, Purpose.CENTRAL_STORAGE})
"""The consents without which nothing of a portrait is kept at the province."""
REMEMBERED_DAYS: Final = 366
"""What was shown longer ago is compared with nothing any more."""


class Showing(NamedTuple):
    """The tags a customer was shown with at a visit; `visit` is the id of its card."""

    visit: str
    day: date
    tags: tuple[TagRow, ...]


class Kept(NamedTuple):
    """What is kept of a customer. `showings`: of his last visit, and of the one before it."""

    portrait: Portrait
    showings: tuple[Showing, ...] = ()

    def before(self, visit: str, today: date) -> tuple[date, tuple[TagRow, ...]] | None:
        """Return day and tags of the visit before `visit`, None when there is none of the last year."""
        earlier = [one for one in self.showings if one.visit != visit and _remembered(one, today)]
        return (earlier[-1].day, earlier[-1].tags) if earlier else None


class PortraitStore:
    """Reads and writes portraits."""

    def __init__(self, keys: Keys, tags: Tags) -> None:
        self._keys = keys
        self.tags = tags

    def get(self, session: Session, customer_id: str) -> Kept | None:
        """Return what is kept of a customer, locked until the transaction ends."""
        row = session.get(PortraitRow, customer_id, with_for_update=True)
        return self._opened(session, row) if row else None

    def put(self, session: Session, customer_id: str, as_of: date, portrait: Portrait) -> bool:
        """Store a portrait in the place of an older one; return False for one that is older itself.

        The caller holds the vault's lock, so that no renewal passes between seal and row.
        """
        row = session.get(PortraitRow, customer_id, with_for_update=True)
        if row is None:
            row = PortraitRow(customer_id=customer_id)
            session.add(row)
        elif row.as_of > as_of:
            return False
        row.as_of, row.expires_at_ms = as_of, _ends_ms(portrait)
        row.sealed = self._seal(customer_id, "portrait", portrait)
        return True

    def remember(self, session: Session, customer_id: str, kept: Kept, showing: Showing) -> None:
        """Note what is shown at a visit, if that is new. Call after `get`, with what it gave."""
        earlier = [one for one in kept.showings if one.visit != showing.visit and _remembered(one, showing.day)]
        after = (*earlier[-1:], showing)
        if after != kept.showings:
            session.get_one(PortraitRow, customer_id).shown_sealed = self._seal(customer_id, "shown", after)

    def restrict(self, session: Session, customer_id: str, granted: Collection[Purpose]) -> bool:
        """Delete what `granted` no longer permits (C1); return whether that was all there is."""
        row = session.get(PortraitRow, customer_id, with_for_update=True)
        if row is None:
            return False
        kept = self._opened(session, row) if frozenset(granted) >= NEEDED else None
        if kept is None:
            session.execute(delete(PortraitRow).where(PortraitRow.customer_id == customer_id))
            return True
        permitted = self.permitted(kept.portrait.tags, granted)
        showings = tuple(one._replace(tags=self.permitted(one.tags, granted)) for one in kept.showings)
        row.sealed = self._seal(customer_id, "portrait", kept.portrait._replace(tags=permitted))
        row.shown_sealed = self._seal(customer_id, "shown", showings) if showings else None
        return False

    def reseal(self, session: Session, customer_ids: Sequence[str]) -> None:
        """Seal the portraits of some customers under the newest key."""
        rows = select(PortraitRow).where(PortraitRow.customer_id.in_(customer_ids)).with_for_update()
        for row in session.scalars(rows).all():
            kept = self._opened(session, row)
            if kept is not None:
                row.sealed = self._seal(row.customer_id, "portrait", kept.portrait)
                row.shown_sealed = self._seal(row.customer_id, "shown", kept.showings) if kept.showings else None

    def permitted(self, rows: Iterable[TagRow], granted: Collection[Purpose]) -> tuple[TagRow, ...]:
        """Return the rows that may be kept: tags for the tablet, with every consent they need."""
        known, given = self.tags.by_id, frozenset(granted)
        return tuple(
            row
            for row in rows
            if row.tag in known and known[row.tag].shown == "tablet" and known[row.tag].purposes <= given
        )

    def _opened(self, session: Session, row: PortraitRow) -> Kept | None:
        try:
            portrait = self._open(row.customer_id, "portrait", row.sealed, Portrait)
            shown = row.shown_sealed
            showings = self._open(row.customer_id, "shown", shown, tuple[Showing, ...]) if shown else ()
        except (SealBroken, msgspec.DecodeError):
            log.warning("portrait_unreadable", customer_id=row.customer_id)
            session.execute(delete(PortraitRow).where(PortraitRow.customer_id == row.customer_id))
            return None
        return Kept(portrait, showings)

    def _seal(self, customer_id: str, part: str, content: object) -> bytes:
        return self._keys.seal_record(f"{customer_id}/{part}", msgspec.msgpack.encode(content))

    def _open(self, customer_id: str, part: str, sealed: bytes, kind: type[_Sealed]) -> _Sealed:
        return msgspec.msgpack.decode(self._keys.open_record(f"{customer_id}/{part}", sealed), type=kind)


def _remembered(showing: Showing, today: date) -> bool:
    return showing.day >= today - timedelta(days=REMEMBERED_DAYS)


def _ends_ms(portrait: Portrait) -> int:
    """Return the end of the last day on which anything of it may be shown, UTC ms."""
    days = [
        *(row.expires_on for row in portrait.tags),
        *(row.expires_on for row in portrait.holdings),
        *(row.expires_on for row in portrait.timeline),
    ]
    return int(datetime.combine(max(days) + timedelta(days=1), clock.min, CHINA_TIME).timestamp() * 1000)
