"""Entries of the watch lists: one person proposes, another confirms, either may end one at once.

Ending takes one person, since it harms nobody: it stops a comparison. Key, template and subject go with it; who put
whom by which order on the list stays as history.
"""

import threading
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.cards import Cards
from province_server.enrolment import PhotoReader
from province_server.erasures import Erasure, Erasures
from province_server.feed import Notifier
from province_server.records import existing
from province_server.template_store import new_subject_id
from province_server.watch.feed import announce, cities_of, untold
from province_server.watch.keys import WatchKeys
from yingbin.errors import Conflict, InvalidInput, NotAllowed, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, StaffRow
from yingbin.storage.templates import WatchTemplateRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.staff import Role
from yingbin.trust.watch import WatchList

PROPOSED, IN_FORCE, REFUSED, REMOVED, LAPSED = "proposed", "in_force", "refused", "removed", "lapsed"
LONGEST_MS = 366 * 86_400_000
"""An order that is to hold longer is looked at again, by two people."""
PROPOSAL_MS = 72 * 3_600_000
"""A proposal that nobody confirms is forgotten after three days."""
SYSTEM = "system"
WATCH_EVERY_S = 60.0

log = get_logger()


class SecondPersonNeeded(NotAllowed):
    """Who proposed an entry may not confirm it (C13)."""

    code = "second_person_needed"


@dataclass(frozen=True, slots=True)
class Order:
    """The written order an entry rests on, and until when it holds (UTC ms)."""

    document_number: str
    issuer: str
    valid_until_ms: int


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the order is about: by name of the police; of overdue a customer, and the account manager who is told."""

    name: str
    customer_id: str | None = None
    told_staff_id: str | None = None


class WatchService:
    """The only writer of watch entries. `lock` is the vault's: one writer of the log of erasures at a time."""

    def __init__(
        self,
        identity: Database,
        templates: Database,
        keys: WatchKeys,
        cards: Cards,
        reader: PhotoReader,
        notifier: Notifier,
        erasures: Erasures,
        lock: threading.Lock,
    ) -> None:
        self._identity = identity
        self._templates = templates
        self._keys = keys
        self._cards = cards
        self._reader = reader
        self._notifier = notifier
        self._erasures = erasures
        self._lock = lock

    def debtor(self, customer_id: str, told_staff_id: str) -> Subject:
        """Return the subject of an overdue entry. Raises `InvalidInput`."""
        with self._identity.read() as session:
            staff = existing(session, StaffRow, told_staff_id, "member of staff")
            if staff.role != Role.ACCOUNT_MANAGER:
                raise InvalidInput(f"{told_staff_id} is not an account manager; overdue alerts go to nobody else")
            existing(session, CustomerRow, customer_id, "customer")
            customer = self._cards.customer(session, customer_id)
        return Subject(customer.surname + customer.honorific[0], customer_id, told_staff_id)

    def propose(self, watch_list: WatchList, order: Order, subject: Subject, photo: bytes, staff_id: str) -> str:
        """Return the id of a new entry, which does nothing until somebody else confirms it.

        Raises `InvalidInput`, `NotAnImage` or `EnrolmentRefused`.
        """
        self._check(order)
        entry_id, subject_id = new_id(), new_subject_id()
        acquired = self._reader.read(photo)
        key_sealed, vector_sealed = self._keys.seal_vector(watch_list, entry_id, acquired.vector)
        key_id = self._keys.domain(watch_list).key_id
        with self._templates.write() as session:
            session.add(
                WatchTemplateRow(
                    subject_id=subject_id, pack_id=self._reader.pack_id, key_id=key_id, vector_sealed=vector_sealed
                )
            )
        with self._identity.write() as session:
            session.add(
                WatchEntryRow(
                    entry_id=entry_id,
                    watch_list=watch_list,
                    state=PROPOSED,
                    document_number=order.document_number,
                    issuer=order.issuer,
                    valid_until_ms=order.valid_until_ms,
                    subject_sealed=self._keys.seal_subject(watch_list, entry_id, subject.name),
                    customer_id=subject.customer_id,
                    told_staff_id=subject.told_staff_id,
                    subject_id=subject_id,
                    key_sealed=key_sealed,
                    proposed_by=staff_id,
                    proposed_at_ms=now_ms(),
                )
            )
        log.info("watch_proposed", watch_list=watch_list, entry_id=entry_id, staff_id=staff_id)
        return entry_id

    def confirm(self, watch_list: WatchList, entry_id: str, staff_id: str) -> WatchEntryRow:
        """Bring an entry into force, everywhere it is for; return it.

        Raises `NotFound`, `Conflict` (decided already, or the order has ended) or `SecondPersonNeeded`.
        """
        with self._identity.write() as session:
            row = self._row(session, watch_list, entry_id)
            if row.state != PROPOSED:
                raise Conflict(f"this entry is {row.state}; only a proposed one can be confirmed")
            if staff_id == row.proposed_by:
                raise SecondPersonNeeded("you proposed this entry: somebody else of your role has to confirm it")
            if row.valid_until_ms <= now_ms():
                raise Conflict("the written order has ended; propose again with one that holds")
            row.state, row.confirmed_by, row.confirmed_at_ms = IN_FORCE, staff_id, now_ms()
            session.flush()
            cities = list(cities_of(session, row))
            announce(session, row, cities)
            session.refresh(row)
            session.expunge(row)
        self._wake(cities)
        log.info("watch_in_force", watch_list=watch_list, entry_id=entry_id, staff_id=staff_id)
        return row

    def end(self, watch_list: WatchList, entry_id: str, staff_id: str, reason: str) -> WatchEntryRow:
        """Refuse a proposal or remove an entry in force, at once; return it. Raises `NotFound`, `Conflict`."""
        with self._lock:
            with self._identity.write() as session:
                row = self._row(session, watch_list, entry_id)
                if row.state not in {PROPOSED, IN_FORCE}:
                    raise Conflict(f"this entry is {row.state} already")
                state = REFUSED if row.state == PROPOSED else REMOVED
                cities = self._end(session, row, state, staff_id, reason)
                session.refresh(row)
                session.expunge(row)
            self.purge()
        self._wake(cities)
        return row

    def end_again(self, entry_id: str, number: int) -> None:
        """Carry out number `number` of the log of erasures in a restored database. Raises `NotFound`."""
        with self._lock, self._identity.write() as session:
            row = session.get(WatchEntryRow, entry_id, with_for_update=True)
            if row is None or row.state not in {PROPOSED, IN_FORCE}:
                raise NotFound(f"there is no watch entry {entry_id} to end")
            self._end(session, row, REMOVED, SYSTEM, "ended before the backup was restored", number)
        self.purge()

    def customer_erased(self, session: Session, customer_id: str) -> None:
        """End the overdue entries of a customer whose record goes, in the caller's transaction, under `lock`."""
        live = (WatchEntryRow.customer_id == customer_id, WatchEntryRow.state.in_((PROPOSED, IN_FORCE)))
        for row in session.scalars(select(WatchEntryRow).where(*live)).all():
            self._wake(self._end(session, row, REMOVED, SYSTEM, "the customer's record was erased"))
        ended = select(WatchEntryRow).where(WatchEntryRow.customer_id == customer_id)
        for row in session.scalars(ended).all():
            row.customer_id = None

    def tidy(self) -> int:
        """End what has outlived its order or its time to be confirmed, tell new cities; return how many ended."""
        at_ms, woken, ended = now_ms(), set[str](), 0
        with self._lock:
            with self._identity.write() as session:
                live = select(WatchEntryRow).where(WatchEntryRow.state.in_((PROPOSED, IN_FORCE)))
                for row in session.scalars(live).all():
                    if row.valid_until_ms <= at_ms or (
                        row.state == PROPOSED and row.proposed_at_ms <= at_ms - PROPOSAL_MS
                    ):
                        woken.update(self._end(session, row, LAPSED, SYSTEM, "the time of the order or proposal is up"))
                        ended += 1
                    elif row.state == IN_FORCE and (cities := untold(session, row)):
                        announce(session, row, cities)
                        woken.update(cities)
            self.purge()
        self._wake(sorted(woken))
        return ended

    def job(self) -> None:
        """Tidy by the clock; what ends then is recorded as the job's doing."""
        with audit.acting("job:watch_lists"):
            self.tidy()

    def purge(self) -> None:
        """Delete the templates of entries that ended; unreadable already, since their keys are gone."""
        with self._identity.read() as session:
            ended = WatchEntryRow.state.in_((REFUSED, REMOVED, LAPSED))
            doomed = session.scalars(
                select(WatchEntryRow.subject_id).where(ended, WatchEntryRow.subject_id != "")
            ).all()
        if not doomed:
            return
        with self._templates.write() as session:
            session.execute(delete(WatchTemplateRow).where(WatchTemplateRow.subject_id.in_(doomed)))
        with self._identity.write() as session:
            for row in session.scalars(select(WatchEntryRow).where(WatchEntryRow.subject_id.in_(doomed))).all():
                row.subject_id = ""

    def page(self, watch_list: WatchList, state: str | None, after: str, limit: int) -> list[WatchEntryRow]:
        """Return entries by id, of one state if given."""
        found = select(WatchEntryRow).where(WatchEntryRow.watch_list == watch_list, WatchEntryRow.entry_id > after)
        if state is not None:
            found = found.where(WatchEntryRow.state == state)
        with self._identity.read() as session:
            return list(session.scalars(found.order_by(WatchEntryRow.entry_id).limit(limit)))

    def get(self, watch_list: WatchList, entry_id: str) -> WatchEntryRow:
        """Return an entry. Raises `NotFound`."""
        with self._identity.read() as session:
            return self._row(session, watch_list, entry_id)

    def subject(self, row: WatchEntryRow) -> str:
        """Return who an entry is about; empty once it has ended."""
        if not row.subject_sealed:
            return ""
        return self._keys.open_subject(WatchList(row.watch_list), row.entry_id, row.subject_sealed)

    def _end(
        self, session: Session, row: WatchEntryRow, state: str, staff_id: str, reason: str, number: int | None = None
    ) -> list[str]:
        """End an entry, log that no backup may bring it back; return the cities to wake."""
        cities = list(cities_of(session, row)) if row.state == IN_FORCE else []
        row.state, row.ended_by, row.ended_at_ms, row.end_reason = state, staff_id, now_ms(), reason
        row.key_sealed, row.subject_sealed = b"", b""
        session.flush()
        announce(session, row, cities)
        self._erasures.note(session, Erasure("", watch_entry_id=row.entry_id), number)
        log.info("watch_ended", watch_list=row.watch_list, entry_id=row.entry_id, state=state, staff_id=staff_id)
        return cities

    @staticmethod
    def _row(session: Session, watch_list: WatchList, entry_id: str) -> WatchEntryRow:
        row = session.get(WatchEntryRow, entry_id, with_for_update=True)
        if row is None or row.watch_list != watch_list:
            raise NotFound(f"there is no entry {entry_id} in the list {watch_list}")
        return row

    @staticmethod
    def _check(order: Order) -> None:
        left_ms = order.valid_until_ms - now_ms()
        if left_ms <= 0:
            raise InvalidInput("`valid_until_ms` is past: the order no longer holds")
        if left_ms > LONGEST_MS:
            raise InvalidInput("`valid_until_ms` is more than 366 days away: propose again when the order is renewed")

    def _wake(self, cities: list[str]) -> None:
        for city_id in cities:
            self._notifier.wake(city_id)
