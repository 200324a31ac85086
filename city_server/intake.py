"""From face events to answers: admit, forget repeats, search, store everything in one transaction, then answer."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server.admission import Admitted, admit
from city_server.alerts import Alerts, Answer, Match, Settled
from city_server.branch_gallery import recognised
from city_server.matcher import Matcher, Verdict
from city_server.replica import Replica
from city_server.settings import CitySettings
from city_server.store import Store
from city_server.watch.alerts import WatchAlerts
from yingbin.errors import InvalidInput, NotAllowed, Unavailable, YingbinError
from yingbin.ids import event_id, now_ms
from yingbin.local_wire import LocalHit
from yingbin.log import get_logger
from yingbin.pad_wire import Sighting
from yingbin.storage.city import SeenEvent, VisitTrack
from yingbin.wire import Camera, FaceAnswer, FaceEvent, FaceLook, Outcome, Refused

log = get_logger()
_EVENTS = Counter("yingbin_city_events", "Face events by answer.", ["answer"])


@dataclass(frozen=True, slots=True)
class Source:
    """The box an event comes from, as it proved itself; `key_id` names the domain of its vectors."""

    box_id: str
    branch_id: str
    boot_id: str
    key_id: str


class Intake:
    """Answers the events of all boxes. A batch holds at most one event of a track, so that looks stay in order."""

    def __init__(
        self,
        settings: CitySettings,
        replica: Replica,
        matcher: Matcher,
        store: Store,
        alerts: Alerts,
        watch: WatchAlerts,
    ) -> None:
        self._future_tolerance_ms = settings.future_tolerance_s * 1000
        self._catch_up_wait_s = settings.catch_up_wait_s
        self._replica = replica
        self._matcher = matcher
        self._store = store
        self._alerts = alerts
        self._watch = watch
        self.watch_changed: Callable[[], None] = lambda: None

    async def answer(self, source: Source, events: Sequence[FaceLook]) -> list[FaceAnswer | Refused]:
        """Return one answer an event, in order. Raises `StorageFull` or `Unavailable`: then none was acknowledged."""
        ids = [event_id(source.box_id, e.boot_id or source.boot_id, e.track, e.seq) for e in events]
        tracks = [track_key(source, event.track, event.boot_id) for event in events]
        answered, recognised = await self._store.read(lambda session: _known(session, ids, tracks))
        results = await asyncio.gather(
            *(
                self._settle(source, event, event_id, track, track in recognised or event_id in answered)
                for event, event_id, track in zip(events, ids, tracks, strict=True)
            )
        )
        settled = [result for result in results if isinstance(result, Settled)]
        answers = await self._store.write(lambda session: self._record(session, settled)) if settled else {}
        if any(one.watched for one in settled):
            self.watch_changed()
        replies: list[FaceAnswer | Refused] = []
        for event, result in zip(events, results, strict=True):
            if isinstance(result, Refused):
                _EVENTS.labels(result.code).inc()
                replies.append(result)
                continue
            answer = answers[result.event_id]
            _EVENTS.labels(answer.outcome.value).inc()
            replies.append(
                FaceAnswer(event.camera_id, event.track, event.seq, answer.outcome, answer.want_photo, event.boot_id)
            )
        return replies

    async def _settle(
        self, source: Source, event: FaceLook, event_id: str, track: str, known: bool
    ) -> Settled | Refused:
        try:
            camera = await self._camera(event.camera_id)
            admitted = admit(event, camera, source.box_id, now_ms(), self._future_tolerance_ms)
            # What was recognised or answered before is not searched again; the transaction knows what was said.
            verdict = Verdict(Outcome.MATCHED) if known else await self._search(source, event, track, admitted)
        except (NotAllowed, InvalidInput, _NotSearchable) as error:
            return refusal(error, event)
        seen = Sighting(event_id, event.camera_id, admitted.camera.role, event.frame, admitted.seen_at_ms)
        return Settled(event_id, track, source.branch_id, seen, verdict.outcome, verdict.match, verdict.watched)

    async def _camera(self, camera_id: str) -> Camera | None:
        """Return a camera as the feed has it; only a city that is up to date may say that there is none."""
        if camera_id not in self._replica.memory.cameras:
            await self._require_searchable()
        return self._replica.memory.cameras.get(camera_id)

    async def _require_searchable(self) -> None:
        if not await self._replica.searchable(self._catch_up_wait_s):
            raise _NotSearchable("matching is stopped until the province renews this city's lease; check that line")

    async def _search(self, source: Source, event: FaceLook, track: str, admitted: Admitted) -> Verdict:
        await self._require_searchable()
        memory = self._replica.memory
        if isinstance(event, LocalHit):
            return Verdict(
                Outcome.MATCHED, Match(recognised(event, source.branch_id, admitted.galleries, memory), "city")
            )
        key_id = (isinstance(event, FaceEvent) and event.key_id) or source.key_id
        return await self._matcher.match(
            event, track, admitted.camera, key_id, admitted.galleries, memory, admitted.watch_lists
        )

    def _record(self, session: Session, settled: Sequence[Settled]) -> dict[str, Answer]:
        at_ms, memory = now_ms(), self._replica.memory
        for event in settled:
            self._watch.note(session, event.watched, event.branch_id, event.seen, memory, at_ms)
        return {event.event_id: self._alerts.settle(session, event, memory, at_ms) for event in settled}


class _NotSearchable(Unavailable):
    """The replica may not be searched now (lease expired, or not caught up)."""

    code = "matching_stopped"


def track_key(source: Source, track: int, boot_id: str = "") -> str:
    """Return the name of a track, unique for ever; `boot_id` when it is not of the source's own boot."""
    return f"{source.box_id}/{boot_id or source.boot_id}/{track}"


def refusal(error: YingbinError, event: FaceLook | None = None) -> Refused:
    """Return and log the refusal of an event, or of the connection."""
    log.warning("box_refused", code=error.code, reason=error.message, error_id=error.error_id)
    if event is None:
        return Refused(error.code, error.message, error.error_id)
    return Refused(error.code, error.message, error.error_id, event.camera_id, event.track, event.seq, event.boot_id)


def _known(session: Session, ids: Sequence[str], tracks: Sequence[str]) -> tuple[set[str], set[str]]:
    answered = session.scalars(select(SeenEvent.event_id).where(SeenEvent.event_id.in_(ids)))
    recognised = session.scalars(select(VisitTrack.track_key).where(VisitTrack.track_key.in_(tracks)))
    return set(answered), set(recognised)
