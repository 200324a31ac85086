"""The chain of one writer in its database: appended in the transaction of what it records, read, anchored, cut.

Whatever process writes, the row of `audit_heads` is its lock, taken as the last step before the commit and held until
then: so the chain never forks, and nothing else waits under that lock.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, and_, delete, func, insert, not_, select, update
from sqlalchemy.orm import Session

from yingbin.errors import InvalidInput
from yingbin.ids import now_ms
from yingbin.storage.audit import AuditTables
from yingbin.trust.audit.check import Checker, Fault, contradictions
from yingbin.trust.audit.record import (
    GENESIS,
    Entry,
    Head,
    Pseudonyms,
    Record,
    SignedHead,
    head_of,
    is_signed,
    link,
    sign,
)
from yingbin.trust.audit.restored import ACTION, Gap, gap_of
from yingbin.trust.devices import DeviceKey

_LEDGER: Final = "yingbin_audit"
_PAGE: Final = 2000
RETENTION_DAYS: Final = 3650
"""How long a record is kept, unless somebody sets another limit (C18)."""
LEAST_RETENTION_DAYS: Final = 1827
"""Five years with two leap days; no limit may be shorter."""


class Ledger:
    """Writes and reads one writer's chain. As `Database.recorder` it appends what `note` left in a session."""

    def __init__(self, writer: str, key: DeviceKey, pseudonyms: Pseudonyms, tables: AuditTables) -> None:
        self.writer = writer
        self.key = key
        self.pseudonyms = pseudonyms
        self.tables = tables

    def opened(self, session: Session) -> None:
        """Let `note` work in a session."""
        session.info[_LEDGER] = []

    def closing(self, session: Session) -> None:
        """Append what was noted, as the last step before the commit."""
        self.append(session, session.info[_LEDGER])

    def append(self, session: Session, entries: Sequence[Entry]) -> None:
        """Append entries to the chain; the caller commits."""
        if not entries:
            return
        session.flush()
        head, links = self._locked_head(session), []
        for entry in entries:
            record = link(entry, self.pseudonyms, head, now_ms())
            head = head_of(record)
            links.append({**msgspec.structs.asdict(record), "hash": head.hash})
        session.execute(insert(self.tables.records), links)
        heads = self.tables.heads
        session.execute(
            update(heads).where(heads.c.writer == self.writer).values(seq=head.seq, hash=head.hash, at_ms=head.at_ms)
        )

    def head(self, session: Session) -> Head:
        """Return the end of the chain; `seq` 0 before the first record."""
        row = session.execute(select(self.tables.heads).where(self.tables.heads.c.writer == self.writer)).one_or_none()
        return Head(*row) if row else Head(self.writer, 0, GENESIS, 0)

    def records(self, session: Session, after: int = 0, up_to: int | None = None) -> Iterator[tuple[Record, bytes]]:
        """Yield the records after a number, in order, each with the hash stored beside it; none that a cut gave up."""
        table, after = self.tables.records, max(after, self._given_up(session))
        while True:
            page = select(table).where(table.c.writer == self.writer, table.c.seq > after).order_by(table.c.seq)
            if up_to is not None:
                page = page.where(table.c.seq <= up_to)
            rows = session.execute(page.limit(_PAGE)).all()
            yield from (as_record(row) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1].seq

    def range(self, session: Session, from_ms: int, to_ms: int | None) -> tuple[int, int]:
        """Return the numbers of the first and the last record of a time; (1, 0) when there is none."""
        table = self.tables.records
        own = (table.c.writer == self.writer, table.c.seq > self._given_up(session))
        within = [*own, table.c.at_ms >= from_ms]
        if to_ms is not None:
            within.append(table.c.at_ms < to_ms)
        first, last = session.execute(select(func.min(table.c.seq), func.max(table.c.seq)).where(*within)).one()
        return first or 1, last or 0

    def checker(self, session: Session, anchors: Iterable[SignedHead] = ()) -> Checker:
        """Return a checker of this chain that has its newest cut, what the other tier sent back, and `anchors`."""
        mine = (anchor for anchor in anchors if anchor.head.writer == self.writer)
        known = [*self.anchors(session, self.writer), *mine]
        return Checker(self.writer, self.key.public_bytes, known, self.checkpoint(session))

    def checkpoint(self, session: Session) -> SignedHead | None:
        """Return the newest retention cut."""
        table = self.tables.checkpoints
        newest = select(table).where(table.c.writer == self.writer).order_by(table.c.seq.desc()).limit(1)
        row = session.execute(newest).one_or_none()
        return _signed(row) if row else None

    def past(self, session: Session, before_ms: int) -> int:
        """Return how many records `cut` would remove now."""
        table = self.tables.records
        last = self._last_past(session, before_ms, self.head(session))
        own = (table.c.writer == self.writer, table.c.seq <= last)
        return session.scalar(select(func.count()).select_from(table).where(*own)) or 0

    def cut(self, session: Session, before_ms: int) -> None:
        """Give up the records from before an instant: a signed checkpoint, and a record of it. `sweep` removes them.

        The newest record always stays. For the retention job (C18).
        """
        table, head = self.tables.records, self._locked_head(session)
        own, last = table.c.writer == self.writer, self._last_past(session, before_ms, head)
        row = session.execute(select(table).where(own, table.c.seq == last)).one_or_none()
        before = self.checkpoint(session)
        if row is None or (before is not None and before.head.seq >= last):
            return
        made = sign(head_of(as_record(row)[0]), self.key)
        values = {**msgspec.structs.asdict(made.head), "signature": made.signature}
        session.execute(insert(self.tables.checkpoints), [values])
        gone = session.scalar(select(func.count()).select_from(table).where(own, table.c.seq <= last)) or 0
        note(session, Entry("job:retention", "system", "audit_cut", details={"up_to": last, "records": gone}))

    def sweep(self, session: Session, at_most: int) -> int:
        """Remove the oldest records that a cut gave up, `at_most` of them; return how many.

        To be repeated until there are none, each time in a transaction of its own: writers wait for each no longer than
        for any other. Whatever a crash leaves goes the next time; nothing that verifies looks at it.
        """
        table, cut = self.tables.records, self.checkpoint(session)
        if cut is None:
            return 0
        given_up = (table.c.writer == self.writer, table.c.seq <= cut.head.seq)
        some = select(table.c.seq).where(*given_up).order_by(table.c.seq).limit(at_most)
        last = session.scalar(select(func.max(some.subquery().c.seq)))
        if last is None:
            return 0
        gone = session.execute(delete(table).where(*given_up, table.c.seq <= last)).rowcount  # type: ignore[attr-defined]
        return int(gone)

    # --- anchors

    def anchors(self, session: Session, writer: str) -> list[SignedHead]:
        """Return the heads of `writer` that are kept here, by number."""
        table = self.tables.anchors
        return [
            _signed(row) for row in session.execute(select(table).where(table.c.writer == writer).order_by(table.c.seq))
        ]

    def foreign_anchors(self, session: Session) -> list[SignedHead]:
        """Return the heads of all other writers that are kept here."""
        table = self.tables.anchors
        others = select(table).where(table.c.writer != self.writer).order_by(table.c.writer, table.c.seq)
        return [_signed(row) for row in session.execute(others)]

    def check_foreign(self, session: Session) -> list[Checker]:
        """Return a checker with a fault for each other writer who forked his chain, or whose records are here."""
        table = self.tables.records
        intruders = select(table.c.writer).where(table.c.writer != self.writer).distinct()
        anchors = self.foreign_anchors(session)
        gaps = [gap for writer in {one.head.writer for one in anchors} for gap in self.gaps(session, writer)]
        faults = [
            *(Fault(writer, 0, "its records do not belong in this store") for writer in session.scalars(intruders)),
            *contradictions(anchors, gaps),
        ]
        return [Checker.broken(fault) for fault in faults]

    def newest_anchor(self, session: Session, writer: str) -> SignedHead | None:
        """Return the head of `writer` with the highest number of those kept here."""
        table = self.tables.anchors
        newest = select(table).where(table.c.writer == writer).order_by(table.c.seq.desc(), table.c.received_at_ms)
        row = session.execute(newest.limit(1)).one_or_none()
        return _signed(row) if row else None

    def last_heard(self, session: Session, writer: str) -> tuple[int, int]:
        """Return number and arrival (UTC ms) of the newest head of `writer` kept here; zeros without one."""
        table = self.tables.anchors
        newest = select(table.c.seq, table.c.received_at_ms).where(table.c.writer == writer)
        row = session.execute(newest.order_by(table.c.seq.desc()).limit(1)).one_or_none()
        return (row[0], row[1]) if row else (0, 0)

    def known_key(self, session: Session, writer: str) -> bytes | None:
        """Return the public key that the first anchor of `writer` came with."""
        table = self.tables.anchors
        first = select(table.c.public_key).where(table.c.writer == writer).order_by(table.c.received_at_ms).limit(1)
        return session.scalar(first)

    def keep_anchor(self, session: Session, signed: SignedHead, public_key: bytes) -> None:
        """Keep a head for good, unless it is here. Raises `InvalidInput` when it is not signed with that key."""
        if not is_signed(signed, public_key):
            raise InvalidInput("the head of the audit trail is not signed with the key it should be")
        head, table = signed.head, self.tables.anchors
        same = (table.c.writer == head.writer, table.c.seq == head.seq, table.c.hash == head.hash)
        if session.execute(select(table.c.seq).where(*same)).one_or_none() is None:
            values = msgspec.structs.asdict(head)
            values |= {"signature": signed.signature, "public_key": public_key, "received_at_ms": now_ms()}
            session.execute(insert(table), [values])

    def went_back(self, session: Session, signed: SignedHead, received_before_ms: int) -> str:
        """Return in what another writer's head contradicts those kept here; empty: in nothing.

        A lower number counts only against what came before an instant: two instances of a city may overtake each other.
        """
        head, table = signed.head, self.tables.anchors
        own = [table.c.writer == head.writer]
        for gap in self.gaps(session, head.writer):
            lost = and_(table.c.seq.between(gap.first, gap.last), table.c.at_ms <= gap.until_ms)
            own.append(not_(lost))
        other = select(table.c.seq).where(*own, table.c.seq == head.seq, table.c.hash != head.hash)
        if session.execute(other.limit(1)).one_or_none() is not None:
            return f"record {head.seq} is another one than before: the chain was written anew"
        before = session.scalar(select(func.max(table.c.seq)).where(*own, table.c.received_at_ms < received_before_ms))
        if before is not None and before > head.seq:
            return f"it ends with record {head.seq}, but had record {before} before: the chain was truncated"
        return ""

    def contradicts(self, session: Session, signed: SignedHead) -> str:
        """Return in what this chain differs from an earlier head of its own, kept at the other tier; empty: nothing."""
        head, table = signed.head, self.tables.records
        if not is_signed(signed, self.key.public_bytes):
            return "the other tier keeps a head that this key has not signed: the key was replaced, or somebody lies"
        cut = self.checkpoint(session)
        if head.seq == 0 or (cut is not None and head.seq < cut.head.seq):
            return ""
        if any(gap.covers(head) for gap in self.gaps(session, self.writer)):
            return ""
        here = cut.head.hash if cut and cut.head.seq == head.seq else None
        row = session.execute(select(table).where(table.c.writer == self.writer, table.c.seq == head.seq)).one_or_none()
        here = as_record(row)[0].hash if row else here
        if here is None:
            return f"record {head.seq} is missing, which the other tier was told of: the chain was truncated"
        return "" if here == head.hash else f"record {head.seq} is not the one that the other tier was told of"

    # --- a restored backup

    def gaps(self, session: Session, writer: str) -> list[Gap]:
        """Return what is recorded here as lost by a restore of `writer`'s chain, as he has signed it."""
        table = self.tables.records
        told = select(table).where(table.c.writer == self.writer, table.c.action == ACTION).order_by(table.c.seq)
        rows = session.execute(told).all()
        public_key = self.key.public_bytes if writer == self.writer else self.known_key(session, writer)
        found = (gap_of(as_record(row)[0], public_key) for row in rows) if public_key else ()
        return [gap for gap in found if gap is not None and gap.writer == writer]

    def _given_up(self, session: Session) -> int:
        """Return the number up to which cuts gave records up; `sweep` may have left some of them."""
        cut = self.checkpoint(session)
        return cut.head.seq if cut else 0

    def _last_past(self, session: Session, before_ms: int, head: Head) -> int:
        """Return the number of the last record from before an instant, the newest left out; it may be cut already."""
        table = self.tables.records
        kept = select(table.c.seq).where(table.c.writer == self.writer, table.c.at_ms >= before_ms)
        return min(session.scalar(kept.order_by(table.c.seq).limit(1)) or head.seq, head.seq) - 1

    def _locked_head(self, session: Session) -> Head:
        heads = self.tables.heads
        mine = select(heads).where(heads.c.writer == self.writer).with_for_update()
        row = session.execute(mine).one_or_none()
        if row is None:
            session.execute(insert(heads), [{"writer": self.writer, "seq": 0, "hash": GENESIS, "at_ms": 0}])
            return Head(self.writer, 0, GENESIS, 0)
        return Head(*row)


def note(session: Session, entry: Entry) -> None:
    """Have `entry` appended with what this session changes, in its transaction.

    Raises `RuntimeError` in a session of `Database.read`, or of a database that keeps no trail: nothing may change.
    """
    noted: list[Entry] | None = session.info.get(_LEDGER)
    if noted is None:
        raise RuntimeError("this session keeps no audit trail; use `Database.write` of a database with a recorder")
    noted.append(entry)


def as_record(row: Row[Any]) -> tuple[Record, bytes]:
    """Return the record of a row of `audit_records`, and the hash stored with it: its columns are the fields."""
    values: Sequence[Any] = row
    return Record(*values[:-1]), values[-1]


def _signed(row: Row[Any]) -> SignedHead:
    return SignedHead(Head(row.writer, row.seq, row.hash, row.at_ms), row.signature)
