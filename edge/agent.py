"""One box: its cameras' threads, the outbox, the scene photos and the uplink, joined in one event loop."""

import asyncio
import contextlib
import secrets
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.camera import CameraHooks
from edge.clock import CityClock
from edge.crew import Crew
from edge.figures import BoxFigures
from edge.outbox_store import KeptOutbox, OutboxStore, default_folder
from edge.pipeline import BoxIdentity, Engine, Look
from edge.report import RunReport
from edge.scene import SceneStore
from edge.settings import EdgeSettings, HostedAt
from edge.supervisor import ServiceManager
from edge.taps import Taps
from edge.uplink import Credentials, Uplink
from yingbin.errors import BadConfiguration, YingbinError
from yingbin.log import get_logger
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.trust.seal import Sealer
from yingbin.wire import (
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

_POLL_S: Final = 0.05
_GRACE_S: Final = 3.0
_NOT_NOW: Final = frozenset({"rate_limited", "matching_stopped", "unavailable", "storage_full"})
"""Refusals of an event that may pass: it is sent again."""

if TYPE_CHECKING:
    from edge.ticketing import TicketDesk

log = get_logger()


class EdgeAgent:
    """Owns everything of one boot. Only cameras work outside the event loop; they hand over through `_from_thread`."""

    def __init__(self, settings: EdgeSettings, engine: Engine, bundle: BoxBundle, key: DeviceKey, pack_id: str) -> None:
        if pack_id != bundle.pack_id:
            raise BadConfiguration(f"models_pack is {pack_id}, but this box was registered for {bundle.pack_id}")
        self._settings = settings
        self._scenes = SceneStore()
        self._report = RunReport()
        self._replies: deque[msgspec.Struct] = deque()
        self._statuses: dict[str, CameraStatus] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._online = False
        credentials = Credentials(bundle.box_id, secrets.token_hex(4), pack_id, key)
        self._clock = CityClock()
        self._uplink = Uplink(settings.city_url, credentials, self, self._clock, ca=_trust(settings))
        store = OutboxStore(
            settings.outbox_dir or default_folder(bundle.box_id),
            Sealer(key.derive("outbox")),
            bundle.box_id,
            credentials.boot_id,
            keeps=settings.hosted_at is HostedAt.BRANCH,
        )
        self._outbox = KeptOutbox(settings.outbox_capacity, store)
        identity = BoxIdentity(bundle.box_id, credentials.boot_id, bundle.transform)
        self._desk: TicketDesk | None = None
        self._taps: dict[str, Taps] = {}
        if settings.ticketing_port is not None:
            self._taps = {
                camera.camera_id: Taps(engine, bundle.transform, min_face_px=settings.min_face_px)
                for camera in settings.cameras
            }
        self._crew = Crew(
            settings,
            engine,
            identity,
            CameraHooks(
                look=lambda look: self._from_thread(self._admit, look),
                status=lambda status: self._from_thread(self._note_status, status),
            ),
            taps=self._taps,
            on_track_over=lambda track: self._from_thread(self._report.track_over, track),
            clock_ms=self._clock.now_ms,
        )
        self._workers = self._crew.workers
        self._manager = ServiceManager()

    async def run(self) -> None:
        """Work until stopped or, when every source is a file, until all have ended and been answered.

        Raises the first camera's source error, or `BoxRefused`.
        """
        for camera in self._settings.cameras:
            await asyncio.to_thread(self._crew.source(camera).check)
        self._loop = asyncio.get_running_loop()
        self._outbox.open(time.monotonic())
        uplink = asyncio.create_task(self._uplink.run())
        watch = asyncio.create_task(self._until_done())
        try:
            async with self._ticketing(), self._operations():
                self._manager.ready()
                await asyncio.wait({uplink, watch}, return_when=asyncio.FIRST_COMPLETED)
            if uplink.done():
                uplink.result()
        finally:
            self._manager.stopping()
            for worker in self._workers.values():
                worker.halt()
            for worker in self._workers.values():
                if worker.ident is not None:
                    await asyncio.to_thread(worker.join, _GRACE_S)
            for task in (uplink, watch):
                task.cancel()
            await asyncio.gather(uplink, watch, return_exceptions=True)
            self._outbox.close()
        self._raise_source_error()

    def stop(self) -> None:
        """End gracefully; call from the event loop (signal handler)."""
        self._stopping.set()

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        self._report.dropped = self._outbox.dropped + self._outbox.expired
        return self._report.as_json((name, worker.pipeline.report) for name, worker in self._workers.items())

    @contextlib.asynccontextmanager
    async def _ticketing(self) -> AsyncIterator[None]:
        if not self._taps:
            yield
            return
        from edge import ticketing  # a web framework is memory that a box without ticket machine need not spend

        self._desk = ticketing.TicketDesk(self._taps, self._ask_for_ticket)
        async with ticketing.serving(self._desk, self._settings):
            yield

    @contextlib.asynccontextmanager
    async def _operations(self) -> AsyncIterator[None]:
        if self._settings.operations_port is None:
            yield
            return
        from edge.operations import Operations, Sight

        def sight(name: str) -> Sight:
            return Sight(self._workers[name].pipeline, lambda: self._report.near(name))

        sights = {name: sight(name) for name in self._workers} if self._settings.installer_page else None
        async with Operations(self._settings.operations_port, self.figures, sights).serving():
            yield

    def figures(self) -> BoxFigures:
        """Return what `/healthz` and `/metrics` tell."""
        lost = self._outbox.dropped + self._outbox.expired
        return BoxFigures(self._crew.figures(), self._report.face_events, lost, len(self._outbox), self._online)

    def _ask_for_ticket(self, ask: TicketAsk) -> bool:
        if self._online:
            self._replies.append(ask)
            self._uplink.wake()
        return self._online

    # --- Traffic of the uplink

    def connected(self, welcome: Welcome) -> None:
        """Tell every camera what it may do, and the city how every camera is."""
        self._online = True
        self._permit(welcome)
        self._replies.extend(self._statuses.values())

    def _permit(self, welcome: Welcome) -> None:
        """Start cameras that have not begun; those not named in `welcome` stop computing."""
        permitted = {camera.camera_id: camera for camera in welcome.cameras}
        for camera_id, worker in self._workers.items():
            worker.allow(permitted.get(camera_id))
            if worker.ident is None:
                worker.start()

    def outgoing(self) -> list[msgspec.Struct]:
        """Return replies first (a card may be waiting for its photo), then unsent events."""
        replies = list(self._replies)
        self._replies.clear()
        events, gone = self._outbox.take_unsent(time.monotonic())
        self._lost(gone)
        stamped = (msgspec.structs.replace(event, seen_at_ms=self._clock.city_ms(event.seen_at_ms)) for event in events)
        return [*replies, *stamped]

    def received(self, message: CityMessage) -> None:
        """Settle an event; hand the answer to its camera; fetch the photo if it is wanted."""
        if isinstance(message, Welcome):
            self._permit(message)
        elif isinstance(message, TicketAnswer):
            if self._desk is not None:
                self._desk.answered(message)
        elif isinstance(message, FaceAnswer):
            self._settle(message, message.outcome)
            if message.boot_id:  # of an earlier boot: its photo went with it
                if message.want_photo:
                    self._replies.append(ScenePhoto(message.camera_id, message.track, b"", message.boot_id))
            elif message.want_photo:
                jpeg = self._scenes.take(message.track, time.monotonic())
                self._replies.append(ScenePhoto(message.camera_id, message.track, jpeg))
                self._report.scene_photos_sent += bool(jpeg)
            elif message.outcome is not Outcome.BETTER_SHOT:
                self._scenes.forget(message.track)
            self._uplink.wake()
        elif isinstance(message, Refused) and message.code in _NOT_NOW:
            self._outbox.postpone((message.boot_id, message.track, message.seq), time.monotonic())
        elif isinstance(message, Refused):
            log.warning("event_refused", code=message.code, error_id=message.error_id, track=message.track)
            self._settle(message, None)
            if not message.boot_id:
                self._scenes.forget(message.track)
            self._uplink.wake()

    def sent(self, message: msgspec.Struct, wire_bytes: int) -> None:
        """Count it."""
        self._report.traffic.sent(message, wire_bytes)

    def heard(self, message: CityMessage, wire_bytes: int) -> None:
        """Count it."""
        self._report.traffic.heard(message, wire_bytes)

    def disconnected(self) -> None:
        """Whatever was not answered is sent again; photos and statuses are not."""
        self._online = False
        self._outbox.connection_lost()
        self._replies.clear()

    # --- from the cameras

    def _from_thread(self, call: Any, argument: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, argument)

    def _admit(self, look: Look) -> None:
        self._report.face_events += 1
        self._scenes.keep(look.event.track, look.photo, time.monotonic())
        self._lost(self._outbox.add(look.event, time.monotonic()))
        self._uplink.wake()

    def _note_status(self, status: CameraStatus) -> None:
        self._statuses[status.camera_id] = status
        self._replies.append(status)
        self._uplink.wake()

    def _settle(self, answer: FaceAnswer | Refused, outcome: Outcome | None) -> None:
        event = self._outbox.settle((answer.boot_id, answer.track, answer.seq))
        if event is not None:
            self._tell_camera(event, outcome)

    def _tell_camera(self, event: FaceLook, outcome: Outcome | None) -> None:
        if not event.boot_id:  # tracks of an earlier boot are nobody's here
            self._workers[event.camera_id].answer(event.track, event.seq, outcome)

    def _lost(self, events: list[FaceLook]) -> None:
        for event in events:
            log.warning("event_lost", camera_id=event.camera_id, track=event.track, seq=event.seq)
            self._tell_camera(event, None)

    # --- the end

    async def _until_done(self) -> None:
        finite = not any(self._crew.source(camera).live or camera.loop for camera in self._settings.cameras)
        while not await self._stopped_within(_POLL_S):
            self._manager.alive(time.monotonic())
            self._crew.replace_hung()
            self._lost(self._outbox.expire(time.monotonic()))
            if finite and all(worker.ident and worker.settled for worker in self._workers.values()):
                await self._until_answered()
                return

    async def _until_answered(self) -> None:
        """Wait for outstanding answers and for the photos they ask for."""
        deadline_s = time.monotonic() + self._settings.drain_timeout_s
        while (self._outbox or self._replies) and time.monotonic() < deadline_s:
            if await self._stopped_within(_POLL_S):
                return

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    def _raise_source_error(self) -> None:
        error: YingbinError | None = next((w.error for w in self._workers.values() if w.error is not None), None)
        if error is not None:
            raise error


def _trust(settings: EdgeSettings) -> ssl.SSLContext | None:
    if settings.city_ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(settings.city_ca_file))
    except OSError as error:
        raise BadConfiguration(f"city_ca_file {settings.city_ca_file} cannot be used: {error}") from error
