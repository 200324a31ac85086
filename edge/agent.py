"""One box: its cameras' threads, the outbox, the scene photos and the uplink, joined in one event loop."""

import asyncio
import contextlib
import itertools
import secrets
import ssl
import time
from collections import deque
from typing import Any, Final

import msgspec

from edge.camera import CameraHooks, CameraWorker
from edge.outbox import Outbox
from edge.pipeline import BoxIdentity, Engine, Look, Pipeline
from edge.report import RunReport
from edge.scene import SceneStore
from edge.settings import CameraSettings, EdgeSettings
from edge.source import Source
from edge.uplink import Credentials, Uplink
from yingbin.errors import BadConfiguration, YingbinError
from yingbin.log import get_logger
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.wire import (
    CameraStatus,
    CityMessage,
    FaceAnswer,
    FaceEvent,
    Outcome,
    Refused,
    ScenePhoto,
    Welcome,
)

_POLL_S: Final = 0.05
_GRACE_S: Final = 3.0

log = get_logger()


class EdgeAgent:
    """Owns everything of one boot. Only cameras work outside the event loop; they hand over through `_from_thread`."""

    def __init__(self, settings: EdgeSettings, engine: Engine, bundle: BoxBundle, key: DeviceKey, pack_id: str) -> None:
        if pack_id != bundle.pack_id:
            raise BadConfiguration(f"models_pack is {pack_id}, but this box was registered for {bundle.pack_id}")
        self._settings = settings
        self._outbox = Outbox()
        self._scenes = SceneStore()
        self._report = RunReport()
        self._replies: deque[msgspec.Struct] = deque()
        self._statuses: dict[str, CameraStatus] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        credentials = Credentials(bundle.box_id, secrets.token_hex(4), pack_id, key)
        self._uplink = Uplink(settings.city_url, credentials, self, ca=_trust(settings))
        identity = BoxIdentity(bundle.box_id, credentials.boot_id, bundle.transform)
        numbers = itertools.count()
        self._workers = {
            camera.camera_id: CameraWorker(
                camera.camera_id,
                lambda camera=camera: _source(camera, settings),  # type: ignore[misc]
                Pipeline(
                    camera.camera_id,
                    engine,
                    identity,
                    numbers,
                    min_face_px=settings.min_face_px,
                    on_track_over=lambda track: self._from_thread(self._report.track_over, track),
                ),
                CameraHooks(
                    look=lambda look: self._from_thread(self._admit, look),
                    status=lambda status: self._from_thread(self._note_status, status),
                ),
                drain_timeout_s=settings.drain_timeout_s,
            )
            for camera in settings.cameras
        }

    async def run(self) -> None:
        """Work until stopped or, when every source is a file, until all have ended and been answered.

        Raises the first camera's source error, or `BoxRefused`.
        """
        for camera in self._settings.cameras:
            await asyncio.to_thread(_source(camera, self._settings).check)
        self._loop = asyncio.get_running_loop()
        uplink = asyncio.create_task(self._uplink.run())
        watch = asyncio.create_task(self._until_done())
        try:
            await asyncio.wait({uplink, watch}, return_when=asyncio.FIRST_COMPLETED)
            if uplink.done():
                uplink.result()
        finally:
            for worker in self._workers.values():
                worker.halt()
            for worker in self._workers.values():
                if worker.ident is not None:
                    await asyncio.to_thread(worker.join, _GRACE_S)
            for task in (uplink, watch):
                task.cancel()
            await asyncio.gather(uplink, watch, return_exceptions=True)
        self._raise_source_error()

    def stop(self) -> None:
        """End gracefully; call from the event loop (signal handler)."""
        self._stopping.set()

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        self._report.dropped = self._outbox.dropped + self._outbox.expired
        return self._report.as_json((name, worker.pipeline.report) for name, worker in self._workers.items())

    # --- Traffic of the uplink

    def connected(self, welcome: Welcome) -> None:
        """Tell every camera what it may do, and the city how every camera is."""
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
        return [*replies, *events]

    def received(self, message: CityMessage) -> None:
        """Settle an event; hand the answer to its camera; fetch the photo if it is wanted."""
        if isinstance(message, Welcome):
            self._permit(message)
        elif isinstance(message, FaceAnswer):
            self._settle(message.track, message.seq, message.outcome)
            if message.want_photo:
                jpeg = self._scenes.take(message.track, time.monotonic())
                self._replies.append(ScenePhoto(message.camera_id, message.track, jpeg))
                self._report.scene_photos_sent += bool(jpeg)
                self._uplink.wake()
            elif message.outcome is not Outcome.BETTER_SHOT:
                self._scenes.forget(message.track)
        elif isinstance(message, Refused):
            log.warning("event_refused", code=message.code, error_id=message.error_id, track=message.track)
            self._settle(message.track, message.seq, None)
            self._scenes.forget(message.track)

    def sent_event(self, wire_bytes: int) -> None:
        """Count it."""
        self._report.event_bytes.append(wire_bytes)

    def disconnected(self) -> None:
        """Whatever was not answered is sent again; photos and statuses are not."""
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

    def _settle(self, track: int, seq: int, outcome: Outcome | None) -> None:
        event = self._outbox.settle(track, seq)
        if event is not None:
            self._workers[event.camera_id].answer(track, seq, outcome)

    def _lost(self, events: list[FaceEvent]) -> None:
        for event in events:
            log.warning("event_lost", camera_id=event.camera_id, track=event.track, seq=event.seq)
            self._workers[event.camera_id].answer(event.track, event.seq, None)

    # --- the end

    async def _until_done(self) -> None:
        finite = not any(_source(camera, self._settings).live or camera.loop for camera in self._settings.cameras)
        while not await self._stopped_within(_POLL_S):
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


def _source(camera: CameraSettings, settings: EdgeSettings) -> Source:
    return Source(camera.source, loop=camera.loop, pace=camera.pace_real_time, stall_timeout_s=settings.stall_timeout_s)


def _trust(settings: EdgeSettings) -> ssl.SSLContext | None:
    if settings.city_ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(settings.city_ca_file))
    except OSError as error:
        raise BadConfiguration(f"city_ca_file {settings.city_ca_file} cannot be used: {error}") from error
