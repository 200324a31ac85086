"""The box's camera threads: made alike, replaced when one hangs, and what they report for operations."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping

from edge.camera import CameraHooks, CameraWorker
from edge.detection import Engine
from edge.figures import CameraFigures, MeasuredEngine, Pace
from edge.pipeline import BoxIdentity, Pipeline
from edge.report import TrackReport
from edge.settings import CameraSettings, EdgeSettings
from edge.source import Source
from edge.taps import Taps
from yingbin.log import get_logger

log = get_logger()


class Crew:
    """One `CameraWorker` for each camera of the settings, in `workers`; hooks are called from their threads."""

    def __init__(
        self,
        settings: EdgeSettings,
        engine: Engine,
        identity: BoxIdentity,
        hooks: CameraHooks,
        *,
        taps: Mapping[str, Taps],
        on_track_over: Callable[[TrackReport], None],
        clock_ms: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._hooks = hooks
        self._taps = taps
        self._on_track_over = on_track_over
        self._clock_ms = clock_ms
        self._numbers = itertools.count()
        self._over: Counter[str] = Counter()
        self._pace = {camera.camera_id: Pace() for camera in settings.cameras}
        self.engines = {camera.camera_id: MeasuredEngine(engine) for camera in settings.cameras}
        self.workers = {camera.camera_id: self._new(camera) for camera in settings.cameras}

    def source(self, camera: CameraSettings) -> Source:
        """Return a fresh source for one attempt at a camera."""
        return Source(
            camera.source,
            loop=camera.loop,
            pace=camera.pace_real_time,
            decode=camera.decode,
            rtsp_transport=camera.rtsp_transport,
            open_timeout_s=self._settings.open_timeout_s,
            stall_timeout_s=self._settings.stall_timeout_s,
            images_per_s=camera.images_per_s,
        )

    def replace_hung(self) -> None:
        """Give every camera whose thread is alive and silent too long a new one; the old one delivers nothing more."""
        for camera in self._settings.cameras:
            old = self.workers[camera.camera_id]
            if not old.is_alive() or old.silent_s < self._settings.watchdog_timeout_s:
                continue
            log.error("camera_hangs", camera_id=camera.camera_id, silent_s=round(old.silent_s))
            old.halt()
            new = self._new(camera)
            new.pipeline.report, new.pipeline.onlooker = old.pipeline.report, old.pipeline.onlooker
            new.pipeline.report.reconnects += 1
            new.allow(*old.permitted)
            self.workers[camera.camera_id] = new
            new.start()

    def note_pace(self, now_s: float) -> None:
        """Count the frames of the last interval; call often."""
        for camera_id, worker in self.workers.items():
            self._pace[camera_id].note(worker.pipeline.report.frames, now_s)

    def figures(self) -> tuple[CameraFigures, ...]:
        """Return every camera's figures as of now."""
        return tuple(
            CameraFigures(
                camera_id,
                worker.state,
                worker.detail,
                self._pace[camera_id].per_s,
                worker.pipeline.report.frames,
                worker.pipeline.report.damaged,
                worker.pipeline.report.faces,
                self._over[camera_id],
                worker.pipeline.report.reconnects,
                self.engines[camera_id],
            )
            for camera_id, worker in self.workers.items()
        )

    def _new(self, camera: CameraSettings) -> CameraWorker:
        pipeline = Pipeline(
            camera.camera_id,
            self.engines[camera.camera_id],
            self._identity,
            self._numbers,
            on_track_over=self._track_over,
        )
        return CameraWorker(
            camera.camera_id,
            lambda: self.source(camera),
            pipeline,
            self._hooks,
            drain_timeout_s=self._settings.drain_timeout_s,
            hosted_at=self._settings.hosted_at,
            frozen_after_s=self._settings.frozen_after_s,
            clock_ms=self._clock_ms,
            taps=self._taps.get(camera.camera_id),
        )

    def _track_over(self, track: TrackReport) -> None:
        self._over[track.camera_id] += 1
        self._on_track_over(track)
