"""Runs one camera in a thread of its own: permission (C3), source, pipeline, reconnection. None can harm another."""

import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.pipeline import Look, Pipeline
from edge.source import Source, SourceEmpty, SourceMissing, SourceStopped, SourceUnreadable
from yingbin.errors import YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.wire import Camera, CameraMode, CameraState, CameraStatus, Outcome

_RECHECK_S: Final = 1.0
_BACK_OFF_S: Final = (1.0, 30.0)
_TRANSIENT: Final = (SourceMissing, SourceUnreadable, SourceEmpty, SourceStopped)

log = get_logger()


def refusal(camera: Camera | None, at_ms: int) -> str:
    """Return why this camera must not compute anything at `at_ms`; empty when it may (C3).

    The assessment must cover the camera's role and mode and at least one gallery, and must not have expired.
    """
    if camera is None:
        return "the city does not know this camera; register it at the province"
    if camera.mode is not CameraMode.FEATURE:
        return f"mode {camera.mode.value} is not available on this box"
    assessment = camera.assessment
    if assessment is None:
        return "no impact assessment names this camera"
    if at_ms >= assessment.expires_at_ms:
        return f"impact assessment {assessment.assessment_id} has expired"
    if not any(assessment.covers(camera.role, camera.mode, gallery, at_ms) for gallery in assessment.galleries):
        return f"impact assessment {assessment.assessment_id} does not cover a {camera.role.value} camera"
    return ""


@dataclass(frozen=True, slots=True)
class CameraHooks:
    """Where a camera delivers; called from its thread."""

    look: Callable[[Look], None]
    status: Callable[[CameraStatus], None]


class CameraWorker(threading.Thread):
    """One camera. `open_source` makes a new source for each attempt."""

    def __init__(
        self,
        camera_id: str,
        open_source: Callable[[], Source],
        pipeline: Pipeline,
        hooks: CameraHooks,
        *,
        drain_timeout_s: float,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(name=f"camera {camera_id}", daemon=True)
        self.camera_id = camera_id
        self.pipeline = pipeline
        self.error: YingbinError | None = None
        self.state: CameraState | None = None
        self._state_since_s = 0.0
        self._open_source = open_source
        self._hooks = hooks
        self._drain_timeout_s = drain_timeout_s
        self._clock_ms = clock_ms
        self._camera: Camera | None = None
        self._answers: queue.SimpleQueue[tuple[int, int, Outcome | None]] = queue.SimpleQueue()
        self._halt = threading.Event()
        self._source: Source | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more will come of this camera by itself: over, or not permitted for the drain time."""
        waited_s = time.monotonic() - self._state_since_s
        refused = self.state is CameraState.NOT_ASSESSED and waited_s >= self._drain_timeout_s
        return refused or not self.is_alive()

    def allow(self, camera: Camera | None) -> None:
        """Take what the city says about this camera, from any thread; takes effect with the next frame."""
        self._camera = camera

    def answer(self, track: int, seq: int, outcome: Outcome | None) -> None:
        """Take the city's answer to one of this camera's looks, from any thread."""
        self._answers.put((track, seq, outcome))

    def halt(self) -> None:
        """Stop soon, from any thread."""
        self._halt.set()
        if self._source is not None:
            self._source.close()

    def run(self) -> None:
        """Work until halted or, for a file, until its end and the last answer."""
        failures = 0
        while not self._halt.is_set():
            reason = refusal(self._camera, self._clock_ms())
            if reason:
                self._report(CameraState.NOT_ASSESSED, reason)
                self._halt.wait(_RECHECK_S)
                continue
            self._source = self._open_source()
            frames_before = self.pipeline.report.frames
            try:
                ended = self._play(self._source)
            except _TRANSIENT as error:
                self._fail(error)
            except Exception as error:
                log.exception("camera_failed", camera_id=self.camera_id)
                self._fail(SourceStopped(f"camera {self.camera_id}: {type(error).__name__}"))
            else:
                if ended:
                    self._report(CameraState.ENDED, "the file has ended")
                    return
                continue
            if self.error is not None:
                return
            failures = 0 if self.pipeline.report.frames > frames_before else failures + 1
            self._halt.wait(_back_off_s(failures))

    def _play(self, source: Source) -> bool:
        """Feed frames until the source ends (True), or permission or the thread ends (False)."""
        assessment_id = ""
        for frame in source.frames():
            camera = self._camera
            if self._halt.is_set() or refusal(camera, self._clock_ms()):
                self.pipeline.abandon()
                source.close()
                return False
            self._report(CameraState.RUNNING, "")
            self._take_answers()
            if camera is not None and camera.assessment is not None:
                assessment_id = camera.assessment.assessment_id
            self._send(self.pipeline.process(frame, assessment_id))
        if self._halt.is_set() or refusal(self._camera, self._clock_ms()):
            self.pipeline.abandon()
            return False
        self._drain(assessment_id)
        return True

    def _drain(self, assessment_id: str) -> None:
        """Send what is left when a file has ended, and wait for the answers."""
        deadline_s = time.monotonic() + self._drain_timeout_s
        self._send(self.pipeline.end_of_stream(assessment_id))
        while not self.pipeline.idle and not self._halt.is_set() and time.monotonic() < deadline_s:
            try:
                self.pipeline.answered(*self._answers.get(timeout=0.1))
            except queue.Empty:
                continue
            if refusal(self._camera, self._clock_ms()):
                break
            self._send(self.pipeline.last_looks(assessment_id))
        self.pipeline.abandon()

    def _fail(self, error: YingbinError) -> None:
        """Report a failure: a live stream will be tried again, a file has failed for good."""
        self.pipeline.abandon()
        self._report(CameraState.STOPPED, error.message)
        if self._source is not None and not self._source.live:
            self.error = error

    def _take_answers(self) -> None:
        while not self._answers.empty():
            self.pipeline.answered(*self._answers.get())

    def _send(self, looks: list[Look]) -> None:
        for look in looks:
            self._hooks.look(look)

    def _report(self, state: CameraState, detail: str) -> None:
        if state is self.state:
            return
        self.state, self._state_since_s = state, time.monotonic()
        self.pipeline.report.state = state.value
        log.info("camera_state", camera_id=self.camera_id, state=state.value, detail=detail)
        self._hooks.status(CameraStatus(self.camera_id, state, detail))


def _back_off_s(failures: int) -> float:
    """Doubling from 1 s to 30 s, with full jitter on the upper half, so that many boxes do not return at once."""
    ceiling = min(_BACK_OFF_S[0] * 2.0**failures, _BACK_OFF_S[1])
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
