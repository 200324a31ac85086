"""Which trails contradict what the other tier was told of them, as a metric somebody is woken by (C12).

A chain does not heal, so an alarm is never taken back. Once it is acknowledged which records a restore lost
(`restored.py`), and that explains all that was seen, it says so, without a restart; and so it does after one.
"""

import threading
from typing import Final

from prometheus_client import Gauge
from sqlalchemy.orm import Session

from yingbin.log import get_logger
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import SignedHead

log = get_logger()
BROKEN: Final = 1
ACKNOWLEDGED: Final = 2
STATE = Gauge(
    "yingbin_audit_broken",
    "1: a trail contradicts what the other tier was told of it. 2: what did is acknowledged as lost by a restore.",
    ["writer"],
)
_MOST_DOUBTS: Final = 1000
"""Contradictions remembered of a writer, the first and the newest: while nobody answers, there may be one a minute."""


class Alarms:
    """Judges heads, and remembers those that contradict a trail until they are acknowledged."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._doubts: dict[str, dict[SignedHead, int]] = {}
        self._gaps: dict[str, int] = {}
        self._lock = threading.Lock()

    def judge(self, session: Session, signed: SignedHead, received_before_ms: int = 0) -> str:
        """Return in what a head contradicts the trail of its writer; empty: in nothing.

        One of another writer against the heads kept here from before `received_before_ms`, one of this chain's own
        against the records.
        """
        writer, wrong = signed.head.writer, self._wrong(session, signed, received_before_ms)
        with self._lock:
            doubts = self._doubts.setdefault(writer, {})
            if wrong:
                doubts.setdefault(signed, received_before_ms)
                if len(doubts) > _MOST_DOUBTS:
                    del doubts[list(doubts)[1]]
                STATE.labels(writer).set(BROKEN)
                log.error("audit_trail_broken", writer=writer, reason=wrong)
                return wrong
            gaps = len(self._ledger.gaps(session, writer))
            if gaps != self._gaps.get(writer, 0):
                self._gaps[writer] = gaps
                if not any(self._wrong(session, doubt, before_ms) for doubt, before_ms in doubts.items()):
                    doubts.clear()
                    STATE.labels(writer).set(ACKNOWLEDGED)
                    log.warning("audit_gap_acknowledged", writer=writer, gaps=gaps)
        return ""

    def _wrong(self, session: Session, signed: SignedHead, received_before_ms: int) -> str:
        if signed.head.writer == self._ledger.writer:
            return self._ledger.contradicts(session, signed)
        return self._ledger.went_back(session, signed, received_before_ms)
