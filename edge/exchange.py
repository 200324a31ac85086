"""What passes between the cameras and the city: looks out, answers in, photos on request. In the event loop."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from edge.camera import CameraWorker
from edge.clock import CityClock
from edge.local_recognition import LocalRecognition, Ruling
from edge.outbox import Outbox
from edge.pipeline import Look
from edge.report import RunReport
from edge.scene import SceneStore
from yingbin.local_wire import GalleryPage
from yingbin.log import get_logger
from yingbin.queue_wire import QueueReport
from yingbin.wire import (
    Camera,
    CameraStatus,
    CityMessage,
    FaceAnswer,
    FaceLook,
    Outcome,
    Refused,
    ScenePhoto,
    TicketAnswer,
    TicketAsk,
    Welcome,
)

if TYPE_CHECKING:
    from edge.ticketing import TicketDesk

_NOT_NOW: Final = frozenset({"rate_limited", "matching_stopped", "unavailable", "storage_full"})
"""Refusals of an event that may pass: it is sent again."""

log = get_logger()


class Exchange:
    """The `Traffic` of the uplink. `workers` are the cameras as of now; `wake` says that there is something to send."""

    def __init__(
        self,
        outbox: Outbox,
        local: LocalRecognition,
        report: RunReport,
        clock: CityClock,
        *,
        workers: Callable[[], Mapping[str, CameraWorker]],
        wake: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._local = local
        self._report = report
        self._clock = clock
        self._workers = workers
        self._wake = wake
        self._scenes = SceneStore()
        self._replies: deque[msgspec.Struct] = deque()
        self._statuses: dict[str, CameraStatus] = {}
        self._permitted: dict[str, Camera] | None = None
        self.desk: TicketDesk | None = None
        self.online = False

    @property
    def pending(self) -> bool:
        """Whether anything is still to be said or answered."""
        return bool(self._outbox or self._replies)

    # --- the uplink

    def connected(self, welcome: Welcome) -> None:
        """Tell every camera what it may do, and the city how every camera is."""
        self.online = True
        self._permit(welcome)
        self._local.connected()
        self._replies.extend(self._statuses.values())

    def outgoing(self) -> list[msgspec.Struct]:
        """Return replies first (a card may be waiting for its photo), then unsent events."""
        ask = self._local.ask(time.monotonic())
        replies = [*self._replies, *([ask] if ask else [])]
        self._replies.clear()
        events, gone = self._outbox.take_unsent(time.monotonic())
        self._lost(gone)
        stamped = (msgspec.structs.replace(event, seen_at_ms=self._clock.city_ms(event.seen_at_ms)) for event in events)
        return [*replies, *stamped]

    def received(self, message: CityMessage) -> None:
        """Settle an event; hand the answer to its camera; fetch the photo if it is wanted."""
        if isinstance(message, Welcome):
            self._permit(message)
        elif isinstance(message, GalleryPage):
            self._follow(self._local.take(message, time.monotonic()))
            self._allow()
        elif isinstance(message, TicketAnswer):
            if self.desk is not None:
                self.desk.answered(message)
        elif isinstance(message, FaceAnswer):
            self._answered(message)
        elif isinstance(message, Refused) and message.code in _NOT_NOW:
            self._outbox.postpone((message.boot_id, message.track, message.seq), time.monotonic())
        elif isinstance(message, Refused):
            log.warning("event_refused", code=message.code, error_id=message.error_id, track=message.track)
            self._settle(message, None)
            if not message.boot_id:
                self._scenes.forget(message.track)
            self._wake()

    def sent(self, message: msgspec.Struct, wire_bytes: int) -> None:
        """Count it."""
        self._report.traffic.sent(message, wire_bytes)

    def heard(self, message: CityMessage, wire_bytes: int) -> None:
        """Count it."""
        self._report.traffic.heard(message, wire_bytes)

    def disconnected(self) -> None:
        """Whatever was not answered is sent again; photos and statuses are not."""
        self.online = False
        self._local.disconnected()
        self._outbox.connection_lost()
        self._replies.clear()

    # --- the cameras and the ticket machine

    def admit(self, look: Look) -> None:
        """Take a camera's look: to the city, or to be decided here."""
        if look.event.camera_id in self._local.cameras:
            self._follow(self._local.rule(look, time.monotonic()))
        else:
            self._keep(look)

    def note_status(self, status: CameraStatus) -> None:
        """Tell the city how a camera is, now and after every return of the line."""
        self._statuses[status.camera_id] = status
        self._replies.append(status)
        self._wake()

    def tell_ticketing(self, message: TicketAsk | QueueReport) -> bool:
        """Send what the ticket machine asks or reports; False when the line is down."""
        if self.online:
            self._replies.append(message)
            self._wake()
        return self.online

    def tick(self) -> None:
        """Let go what has grown too old; call often."""
        now_s = time.monotonic()
        self._lost(self._outbox.expire(now_s))
        self._follow(self._local.tick(now_s))
        self._allow()

    # --- inside

    def _permit(self, welcome: Welcome) -> None:
        """Start cameras that have not begun; those not named in `welcome` stop computing."""
        self._permitted = {camera.camera_id: camera for camera in welcome.cameras}
        self._local.permit(camera for name, camera in self._permitted.items() if name in self._workers())
        self._lost(self._outbox.withhold(self._local.cameras))
        self._allow()

    def _allow(self) -> None:
        if self._permitted is None:
            return
        for camera_id, worker in self._workers().items():
            camera = self._permitted.get(camera_id)
            worker.allow(camera, self._local.lacks(camera))
            if worker.ident is None:
                worker.start()

    def _follow(self, rulings: Iterable[Ruling]) -> None:
        for ruling in rulings:
            if ruling.hit is not None:
                self._keep(Look(ruling.hit, ruling.look.photo))
            else:
                self._tell_camera(ruling.look.event, ruling.outcome)

    def _keep(self, look: Look) -> None:
        self._report.face_events += 1
        self._scenes.keep(look.event.track, look.photo, time.monotonic())
        self._lost(self._outbox.add(look.event, time.monotonic()))
        self._wake()

    def _answered(self, answer: FaceAnswer) -> None:
        self._settle(answer, answer.outcome)
        if answer.boot_id:  # of an earlier boot: its photo went with it
            if answer.want_photo:
                self._replies.append(ScenePhoto(answer.camera_id, answer.track, b"", answer.boot_id))
        elif answer.want_photo:
            jpeg = self._scenes.take(answer.track, time.monotonic())
            self._replies.append(ScenePhoto(answer.camera_id, answer.track, jpeg))
            self._report.scene_photos_sent += bool(jpeg)
        elif answer.outcome is not Outcome.BETTER_SHOT:
            self._scenes.forget(answer.track)
        self._wake()

    def _settle(self, answer: FaceAnswer | Refused, outcome: Outcome | None) -> None:
        event = self._outbox.settle((answer.boot_id, answer.track, answer.seq))
        if event is not None:
            self._tell_camera(event, outcome)

    def _tell_camera(self, event: FaceLook, outcome: Outcome | None) -> None:
        if not event.boot_id:  # tracks of an earlier boot are nobody's here
            self._workers()[event.camera_id].answer(event.track, event.seq, outcome)

    def _lost(self, events: list[FaceLook]) -> None:
        for event in events:
            log.warning("event_lost", camera_id=event.camera_id, track=event.track, seq=event.seq)
            self._tell_camera(event, None)
