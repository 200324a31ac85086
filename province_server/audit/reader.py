"""The auditor's view of the trail: pages of records, and a check that goes on a piece with every look."""

import threading
from typing import Annotated, Any, Final

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from yingbin.errors import InvalidInput
from yingbin.storage.database import Database
from yingbin.storage.province import City
from yingbin.trust.audit.check import Checker
from yingbin.trust.audit.exchange import Anchoring
from yingbin.trust.audit.ledger import Ledger, as_record

_PIECE: Final = 20_000
"""Records a look checks: about a quarter of a second."""
_LAST_MS: Final = 2**53
_Text = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")]


class Sought(BaseModel):
    """Which records are wanted; what is left out does not matter.

    `actor_id`, `object_id`: real ids, for which the pseudonym is looked up, or pseudonyms as the records show them.
    """

    model_config = ConfigDict(frozen=True)

    actor_kind: _Text = ""
    actor_id: _Text = ""
    action: _Text = ""
    object_kind: _Text = ""
    object_id: _Text = ""
    outcome: _Text = ""
    since_ms: Annotated[int, Query(ge=0, le=_LAST_MS, description="UTC ms, included")] = 0
    until_ms: Annotated[int, Query(ge=0, le=_LAST_MS, description="UTC ms, not included")] = _LAST_MS


class AuditReader:
    """Reads the province's chain, and knows which city's heads are due."""

    def __init__(self, database: Database, ledger: Ledger, anchoring: Anchoring) -> None:
        self._anchoring = anchoring
        self._database = database
        self._ledger = ledger
        self._lock = threading.Lock()
        self._checker: Checker | None = None
        self._gaps = 0

    def page(self, sought: Sought, after: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest records before number `after` that are sought. Raises `InvalidInput`."""
        table, pseudonyms = self._ledger.tables.records, self._ledger.pseudonyms
        found = select(table).where(table.c.writer == self._ledger.writer)
        if after:
            if not after.isdecimal():
                raise InvalidInput("`after` is the `next` of the page before")
            found = found.where(table.c.seq < min(int(after), _LAST_MS))
        for name in ("actor_kind", "action", "object_kind", "outcome"):
            if value := getattr(sought, name):
                found = found.where(table.c[name] == value)
        for kind, column, value in (
            (sought.actor_kind or "staff", table.c.actor_id, sought.actor_id),
            (sought.object_kind or "customer", table.c.object_id, sought.object_id),
        ):
            if value:
                found = found.where(column.in_((value, pseudonyms.of(kind, value))))
        if sought.since_ms or sought.until_ms < _LAST_MS:
            found = found.where(table.c.at_ms >= sought.since_ms, table.c.at_ms < sought.until_ms)
        with self._database.read() as session:
            rows = session.execute(found.order_by(table.c.seq.desc()).limit(limit)).all()
        lines = []
        for record, stored in map(as_record, rows):
            line = msgspec.structs.asdict(record)
            line |= {"prev_hash": record.prev_hash.hex(), "hash": stored.hex()}
            line["details"] = msgspec.json.decode(record.details)
            lines.append(line)
        return lines

    def status(self, *, restart: bool) -> dict[str, Any]:
        """Check the chain a piece further; return how it stands.

        From the beginning with `restart`, and after a fault once another loss by a restore is acknowledged.
        """
        ledger = self._ledger
        with self._lock, self._database.read() as session:
            gaps = len(ledger.gaps(session, ledger.writer))
            if self._checker is None or restart or (self._checker.fault is not None and gaps != self._gaps):
                self._checker, self._gaps = ledger.checker(session), gaps
            checker, head = self._checker, ledger.head(session)
            end = min(checker.last.seq + _PIECE, head.seq)
            fault = checker.follow(ledger.records(session, checker.last.seq, end))
            if end == head.seq:
                fault = checker.finish(head)
            others = self._cities(session)
            own = ledger.newest_anchor(session, ledger.writer)
            wrong = ledger.contradicts(session, own) if own else ""
            late = self._anchoring.watch(others)
            anchors = [
                {"writer": writer, "seq": kept[0], "received_at_ms": kept[1], "late": writer in late}
                for writer in others
                for kept in (ledger.last_heard(session, writer),)
            ]
        return {
            "writer": ledger.writer,
            "records": head.seq,
            "checked_up_to": checker.last.seq,
            "complete": fault is not None or checker.last.seq == head.seq,
            "fault": str(fault) if fault else wrong,
            "acknowledged": [str(gap) for gap in checker.gaps],
            "fault_seq": fault.seq if fault else own.head.seq if own and wrong else 0,
            "anchored_up_to": own.head.seq if own and not wrong else 0,
            "public_key": ledger.key.public_bytes.hex(),
            "anchors": anchors,
        }

    def watch(self) -> None:
        """Warn of cities that have been silent for too long. A chore."""
        with self._database.read() as session:
            others = self._cities(session)
        self._anchoring.watch(others)

    def _cities(self, session: Session) -> list[str]:
        return list(session.scalars(select(City.city_id).order_by(City.city_id)))
