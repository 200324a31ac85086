"""How long each kind of record is kept (C18), and the job that deletes what is past its limit.

Limits are data: a default here, changed by a security officer, whose word is kept with it. What a city keeps (events,
cards, photos) is limited there, by its own settings.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, delete, func, inspect, not_, or_, select, tuple_

from province_server.audit import trail as audit
from province_server.feed import Notifier
from province_server.vault import TemplateVault
from yingbin.errors import InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.offers.profile import china_day
from yingbin.storage.batch import BatchJob, BatchRow
from yingbin.storage.database import Database
from yingbin.storage.insights import FactRow
from yingbin.storage.learning import PolicyRow, SaleRow
from yingbin.storage.lifecycle import CampaignRow, CandidateRow, ReceiptRow, RetentionRow, RetentionRunRow
from yingbin.storage.portraits import PortraitRow
from yingbin.storage.province import ConsentRow, OutcomeRow, ShiftRow, TemplateLink
from yingbin.storage.statistics import WatchResponseRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.audit.ledger import LEAST_RETENTION_DAYS, RETENTION_DAYS, Ledger
from yingbin.trust.consent import Gallery

DAY_MS: Final = 86_400_000
BATCH: Final = 500
RETENTION_EVERY_S: Final = 600.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """Records of one kind: `key` is a column of theirs, `past` those older than an instant (UTC ms).

    Templates are counted and taken by `key`, other records each by themselves.
    """

    name: str
    days: int
    key: Any
    past: Callable[[int], ColumnElement[bool]]


def _first_id(at_ms: int) -> str:
    """Return what every UUIDv7 made at or after `at_ms` sorts behind."""
    return str(uuid.UUID(int=max(at_ms, 0) << 80))


def _dormant(gallery: Gallery) -> Callable[[int], ColumnElement[bool]]:
    """Return: enrolled before an instant, and his last visit that anybody reported was before it too."""

    def past(before_ms: int) -> ColumnElement[bool]:
        lately = select(OutcomeRow.customer_id).where(OutcomeRow.at_ms >= before_ms)
        renewed = select(TemplateLink.customer_id).where(TemplateLink.template_id >= _first_id(before_ms))
        return and_(
            TemplateLink.gallery == gallery,
            TemplateLink.state == "linked",
            TemplateLink.template_id < _first_id(before_ms),
            TemplateLink.customer_id.not_in(lately),
            TemplateLink.customer_id.not_in(renewed),
        )

    return past


def _over(before_ms: int) -> ColumnElement[bool]:
    """Return: past its last day, and past the time for which a denial keeps it silent."""
    before = china_day(before_ms)
    return and_(FactRow.expires_on < before, or_(FactRow.silent_until.is_(None), FactRow.silent_until < before))


def _ended(before_ms: int) -> ColumnElement[bool]:
    return and_(WatchEntryRow.ended_at_ms < before_ms, not_(WatchEntryRow.state.in_(("proposed", "in_force"))))


def _of_ended_list(before_ms: int) -> ColumnElement[bool]:
    return BatchRow.job_id.in_(select(BatchJob.job_id).where(BatchJob.finished_at_ms < before_ms))


def _no_longer_in_force(before_ms: int) -> ColumnElement[bool]:
    newest = select(func.max(PolicyRow.policy_id)).scalar_subquery()
    return and_(PolicyRow.at_ms < before_ms, PolicyRow.policy_id < newest)


TEMPLATES: Final[Mapping[str, Kind]] = {
    f"templates_{gallery}": Kind(f"templates_{gallery}", days, TemplateLink.customer_id, _dormant(gallery))
    for gallery, days in ((Gallery.VIP, 1095), (Gallery.POTENTIAL, 365))
}
"""Dormant templates: neither enrolled again nor followed by a visit; counted in customers."""

RECORDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("outcomes", 730, OutcomeRow.outcome_id, lambda before: OutcomeRow.at_ms < before),
        Kind("sales", 730, SaleRow.sale_id, lambda before: SaleRow.at_ms < before),
        Kind("policies", 1825, PolicyRow.policy_id, _no_longer_in_force),
        Kind("withdrawn_consents", 1095, ConsentRow.consent_id, lambda before: ConsentRow.withdrawn_at_ms < before),
        Kind("candidates", 7, CandidateRow.candidate_id, lambda before: CandidateRow.expires_at_ms < before),
        Kind("insights", 30, FactRow.fact_id, _over),
        Kind("portraits", 1, PortraitRow.customer_id, lambda before: PortraitRow.expires_at_ms < before),
        Kind("campaigns", 7, CampaignRow.campaign_id, lambda before: CampaignRow.expires_at_ms < before),
        Kind("ended_watch_entries", 1825, WatchEntryRow.entry_id, _ended),
        Kind("shifts", 730, ShiftRow.shift_id, lambda before: ShiftRow.until_ms < before),
        Kind("watch_responses", 730, WatchResponseRow.alert_id, lambda before: WatchResponseRow.raised_at_ms < before),
        Kind("batch_rows", 365, BatchRow.job_id, _of_ended_list),
        Kind("batch_jobs", 1825, BatchJob.job_id, lambda before: BatchJob.finished_at_ms < before),
        Kind("receipts", 1825, ReceiptRow.receipt_id, lambda before: ReceiptRow.made_at_ms < before),
        Kind("retention_runs", 1825, RetentionRunRow.run_id, lambda before: RetentionRunRow.at_ms < before),
    )
}
"""Records, and lists that expired by themselves, whose days count from then."""

ROWS: Final[Mapping[str, Kind]] = {**TEMPLATES, **RECORDS}

AUDIT: Final = "audit_records"

DAYS: Final[Mapping[str, int]] = {AUDIT: RETENTION_DAYS, **{name: kind.days for name, kind in ROWS.items()}}
"""The default of every limit. The trail comes first: it records what is deleted after it."""


class Limit(BaseModel):
    """How long a kind of record is kept, and who said so when it is not the default. Below `least_days` is refused."""

    kind: str
    days: int
    default_days: int
    least_days: int
    changed_by: str | None
    changed_at_ms: int | None


class Run(BaseModel):
    """What one run deleted, by kind; or would delete, for a dry run, which has no id."""

    run_id: str
    at_ms: int
    gone: dict[str, int]


class Retention:
    """Keeps the limits and enforces them."""

    def __init__(self, database: Database, ledger: Ledger, vault: TemplateVault, notifier: Notifier) -> None:
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._notifier = notifier

    def limits(self) -> list[Limit]:
        """Return every limit."""
        with self._database.read() as session:
            changed = {row.kind: row for row in session.scalars(select(RetentionRow))}
        return [
            Limit(
                kind=name,
                days=changed[name].days if name in changed else days,
                default_days=days,
                least_days=_least_days(name),
                changed_by=changed[name].changed_by if name in changed else None,
                changed_at_ms=changed[name].changed_at_ms if name in changed else None,
            )
            for name, days in DAYS.items()
        ]

    def change(self, kind: str, days: int, staff_id: str) -> None:
        """Set a limit. Raises `NotFound`, or `InvalidInput` for one that is too short."""
        if kind not in DAYS:
            raise NotFound(f"there is no limit for {kind}; one of: {', '.join(DAYS)}")
        if days < _least_days(kind):
            raise InvalidInput(f"{kind} are kept {_least_days(kind)} days at least, which is five years")
        with self._database.write() as session:
            session.merge(RetentionRow(kind=kind, days=days, changed_by=staff_id, changed_at_ms=now_ms()))
        log.warning("retention_changed", kind=kind, days=days, staff_id=staff_id)

    def due(self, at_ms: int) -> Run:
        """Return what a run at `at_ms` would delete."""
        gone = {}
        with self._database.read() as session:
            for limit in self.limits():
                before_ms = at_ms - limit.days * DAY_MS
                if limit.kind == AUDIT:
                    gone[AUDIT] = self._ledger.past(session, before_ms)
                    continue
                kind = ROWS[limit.kind]
                each = func.count(kind.key.distinct()) if limit.kind in TEMPLATES else func.count()
                found = select(each).select_from(kind.key.class_).where(kind.past(before_ms))
                gone[limit.kind] = session.scalars(found).one()
        return Run(run_id="", at_ms=at_ms, gone=gone)

    def job(self) -> None:
        """Run, if the last run is a day ago."""
        with self._database.read() as session:
            last_ms = session.scalars(select(func.max(RetentionRunRow.at_ms))).one() or 0
        if now_ms() - last_ms >= DAY_MS:
            with audit.acting("job:retention"):
                self.run(now_ms())

    def run(self, at_ms: int) -> Run:
        """Delete what is past its limit at `at_ms`, in small steps, and keep a report of it."""
        gone: dict[str, int] = {}
        for limit in self.limits():
            before_ms = at_ms - limit.days * DAY_MS
            if limit.kind == AUDIT:
                gone[AUDIT] = self._cut_trail(before_ms)
                continue
            step = self._forget_templates if limit.kind in TEMPLATES else self._delete
            kind, gone[limit.kind] = ROWS[limit.kind], 0
            while count := step(kind, before_ms):
                gone[limit.kind] += count
        report = Run(run_id=new_id(), at_ms=at_ms, gone=gone)
        with self._database.write() as session:
            session.add(RetentionRunRow(run_id=report.run_id, at_ms=at_ms, gone=gone))
        log.info("retention_run", run_id=report.run_id, **gone)
        return report

    def runs(self, after: str, limit: int) -> list[Run]:
        """Return the reports of runs, by id."""
        found = select(RetentionRunRow).where(RetentionRunRow.run_id > after).order_by(RetentionRunRow.run_id)
        with self._database.read() as session:
            return [Run(run_id=r.run_id, at_ms=r.at_ms, gone=r.gone) for r in session.scalars(found.limit(limit))]

    def _cut_trail(self, before_ms: int) -> int:
        """Cut the audit trail: one checkpoint is signed, then the records go in small steps."""
        with self._database.write() as session:
            self._ledger.cut(session, before_ms)
        gone = 0
        while count := self._sweep_trail():
            gone += count
        return gone

    def _sweep_trail(self) -> int:
        with self._database.write() as session:
            return self._ledger.sweep(session, BATCH)

    def _delete(self, kind: Kind, before_ms: int) -> int:
        key = inspect(kind.key.class_).primary_key
        with self._database.write() as session:
            doomed = session.execute(select(*key).where(kind.past(before_ms)).limit(BATCH)).all()
            if doomed:
                session.execute(
                    delete(kind.key.class_)
                    .where(tuple_(*key).in_(doomed), kind.past(before_ms))
                    .execution_options(synchronize_session=False)
                )
        return len(doomed)

    def _forget_templates(self, kind: Kind, before_ms: int) -> int:
        with self._database.read() as session:
            dormant = session.scalars(select(kind.key).where(kind.past(before_ms)).distinct().limit(BATCH)).all()
        for customer_id in dormant:
            self._forget(customer_id)
        return len(dormant)

    def _forget(self, customer_id: str) -> None:
        """Take a customer's templates everywhere; record and consents stay, and he may be enrolled again."""
        with self._vault.lock:
            with self._database.write() as session:
                self._vault.erase(session, customer_id)
                cities = self._vault.recall(session, customer_id)
            self._vault.forget(customer_id)
        for city_id in cities:
            self._notifier.wake(city_id)


def _least_days(kind: str) -> int:
    return LEAST_RETENTION_DAYS if kind == AUDIT else 1
