"""What an answered event leaves behind: the event's id, the visit, the card - in the caller's one transaction."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from city_server import evidence, tally
from city_server.cards import closed, new_card, seen_again
from city_server.changed_views import ChangedViews
from city_server.memory import Memory
from city_server.queues import Queues
from city_server.records import Records
from city_server.routing import FIRST, route
from city_server.trail import matched
from city_server.visits import Sighted, Visit, close, is_over, sight
from city_server.withdrawals import Withdrawals
from yingbin.feed_wire import CardView
from yingbin.ids import new_id
from yingbin.pad_wire import Sighting
from yingbin.storage.city import SeenEvent, VisitTrack
from yingbin.wire import Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """Times of the visit and the alert, ms."""

    closes_after_ms: int
    escalate_after_ms: int
    alert_horizon_ms: int


@dataclass(frozen=True, slots=True)
class Match:
    """Who was recognised, and by which tier; `scored` is what the search here found, None for the province's."""

    view: CardView
    tier: str
    scored: evidence.Scored | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """An event with its verdict; `match` is there exactly when a search found somebody, `watched` as in `Verdict`."""

    event_id: str
    track_key: str
    branch_id: str
    seen: Sighting
    outcome: Outcome
    match: Match | None
    watched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the box is told."""

    outcome: Outcome
    want_photo: bool


class Alerts:
    """Writes events. Safe to repeat: an event that was answered is answered the same and changes nothing."""

    def __init__(
        self, records: Records, limits: Limits, withdrawals: Withdrawals, changed: ChangedViews, queues: Queues
    ) -> None:
        self._records = records
        self._queues = queues
        self._limits = limits
        self._withdrawals = withdrawals
        self._changed = changed

    def settle(self, session: Session, event: Settled, memory: Memory, now_ms: int) -> Answer:
        """Record one event and everything that follows from it."""
        seen = session.get(SeenEvent, event.event_id)
        if seen is not None:
            return Answer(Outcome(seen.outcome), seen.want_photo)
        if event.match is not None and self._withdrawals.covers(event.match.view.customer_id):
            event = replace(event, outcome=Outcome.NOT_ENROLLED, match=None)
        want_photo = False
        track = session.get(VisitTrack, event.track_key)
        if track is not None:
            self._follow(session, self._records.visit(session, track.visit_id), event.seen, now_ms)
        elif event.match is not None:
            want_photo = self._arrive(session, event, event.match, memory, now_ms)
        session.add(SeenEvent(event_id=event.event_id, outcome=event.outcome, want_photo=want_photo, at_ms=now_ms))
        session.flush()
        return Answer(event.outcome, want_photo)

    def close(self, session: Session, visit: Visit, now_ms: int) -> None:
        """End a visit that had no sighting for too long."""
        self._records.put_visit(session, close(visit, now_ms))
        self._records.put_card(session, closed(self._records.card_of_visit(session, visit.visit_id).stored))

    def _arrive(self, session: Session, event: Settled, match: Match, memory: Memory, now_ms: int) -> bool:
        """Open or continue the visit of a recognised customer; return whether to ask for the photo."""
        customer_id, at_ms = match.view.customer_id, event.seen.seen_at_ms
        before = self._records.open_visit(session, event.branch_id, customer_id)
        if before is not None and is_over(before, at_ms, self._limits.closes_after_ms):
            self.close(session, before, now_ms)
            before = None
        visit, meaning = sight(before, event.branch_id, customer_id, at_ms, self._limits.closes_after_ms)
        self._records.put_visit(session, visit)
        wanted = meaning is Sighted.OPENED
        if wanted:
            self._alert(session, visit, event, match, memory, now_ms)
        elif meaning is Sighted.SEEN_AGAIN:
            wanted = self._update(session, visit, event.seen, now_ms)
        session.add(VisitTrack(track_key=event.track_key, visit_id=visit.visit_id, photo_wanted=wanted))
        box_id = event.track_key.partition("/")[0]
        matched(session, box_id, event.seen.camera_id, customer_id, visit.visit_id, match.tier)
        return wanted

    def _alert(self, session: Session, visit: Visit, event: Settled, match: Match, memory: Memory, now_ms: int) -> None:
        known = memory.card_views.get(match.view.customer_id)  # it may have changed since the search
        view = known or self._changed.of_guest(match.view)
        colleagues = memory.staff_of(event.branch_id)
        chosen = route(view.rm_staff_id, colleagues, now_ms, self._limits.escalate_after_ms)
        stored = new_card(
            (new_id(), visit.visit_id), view, self._queues.context(event.branch_id, view, now_ms), match.tier,
            event.seen, now_ms,
            home=view.home_branch_id in memory.branches, rm=chosen.routed_to,
        )  # fmt: skip
        if match.scored is not None:
            evidence.note(session, visit.visit_id, match.scored)
        tally.visited(session, event.branch_id, now_ms)
        self._records.add_card(session, stored, chosen, rings=self._fresh(event.seen, now_ms))

    def _follow(self, session: Session, visit: Visit, seen: Sighting, now_ms: int) -> None:
        """Note a further look at a track that was recognised; a visit that ended stays ended."""
        if visit.closed_at_ms is None and seen.seen_at_ms >= visit.last_seen_at_ms:
            after, _ = sight(visit, visit.branch_id, visit.customer_id, seen.seen_at_ms, self._limits.closes_after_ms)
            if after.visit_id == visit.visit_id:
                self._records.put_visit(session, after)
                self._update(session, after, seen, now_ms)

    def _update(self, session: Session, visit: Visit, seen: Sighting, now_ms: int) -> bool:
        """Note a further sighting. Return whether the card rings now: he came while the line was down, and is here."""
        card = self._records.card_of_visit(session, visit.visit_id)
        here = self._queues.context(visit.branch_id, card.stored.view, now_ms)
        rings = not card.rings and card.stored.card.state == "open" and self._fresh(seen, now_ms)
        if rings:
            due_ms = now_ms + self._limits.escalate_after_ms if card.route.level == FIRST else None
            self._records.ring(session, card.stored.card.card_id, due_ms)
        self._records.put_card(session, seen_again(card.stored, seen, here, now_ms))
        return rings

    def _fresh(self, seen: Sighting, now_ms: int) -> bool:
        return now_ms - seen.seen_at_ms <= self._limits.alert_horizon_ms
