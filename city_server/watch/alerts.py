"""Alerts of watch lists: raised in the transaction of the look, read and acknowledged by those who may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server.memory import Memory
from city_server.watch.seals import ListSeals
from yingbin.errors import NotFound
from yingbin.feed_wire import Staff
from yingbin.ids import new_id
from yingbin.log import get_logger
from yingbin.pad_wire import Sighting
from yingbin.storage.city import WatchAlertRow
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import Entry
from yingbin.trust.watch import RINGS, TOLD, WatchList

log = get_logger()
_AT_ONCE: Final = 200
_SHOWN_MS: Final = 12 * 3_600_000


class Detail(msgspec.Struct, frozen=True):
    """Who it is and by which order; kept sealed, shown to who opens the alert."""

    subject: str
    document_number: str


@dataclass(frozen=True, slots=True)
class Times:
    """Of alerts, ms: one entry is told again at a branch after `again`, no look older than `horizon` tells anybody."""

    again_ms: int
    horizon_ms: int
    retention_ms: int


class WatchAlerts:
    """Writes and reads alerts, in the caller's transactions. `webhook`: whether police alerts also go out by HTTP."""

    def __init__(self, seals: ListSeals, times: Times, *, webhook: bool) -> None:
        self._seals = seals
        self._times = times
        self._webhook = webhook

    def note(
        self, session: Session, entry_ids: Sequence[str], branch_id: str, seen: Sighting, memory: Memory, at_ms: int
    ) -> bool:
        """Record that these entries were seen; return whether anything changed. One that has ended is left out."""
        known = (memory.watch.entries.get(entry_id) for entry_id in entry_ids)
        told = [entry for entry in known if entry is not None and at_ms < entry.valid_until_ms]
        if not told or at_ms - seen.seen_at_ms > self._times.horizon_ms:
            return False
        for entry in told:
            lately = (
                WatchAlertRow.entry_id == entry.entry_id,
                WatchAlertRow.branch_id == branch_id,
                WatchAlertRow.last_seen_at_ms > seen.seen_at_ms - self._times.again_ms,
            )
            row = session.scalars(select(WatchAlertRow).where(*lately).with_for_update().limit(1)).first()
            if row is not None:
                row.last_seen_at_ms, row.camera_id = max(row.last_seen_at_ms, seen.seen_at_ms), seen.camera_id
                continue
            alert_id = new_id()
            detail = Detail(entry.subject, entry.document_number)
            session.add(
                WatchAlertRow(
                    alert_id=alert_id,
                    watch_list=entry.watch_list,
                    entry_id=entry.entry_id,
                    branch_id=branch_id,
                    camera_id=seen.camera_id,
                    told_staff_id=entry.told_staff_id,
                    raised_at_ms=at_ms,
                    last_seen_at_ms=seen.seen_at_ms,
                    webhook_due_at_ms=at_ms if self._webhook and entry.watch_list == WatchList.POLICE else None,
                    sealed=self._seals.of(entry.watch_list).seal(
                        msgspec.msgpack.encode(detail), f"watch_alerts/{alert_id}"
                    ),
                )
            )
            self._record(session, f"camera:{seen.camera_id}", "camera", "watch_alert", entry.entry_id)
            log.warning("watch_alert", alert_id=alert_id, watch_list=entry.watch_list, branch_id=branch_id)
        session.flush()
        return True

    def of(self, session: Session, who: Staff, at_ms: int) -> list[WatchAlertRow]:
        """Return this person's alerts: those nobody has acknowledged, and the rest of the last 12 h; newest first."""
        rows = session.scalars(
            select(WatchAlertRow)
            .where(
                WatchAlertRow.branch_id == who.branch_id,
                (WatchAlertRow.acknowledged_at_ms.is_(None)) | (WatchAlertRow.raised_at_ms > at_ms - _SHOWN_MS),
            )
            .order_by(WatchAlertRow.alert_id.desc())
            .limit(_AT_ONCE)
        )
        return [row for row in rows if may_know(row, who)]

    def opened(self, session: Session, alert_id: str, who: Staff) -> tuple[WatchAlertRow, Detail]:
        """Return an alert with who it is, and record that he looked. Raises `NotFound`, also for somebody else's."""
        row = self._mine(session, alert_id, who)
        self._record(session, f"staff:{who.staff_id}", who.role, "watch_alert_opened", row.entry_id)
        raw = self._seals.of(row.watch_list).open(row.sealed, f"watch_alerts/{alert_id}")
        return row, msgspec.msgpack.decode(raw, type=Detail)

    def acknowledge(self, session: Session, alert_id: str, who: Staff, at_ms: int) -> None:
        """Note who has taken it: it rings no more. The first stays. Raises `NotFound`."""
        row = self._mine(session, alert_id, who)
        if row.acknowledged_at_ms is None:
            row.acknowledged_at_ms, row.acknowledged_by, row.webhook_due_at_ms = at_ms, who.staff_id, None
            self._record(session, f"staff:{who.staff_id}", who.role, "watch_alert_acknowledged", row.entry_id)
            log.info("watch_alert_acknowledged", alert_id=alert_id, staff_id=who.staff_id)

    def forget(self, session: Session, at_ms: int) -> None:
        """Delete what is past its limit (C18)."""
        limit_ms = at_ms - self._times.retention_ms
        session.execute(delete(WatchAlertRow).where(WatchAlertRow.raised_at_ms <= limit_ms))

    @staticmethod
    def _record(session: Session, actor: str, role: str, action: str, entry_id: str) -> None:
        note(session, Entry(actor, role, action, "watch_entry", entry_id, {}))

    @staticmethod
    def _mine(session: Session, alert_id: str, who: Staff) -> WatchAlertRow:
        row = session.get(WatchAlertRow, alert_id, with_for_update=True)
        if row is None or not may_know(row, who):
            raise NotFound("this alert is not kept, or not for you")
        return row


def may_know(row: WatchAlertRow, who: Staff) -> bool:
    """Return whether an alert is this person's business: the role of its list, his branch, and he, if one is named."""
    return (
        who.role == TOLD[WatchList(row.watch_list)]
        and who.branch_id == row.branch_id
        and row.told_staff_id in {"", who.staff_id}
    )


def rings(row: WatchAlertRow) -> bool:
    """Return whether an alert rings now: of police, until somebody acknowledges it."""
    return row.watch_list in RINGS and row.acknowledged_at_ms is None
