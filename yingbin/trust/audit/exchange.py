"""What two tiers tell each other every minute, so that neither can shorten or rewrite its trail unseen (C12).

Each sends the signed head of its own chain, and the newest head of the other's that it keeps. So whoever was restored
from an older backup, or lost its tail to somebody with its keys, is told within a minute; and what the other tier keeps
stands ready for `yingbin audit verify --anchors`.
"""

import time
from typing import Final

import msgspec
from prometheus_client import Gauge

from yingbin.errors import NotAllowed
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.trust.audit.alarms import Alarms
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import SignedHead, sign

log = get_logger()
EVERY_S: Final = 60.0
LATE_S: Final = 600.0
"""Silence of the other tier after which somebody must look."""
_SETTLED_S: Final = 30.0
"""Far longer than a request takes: what came earlier was not overtaken on its way."""
_AGE = Gauge("yingbin_audit_anchor_age_seconds", "Since the other tier last sent a head of its trail.", ["writer"])


class Exchange(msgspec.Struct, frozen=True):
    """One side's word. `public_key` (32 bytes) signs `head`; `kept` is the receiver's own, as the sender keeps it."""

    head: SignedHead | None
    kept: SignedHead | None
    public_key: bytes


class Anchoring:
    """One tier's side of it, towards any number of others."""

    def __init__(
        self, database: Database, ledger: Ledger, *, settled_s: float = _SETTLED_S, told_for_s: float = EVERY_S / 2
    ) -> None:
        self._settled_ms = round(settled_s * 1000)
        self._told_for_s = told_for_s
        self._database = database
        self._ledger = ledger
        self._alarms = Alarms(ledger)
        self._told: tuple[float, SignedHead] | None = None
        self._heard: dict[str, float] = {}
        self._late: set[str] = set()

    def tell(self, other: str) -> Exchange:
        """Return what to send to `other`. For `told_for_s` it is the same head, so that a hundred cities keep one."""
        with self._database.read() as session:
            if self._told is None or time.monotonic() - self._told[0] >= self._told_for_s:
                self._told = time.monotonic(), sign(self._ledger.head(session), self._ledger.key)
            kept = self._ledger.newest_anchor(session, other)
        head = self._told[1]
        return Exchange(head if head.head.seq else None, kept, self._ledger.key.public_bytes)

    def take(self, other: str, told: Exchange, public_key: bytes | None = None) -> None:
        """Keep what `other` sent. `public_key`: the one it is registered with; without, the first it came with.

        Raises `NotAllowed` for a head of another chain, `InvalidInput` for one not signed with that key.
        """
        with self._database.write() as session:
            expected = public_key or self._ledger.known_key(session, other) or told.public_key
            if told.head is not None:
                if told.head.head.writer != other:
                    raise NotAllowed(f"{other} sent the head of another chain")
                self._ledger.keep_anchor(session, told.head, expected)
                self._alarms.judge(session, told.head, now_ms() - self._settled_ms)
            own = told.kept is not None and told.kept.head.writer == self._ledger.writer
            if told.kept is not None and own and not self._alarms.judge(session, told.kept):
                self._ledger.keep_anchor(session, told.kept, self._ledger.key.public_bytes)
        self._heard[other] = time.monotonic()
        self._late.discard(other)
        _AGE.labels(other).set(0)

    def watch(self, others: list[str]) -> list[str]:
        """Say who has been silent for too long; a warning each time somebody falls silent. Call it now and then."""
        now = time.monotonic()
        for other in others:
            silent_s = now - self._heard.setdefault(other, now)
            _AGE.labels(other).set(silent_s)
            if silent_s > LATE_S and other not in self._late:
                self._late.add(other)
                log.warning("audit_anchor_late", writer=other, silent_s=round(silent_s))
        return sorted(self._late)
