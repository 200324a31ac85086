"""What happens without anybody asking: visits end, cards escalate, records pass their limit, outcomes go up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city_server import answers, tally
from city_server.alerts import Alerts
from city_server.board import Boards
from city_server.bundles import Bundles
from city_server.cards import another_day
from city_server.desk import mark_forwarded, unforwarded
from city_server.province import Province, ProvinceDown, ProvinceRefused
from city_server.records import Records, as_visit
from city_server.replica import Replica
from city_server.routing import escalate
from city_server.settings import CitySettings
from city_server.store import Store
from city_server.watch import responses
from yingbin.errors import YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers.profile import china_day
from yingbin.storage.city import CardRow, InsightAnswerRow, OutcomeRow, PhotoRow, SeenEvent, VisitRow
from yingbin.trust.audit.ledger import Ledger

log = get_logger()
_EVENT_MEMORY_MS: Final = 24 * 3600 * 1000
"""How long a repeated event is recognised as such (DESIGN 7)."""
_ESCALATION_POLL_S: Final = 0.5
_OUTCOME_POLL_S: Final = 1.0
_BUNDLES_POLL_S: Final = 1.0
_RESEAL_POLL_S: Final = 600.0
_DAY_S: Final = 86_400.0
_AT_ONCE: Final = 200


class Sweep:
    """Everything the database does by the clock. Each method is one transaction; the time is passed in."""

    def __init__(self, settings: CitySettings, records: Records, alerts: Alerts) -> None:
        self._closes_after_ms = int(settings.visit_closes_after_min * 60_000)
        self._photo_retention_ms = int(settings.photo_retention_min * 60_000)
        self._card_retention_ms = int(settings.card_retention_h * 3_600_000)
        self._records = records
        self._alerts = alerts

    def close_visits(self, session: Session, at_ms: int) -> None:
        """End the visits without a sighting for `visit_closes_after_min`."""
        over = session.scalars(
            select(VisitRow)
            .where(VisitRow.open_key.is_not(None), VisitRow.last_seen_at_ms <= at_ms - self._closes_after_ms)
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        for row in over.all():
            self._alerts.close(session, as_visit(row), at_ms)

    def escalate(self, session: Session, at_ms: int) -> None:
        """Ring further for cards that nobody took in time."""
        due = session.scalars(
            select(CardRow).where(CardRow.escalate_at_ms <= at_ms).limit(_AT_ONCE).with_for_update(skip_locked=True)
        )
        for row in due.all():
            state = self._records.state(row)
            self._records.put_card(session, state.stored, escalate(state.route))

    def decide_anew(self, session: Session, at_ms: int) -> None:
        """Bring the open cards of yesterday to today's offers: one expires with a day, and a tablet may come late."""
        for visit_id in session.scalars(select(VisitRow.visit_id).where(VisitRow.open_key.is_not(None))).all():
            before = self._records.card_of_visit(session, visit_id).stored
            after = another_day(before, at_ms)
            if after.card != before.card:
                self._records.put_card(session, after)

    def drop_photos(self, session: Session, at_ms: int) -> None:
        """Delete the photos of visits that ended `photo_retention_min` ago, and take them off the tablets."""
        old = session.scalars(
            select(PhotoRow)
            .join(VisitRow, VisitRow.visit_id == PhotoRow.visit_id)
            .where(VisitRow.closed_at_ms <= at_ms - self._photo_retention_ms)
            .limit(_AT_ONCE)
        )
        for row in old.all():
            session.delete(row)
            self._records.put_card(session, self._records.card_of_visit(session, row.visit_id).stored)

    def forget(self, session: Session, at_ms: int) -> list[str]:
        """Delete events after 24 h and visits after `card_retention_h`; return the ids of the cards that went."""
        session.execute(delete(SeenEvent).where(SeenEvent.at_ms <= at_ms - _EVENT_MEMORY_MS))
        limit_ms = at_ms - self._card_retention_ms
        for kind in (OutcomeRow, InsightAnswerRow):
            session.execute(delete(kind).where(kind.forwarded_at_ms <= limit_ms))
        gone = select(VisitRow.visit_id).where(VisitRow.closed_at_ms <= limit_ms).limit(_AT_ONCE)
        visits = list(session.scalars(gone))
        cards = list(session.scalars(select(CardRow.card_id).where(CardRow.visit_id.in_(visits))))
        session.execute(delete(VisitRow).where(VisitRow.visit_id.in_(visits)))
        return cards


class Chores:
    """The background tasks of a city."""

    def __init__(
        self,
        settings: CitySettings,
        store: Store,
        sweep: Sweep,
        boards: Boards,
        province: Province,
        replica: Replica,
        bundles: Bundles,
        ledger: Ledger,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sweep = sweep
        self._decided_on: date | None = None
        self._boards = boards
        self._province = province
        self._replica = replica
        self._bundles = bundles
        self._ledger = ledger

    async def enforce_limits(self) -> None:
        """End visits and delete what has passed its limit, for ever."""
        await _for_ever(self._sweep_once, self._settings.sweep_interval_s)

    async def escalate(self) -> None:
        """Escalate cards for ever."""
        await _for_ever(self._escalate_once, _ESCALATION_POLL_S)

    async def reseal(self) -> None:
        """Give the replica's folder a new key every `gallery_key_h`, for ever: what was removed is unreadable then."""
        epoch_ms = int(self._settings.gallery_key_h * 3_600_000)
        await _for_ever(lambda: self._replica.reseal(epoch_ms), min(_RESEAL_POLL_S, epoch_ms / 1000))

    async def cut_trail(self) -> None:
        """Cut what is older than `audit_retention_days` off the audit trail, daily, for ever (C18)."""
        await _for_ever(self._cut_trail_once, _DAY_S)

    async def forward_outcomes(self) -> None:
        """Bring outcomes to the province for ever; while it is away, with growing pauses."""
        await self._deliver(self._forward_outcomes_once, "outcomes_wait")

    async def forward_answers(self) -> None:
        """Bring what customers said of questions to the province for ever; while it is away, with growing pauses."""
        await self._deliver(self._forward_answers_once, "insight_answers_wait")

    async def forward_tallies(self) -> None:
        """Bring what the branches did today to the province, and how soon they answered alerts, for ever."""
        await _for_ever(self._forward_tallies_once, self._settings.statistics_interval_s)

    async def forward_bundles(self) -> None:
        """Tell the province which bundles the boxes use, for ever."""
        await _for_ever(self._forward_bundles_once, _BUNDLES_POLL_S)

    async def _deliver(self, step: Callable[[], Awaitable[None]], waits: str) -> None:
        pause_s = _OUTCOME_POLL_S
        while True:
            try:
                await step()
                pause_s = _OUTCOME_POLL_S
            except YingbinError as error:
                if not isinstance(error, ProvinceDown) or pause_s == _OUTCOME_POLL_S:
                    log.warning(waits, code=error.code, reason=error.message, error_id=error.error_id)
                pause_s = min(pause_s * 2, self._settings.outcome_retry_max_s)
            await asyncio.sleep(pause_s)

    async def _forward_outcomes_once(self) -> None:
        waiting = await self._store.read(lambda session: unforwarded(session, _AT_ONCE))
        if waiting:
            await self._province.report(waiting)
            await self._store.write(partial(mark_forwarded, outcomes=waiting, now_ms=now_ms()))

    async def _forward_answers_once(self) -> None:
        for waiting in await self._store.read(lambda session: answers.unforwarded(session, _AT_ONCE)):
            try:
                await self._province.answer(waiting.fact_id, waiting.answer)
            except ProvinceRefused as error:
                if error.passing:
                    raise
                # The fact is gone, or not this city's business any more: coming again would not help.
                log.warning("insight_answer_refused", answer_id=waiting.answer.answer_id, reason=error.message)
            await self._store.write(partial(answers.mark_forwarded, answers=[waiting], now_ms=now_ms()))

    async def _forward_bundles_once(self) -> None:
        untold = self._bundles.untold()[:_AT_ONCE]
        if untold:
            await self._province.report_bundles(untold)
            self._bundles.told(untold)

    async def _forward_tallies_once(self) -> None:
        changed = await self._store.read(lambda session: tally.unreported(session, _AT_ONCE))
        if changed:
            await self._province.report_days(changed)
            await self._store.write(partial(tally.mark_reported, days=changed, now_ms=now_ms()))
        answered = await self._store.read(lambda session: responses.unreported(session, _AT_ONCE))
        if answered:
            await self._province.report_watch(answered)
            await self._store.write(partial(responses.mark_reported, told=answered))

    async def _cut_trail_once(self) -> None:
        before_ms = now_ms() - self._settings.audit_retention_days * int(_DAY_S) * 1000
        await self._store.write(lambda session: self._ledger.cut(session, before_ms))
        gone = 0
        while count := await self._store.write(lambda session: self._ledger.sweep(session, _AT_ONCE)):
            gone += count
        if gone:
            log.info("audit_trail_cut", records=gone)

    async def _sweep_once(self) -> None:
        day = china_day(now_ms())
        if day != self._decided_on:
            await self._store.write(lambda session: self._sweep.decide_anew(session, now_ms()))
            self._decided_on = day
        for step in (self._sweep.close_visits, self._sweep.drop_photos):
            await self._store.write(partial(step, at_ms=now_ms()))
        gone = await self._store.write(lambda session: self._sweep.forget(session, now_ms()))
        self._boards.forget(gone)

    async def _escalate_once(self) -> None:
        due = select(CardRow.card_id).where(CardRow.escalate_at_ms <= now_ms()).limit(1)
        if await self._store.read(lambda session: session.scalar(due)):
            await self._store.write(lambda session: self._sweep.escalate(session, now_ms()))


async def _for_ever(step: Callable[[], Awaitable[None]], pause_s: float) -> None:
    while True:
        try:
            await step()
        except YingbinError as error:
            log.warning("chore_failed", code=error.code, reason=error.message, error_id=error.error_id)
        await asyncio.sleep(pause_s)
