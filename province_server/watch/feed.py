"""Which city is told of which entry, and what the feed then says. Only what is in force today goes anywhere."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import city_of
from province_server.feed import publish
from province_server.watch.keys import WatchKeys
from yingbin import feed_wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import Domain
from yingbin.ids import now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import City, FeedRow, StaffRow
from yingbin.storage.templates import WatchTemplateRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.watch import WatchList


def branch_of(session: Session, row: WatchEntryRow) -> str:
    """Return the branch an entry is about: that of the one who is told, if one is named; empty for all."""
    staff = session.get(StaffRow, row.told_staff_id) if row.told_staff_id else None
    return (staff.branch_id or "") if staff else ""


def cities_of(session: Session, row: WatchEntryRow) -> Sequence[str]:
    """Return the cities an entry is for."""
    branch_id = branch_of(session, row)
    return [city_of(session, branch_id)] if branch_id else session.scalars(select(City.city_id)).all()


def announce(session: Session, row: WatchEntryRow, cities: Sequence[str]) -> None:
    """Have an entry, begun or ended, told to these cities, in the caller's transaction."""
    for city_id in sorted(cities):
        if not _told(session, city_id, FeedKind.WATCH_MAP, row.watch_list):
            publish(session, city_id, FeedKind.WATCH_MAP, row.watch_list)
        publish(session, city_id, FeedKind.WATCH_ENTRY, row.entry_id)


def untold(session: Session, row: WatchEntryRow) -> list[str]:
    """Return the cities an entry is for that never heard of it: registered since it came into force."""
    return [city for city in cities_of(session, row) if not _told(session, city, FeedKind.WATCH_ENTRY, row.entry_id)]


def _told(session: Session, city_id: str, kind: FeedKind, key: str) -> bool:
    of_key = (FeedRow.city_id == city_id, FeedRow.kind == kind, FeedRow.key == key)
    return session.scalars(select(FeedRow.revision).where(*of_key)).first() is not None


class WatchFeed:
    """What the feed says of maps and entries, as of now."""

    def __init__(self, templates: Database, keys: WatchKeys, pack_id: str) -> None:
        self._templates = templates
        self._keys = keys
        self._pack_id = pack_id

    def maps(self, city_id: str, city: Domain, keys: Sequence[str]) -> dict[str, msgspec.Struct]:
        """Return the maps into the lists named by `keys`."""
        return {key: feed_wire.WatchMap(key, self._keys.to_city(WatchList(key), city_id, city)) for key in keys}

    def entries(self, session: Session, city_id: str, keys: Sequence[str]) -> dict[str, msgspec.Struct]:
        """Return the entries among `keys` that are in force and for this city; the rest it is to forget."""
        in_force = (WatchEntryRow.state == "in_force", WatchEntryRow.valid_until_ms > now_ms())
        rows = session.scalars(select(WatchEntryRow).where(WatchEntryRow.entry_id.in_(keys), *in_force)).all()
        rows = [row for row in rows if city_id in cities_of(session, row)]
        with self._templates.read() as templates:
            found = templates.scalars(
                select(WatchTemplateRow).where(
                    WatchTemplateRow.subject_id.in_([row.subject_id for row in rows]),
                    WatchTemplateRow.pack_id == self._pack_id,
                )
            )
            sealed = {one.subject_id: one.vector_sealed for one in found}
        return {
            row.entry_id: self._entry(session, row, city_id, sealed[row.subject_id])
            for row in rows
            if row.subject_id in sealed
        }

    def _entry(self, session: Session, row: WatchEntryRow, city_id: str, sealed: bytes) -> feed_wire.WatchEntry:
        watch_list = WatchList(row.watch_list)
        return feed_wire.WatchEntry(
            row.entry_id,
            watch_list,
            row.document_number,
            row.valid_until_ms,
            self._keys.open_subject(watch_list, row.entry_id, row.subject_sealed),
            self._pack_id,
            self._keys.vector_at_city(watch_list, row.entry_id, city_id, row.key_sealed, sealed),
            row.told_staff_id or "",
            branch_of(session, row),
        )
