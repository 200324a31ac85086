"""One box: its cameras' threads, the outbox, local recognition and the uplink, joined in one event loop."""

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from edge.camera import CameraHooks
from edge.caretaker import Caretaker
from edge.clock import CityClock
from edge.crew import Crew
from edge.detection import Engine
from edge.exchange import Exchange
from edge.figures import BoxFigures
from edge.gallery_store import GalleryStore
from edge.local_recognition import LocalRecognition
from edge.outbox_store import KeptOutbox, OutboxStore, default_folder
from edge.pipeline import BoxIdentity
from edge.report import RunReport
from edge.settings import EdgeSettings, HostedAt
from edge.supervisor import ServiceManager
from edge.taps import Taps
from edge.uplink import Credentials, Uplink
from yingbin.errors import BadConfiguration, YingbinError
from yingbin.faces.scores import ScoreModel
from yingbin.log import get_logger
from yingbin.trust.devices import BoxBundle, DeviceKey
from yingbin.trust.seal import Sealer

_POLL_S: Final = 0.2
_GRACE_S: Final = 3.0
_UNSTATED: Final = ScoreModel()

log = get_logger()


class EdgeAgent:
    """Owns everything of one boot. Only cameras work outside the event loop; they hand over through `_from_thread`."""

    def __init__(
        self,
        settings: EdgeSettings,
        engine: Engine,
        bundle: BoxBundle,
        key: DeviceKey,
        pack_id: str,
        scores: ScoreModel = _UNSTATED,
    ) -> None:
        if pack_id != bundle.pack_id:
            raise BadConfiguration(f"models_pack is {pack_id}, but this box was registered for {bundle.pack_id}")
        self._settings = settings
        self._report = RunReport()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        credentials = Credentials(bundle.box_id, secrets.token_hex(4), pack_id, bundle.key_id, key)
        self._clock = CityClock()
        folder = settings.outbox_dir or default_folder(bundle.box_id)
        store = OutboxStore(
            folder,
            Sealer(key.derive(f"outbox/{pack_id}")),  # with another pack, what waits is of no use: dropped
            bundle.box_id,
            credentials.boot_id,
            bundle.key_id,
            keeps=settings.hosted_at is HostedAt.BRANCH,
        )
        self._outbox = KeptOutbox(settings.outbox_capacity, store)
        self._caretaker = Caretaker(folder, credentials.boot_id)
        gallery = GalleryStore(folder, Sealer(key.derive(f"gallery/{bundle.key_id}")), bundle.box_id)
        self._local = LocalRecognition(gallery, scores, bundle.dimension, self._clock.now_ms)
        self._exchange = Exchange(
            self._outbox,
            self._local,
            self._report,
            self._clock,
            workers=lambda: self._crew.workers,
            wake=lambda: self._uplink.wake(),  # noqa: PLW0108 - made below
        )
        self._uplink = Uplink(settings.city_url, credentials, self._exchange, self._clock, ca=_trust(settings))
        identity = BoxIdentity(bundle.box_id, credentials.boot_id, bundle.transform)
        self._taps: dict[str, Taps] = {}
        if settings.ticketing_port is not None:
            self._taps = {camera.camera_id: Taps(engine, bundle.transform) for camera in settings.cameras}
        self._crew = Crew(
            settings,
            engine,
            identity,
            CameraHooks(
                look=lambda look: self._from_thread(self._exchange.admit, look),
                status=lambda status: self._from_thread(self._exchange.note_status, status),
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
        self._caretaker.begin()
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
            self._local.close()
            self._outbox.close()
            self._caretaker.end()
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

        desk = self._exchange.desk = ticketing.TicketDesk(self._taps, self._exchange.tell_ticketing)
        async with ticketing.serving(desk, self._settings):
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
        return BoxFigures(
            cameras=self._crew.figures(),
            events=self._report.face_events,
            events_lost=self._outbox.dropped + self._outbox.expired,
            events_waiting=len(self._outbox),
            connected=self._exchange.online,
            gallery=self._local.held,
        )

    def _from_thread(self, call: Any, argument: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, argument)

    # --- the end

    async def _until_done(self) -> None:
        finite = not any(self._crew.source(camera).live or camera.loop for camera in self._settings.cameras)
        while not await self._stopped_within(_POLL_S):
            self._manager.alive(time.monotonic())
            self._crew.replace_hung()
            self._crew.note_pace(time.monotonic())
            self._exchange.tick()
            if finite and all(worker.ident and worker.settled for worker in self._workers.values()):
                await self._until_answered()
                return

    async def _until_answered(self) -> None:
        """Wait for outstanding answers and for the photos they ask for."""
        deadline_s = time.monotonic() + self._settings.drain_timeout_s
        while self._exchange.pending and time.monotonic() < deadline_s:
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
