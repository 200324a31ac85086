"""Versions of the catalogue: drafts that people write, as text or entry by entry, and what is wrong with them."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.catalogues.in_force import IN_FORCE, InForce
from province_server.records import insert
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.offers.catalogue import Catalogue, parse_catalogue
from yingbin.offers.catalogue_diff import Change, Notice, catalogue_changes, notices, plain
from yingbin.offers.catalogue_edit import KEYS, Table, with_entry, without_entry
from yingbin.offers.faults import BadCatalogue, Fault
from yingbin.offers.profile import china_today
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow
from yingbin.storage.database import Database

DRAFT, CHECKED, RELEASED, DISCARDED = "draft", "checked", "released", "discarded"
NAME: Final = "catalogue"
"""What a version is called in the messages about its lines."""

log = get_logger()


class EditedMeanwhile(Conflict):
    """Somebody else changed the draft since the caller read it; nothing was overwritten."""

    code = "edited_meanwhile"


class CatalogueVersions:
    """Keeps the versions; the only writer of their text."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._in_force = in_force

    def page(self, after: str, limit: int) -> list[CatalogueRow]:
        """Return versions by id, which is by age."""
        found = select(CatalogueRow).where(CatalogueRow.catalogue_id > after)
        with self._database.read() as session:
            return list(session.scalars(found.order_by(CatalogueRow.catalogue_id).limit(limit)))

    def get(self, catalogue_id: str) -> CatalogueRow:
        """Return a version. Raises `NotFound`."""
        with self._database.read() as session:
            return existing(session, catalogue_id)

    def in_force(self) -> str:
        """Return the id of the version in force."""
        with self._database.read() as session:
            return in_force_row(session).catalogue_id

    def draft(self, staff_id: str, based_on: str | None) -> CatalogueRow:
        """Return a new draft, a copy of a version or of what is in force. Raises `NotFound`, `Conflict`."""
        with insert(self._database, "another draft was begun at this moment; try again") as session:
            source = existing(session, based_on) if based_on else in_force_row(session)
            return _left(session, add(session, source.text, DRAFT, [staff_id], source.number))

    def write(self, catalogue_id: str, revision: int, text: str, staff_id: str) -> CatalogueRow:
        """Replace the text of a draft that is still at `revision`; it has to be checked again.

        Sent again after a lost answer it changes nothing. Raises `NotFound`, `Conflict`, `EditedMeanwhile`.
        """
        with self._database.write() as session:
            row = existing(session, catalogue_id, lock=True)
            if row.state not in {DRAFT, CHECKED}:
                raise Conflict(f"this version is {row.state}, its text does not change any more: begin a new draft")
            if (row.revision, row.text, row.changed_by) == (revision + 1, text, staff_id):
                return _left(session, row)
            if row.revision != revision:
                raise EditedMeanwhile(
                    f"{row.changed_by} changed this draft meanwhile (revision {row.revision}, yours is {revision}): "
                    "load it again and repeat your change"
                )
            row.text, row.revision = text, revision + 1
            row.state, row.label, row.digest = DRAFT, "", ""
            row.authors = sorted({*row.authors, staff_id})
            row.changed_by, row.changed_at_ms = staff_id, now_ms()
            return _left(session, row)

    def put_entry(
        self, catalogue_id: str, revision: int, table: Table, name: str, entry: Mapping[str, Any], staff_id: str
    ) -> CatalogueRow:
        """Write one entry into the text of a draft. Raises as `write`, and `InvalidInput` when the entry is wrong."""
        text, wrong = self.try_entry(catalogue_id, table, name, entry)
        if wrong:
            raise InvalidInput("; ".join(f"{fault.field or fault.who}: {fault.message}" for fault in wrong))
        return self.write(catalogue_id, revision, text, staff_id)

    def remove_entry(self, catalogue_id: str, revision: int, table: Table, name: str, staff_id: str) -> CatalogueRow:
        """Take one entry out of the text of a draft. Raises as `write`."""
        return self.write(catalogue_id, revision, without_entry(self.get(catalogue_id).text, table, name), staff_id)

    def try_entry(
        self, catalogue_id: str, table: Table, name: str, entry: Mapping[str, Any]
    ) -> tuple[str, tuple[Fault, ...]]:
        """Return the text with an entry in it, and what would be wrong with that entry. Raises `InvalidInput`."""
        text = with_entry(self.get(catalogue_id).text, table, name, entry)
        new_name = str(entry.get(KEYS[table], ""))
        return text, tuple(fault for fault in faults_of(text) if (fault.table, fault.name) == (table, new_name))

    def check(self, catalogue_id: str) -> tuple[tuple[Fault, ...], tuple[Notice, ...]]:
        """Return what is wrong, nothing when it may be released, and what to look at. A draft becomes checked.

        Raises `NotFound`, `Conflict` (discarded).
        """
        with self._database.write() as session:
            row = existing(session, catalogue_id, lock=True)
            if row.state == DISCARDED:
                raise Conflict("this draft was discarded; begin a new one")
            try:
                catalogue = parse_catalogue(row.text, NAME)
            except BadCatalogue as error:
                return error.faults, ()
            if row.state == DRAFT:
                row.state, row.label, row.digest = CHECKED, catalogue.version, catalogue.digest
            try:
                current = self._in_force(session)
            except BadCatalogue:  # no reason not to put a good one in its place
                return (), ()
            return (), notices(current, catalogue, china_today())

    def discard(self, catalogue_id: str) -> None:
        """Give a draft up; it stays in the list. Raises `NotFound`, `Conflict`."""
        with self._database.write() as session:
            row = existing(session, catalogue_id, lock=True)
            if row.state == RELEASED:
                raise Conflict("this version was released and stays as history")
            row.state = DISCARDED

    def changes(self, catalogue_id: str, against: str | None) -> tuple[int, tuple[Change, ...]]:
        """Return the number of the version compared with (what is in force, if none is named) and what differs.

        Raises `NotFound`, `InvalidInput` for a text with mistakes.
        """
        with self._database.read() as session:
            new = existing(session, catalogue_id)
            old = existing(session, against) if against else in_force_row(session)
        for row in (old, new):
            usable(row)
        return old.number, catalogue_changes(old.text, new.text)


def add(session: Session, text: str, state: str, authors: Sequence[str], based_on: int | None) -> CatalogueRow:
    """Add a version in the caller's transaction; two at once collide in their number."""
    last = session.scalars(select(func.max(CatalogueRow.number))).one()
    row = CatalogueRow(
        catalogue_id=new_id(), number=(last or 0) + 1, state=state, text=text, revision=1, based_on=based_on,
        authors=list(authors), changed_by=authors[0], changed_at_ms=now_ms(), label="", digest="",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def existing(session: Session, catalogue_id: str, *, lock: bool = False) -> CatalogueRow:
    """Return a version. Raises `NotFound`."""
    row = session.get(CatalogueRow, catalogue_id, with_for_update=lock or None)
    if row is None:
        raise NotFound(f"there is no catalogue {catalogue_id}")
    return row


def in_force_row(session: Session) -> CatalogueRow:
    """Return the version in force."""
    released = select(CatalogueReleaseRow.catalogue_id).where(CatalogueReleaseRow.state == IN_FORCE)
    return session.get_one(CatalogueRow, session.scalars(released).one())


def faults_of(text: str) -> tuple[Fault, ...]:
    """Return what is wrong with a text."""
    try:
        parse_catalogue(text, NAME)
    except BadCatalogue as error:
        return error.faults
    return ()


def usable(row: CatalogueRow) -> Catalogue:
    """Return a version compiled. Raises `InvalidInput` naming every mistake."""
    try:
        return parse_catalogue(row.text, f"{NAME} {row.number}")
    except BadCatalogue as error:
        raise InvalidInput(error.message) from error


def said(text: str) -> dict[str, Any] | None:
    """Return what the TOML says as JSON takes it, None when it is no TOML."""
    try:
        parsed: dict[str, Any] = plain(tomllib.loads(text))
    except (ValueError, RecursionError):
        return None
    return parsed


def _left(session: Session, row: CatalogueRow) -> CatalogueRow:
    """Return a row as it will be committed, for use after the session."""
    session.flush()
    session.refresh(row)
    session.expunge(row)
    return row
