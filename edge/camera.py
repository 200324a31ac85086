"""Runs one camera in a thread of its own: permission (C3), source, pipeline, reconnection. None can harm another."""

import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.frame import Frame
from edge.pipeline import Look, Pipeline
from edge.settings import HostedAt
from edge.source import Source
from edge.source_errors import SourceEmpty, SourceMissing, SourceStopped, SourceUnreadable
from edge.taps import Taps
from edge.view_check import SAMPLE_EVERY_S, SAMPLE_SIZE, ViewCheck
from yingbin.errors import YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.trust.consent import Purpose, galleries_for
from yingbin.wire import Camera, CameraMode, CameraState, CameraStatus, Outcome

_RECHECK_S: Final = 1.0
_BACK_OFF_S: Final = (1.0, 30.0)
_STEADY_S: Final = 2.0
"""A stream that has played for so long is worth coming back to at once; one that ends at its start is not."""
_TRANSIENT: Final = (SourceMissing, SourceUnreadable, SourceEmpty, SourceStopped)

log = get_logger()


def refusal(camera: Camera | None, at_ms: int, hosted_at: HostedAt = HostedAt.BRANCH) -> str:
    """Return why this camera must not compute anything at `at_ms`; empty when it may (C3).

    The assessment must cover the camera's role and mode and at least one gallery, and must not have expired. A process
    at the city host has pulled the whole stream, so it runs cameras of mode video only; a box at the branch cannot.
    """
    if camera is None:
        return "the city does not know this camera; register it at the province"
    if (camera.mode is CameraMode.VIDEO) is not (hosted_at is HostedAt.CITY):
        return f"mode {camera.mode.value} is not available to a process hosted at the {hosted_at.value}"
    assessment = camera.assessment
    if assessment is None:
        return "no impact assessment names this camera"
    if at_ms >= assessment.expires_at_ms:
        return f"impact assessment {assessment.assessment_id} has expired"
    if not galleries_for(camera, Purpose.VIP_SERVICE, at_ms):
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
        hosted_at: HostedAt = HostedAt.BRANCH,
        frozen_after_s: float = 60.0,
        clock_ms: Callable[[], int] = now_ms,
        taps: Taps | None = None,
    ) -> None:
        super().__init__(name=f"camera {camera_id}", daemon=True)
        self.camera_id = camera_id
        self.pipeline = pipeline
        self.error: YingbinError | None = None
        self.state: CameraState | None = None
        self.detail = ""
        self._state_since_s = 0.0
        self._open_source = open_source
        self._hooks = hooks
        self._drain_timeout_s = drain_timeout_s
        self._hosted_at = hosted_at
        self._clock_ms = clock_ms
        self.taps = taps
        self._permit: tuple[Camera | None, str] = None, ""
        self._answers: queue.SimpleQueue[tuple[int, int, Outcome | None]] = queue.SimpleQueue()
        self._halt = threading.Event()
        self._source: Source | None = None
        self._view = ViewCheck(frozen_after_s=frozen_after_s)
        self._view_due_s = 0.0
        self._playing_since_s = self._beat_s = time.monotonic()

    @property
    def settled(self) -> bool:
        """Whether nothing more will come of this camera by itself: over, or not permitted for the drain time."""
        waited_s = time.monotonic() - self._state_since_s
        refused = self.state in {CameraState.NOT_ASSESSED, CameraState.NO_GALLERY} and waited_s >= self._drain_timeout_s
        return refused or not self.is_alive()

    @property
    def silent_s(self) -> float:
        """Seconds since this thread last showed that it is alive; the supervisor replaces one that hangs."""
        return time.monotonic() - self._beat_s

    @property
    def permitted(self) -> tuple[Camera | None, str]:
        """What `allow` last said."""
        return self._permit

    def allow(self, camera: Camera | None, lacks: str = "") -> None:
        """Take what the city says about this camera, from any thread; takes effect with the next frame.

        `lacks`: what local recognition is without; not empty, the camera computes nothing.
        """
        self._permit = camera, lacks

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
            bar = self._bar()
            if bar:
                self._report(*bar)
                self._pause(_RECHECK_S)
                continue
            self._source = self._open_source()
            self._playing_since_s = float("inf")
            self._beat_s = time.monotonic()
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
            failures = 0 if time.monotonic() - self._playing_since_s >= _STEADY_S else failures + 1
            self.pipeline.report.reconnects += 1
            self._pause(_back_off_s(failures))

    def _play(self, source: Source) -> bool:
        """Feed frames until the source ends (True), or permission or the thread ends (False)."""
        assessment_id, damaged = "", self.pipeline.report.damaged
        for frame in source.frames():
            self.pipeline.report.damaged = damaged + source.damaged
            camera, _ = self._permit
            if self._halt.is_set() or self._bar():
                self.pipeline.abandon()
                source.close()
                return False
            self._watch_over(frame, live=source.live)
            self._take_answers()
            if camera is not None and camera.assessment is not None:
                if self.taps is not None:
                    self.taps.serve(frame, camera, self._clock_ms())
                self.pipeline.mode, self.pipeline.min_face_px = camera.mode, camera.min_face_px
                assessment_id = camera.assessment.assessment_id
            self._send(self.pipeline.process(frame, assessment_id))
        if self._halt.is_set() or self._bar():
            self.pipeline.abandon()
            return False
        self._drain(assessment_id)
        return True

    def _drain(self, assessment_id: str) -> None:
        """Send what is left when a file has ended, and wait for the answers."""
        deadline_s = time.monotonic() + self._drain_timeout_s
        self._send(self.pipeline.end_of_stream(assessment_id))
        while not self.pipeline.idle and not self._halt.is_set() and time.monotonic() < deadline_s:
            self._beat_s = time.monotonic()
            try:
                self.pipeline.answered(*self._answers.get(timeout=0.1))
            except queue.Empty:
                continue
            if self._bar():
                break
            self._send(self.pipeline.last_looks(assessment_id))
        self.pipeline.abandon()

    def _bar(self) -> tuple[CameraState, str] | None:
        """Return why nothing may be computed now; None when it may."""
        camera, lacks = self._permit
        reason = refusal(camera, self._clock_ms(), self._hosted_at)
        if reason:
            return CameraState.NOT_ASSESSED, reason
        return (CameraState.NO_GALLERY, lacks) if lacks else None

    def _fail(self, error: YingbinError) -> None:
        """Report a failure: a live stream will be tried again, a file has failed for good."""
        self.pipeline.abandon()
        live = self._source is not None and self._source.live
        if live and isinstance(error, SourceMissing | SourceUnreadable):
            self._report(CameraState.UNREACHABLE, f"{error.message}; check power, cable, address and password")
        else:
            self._report(CameraState.STOPPED, error.message)
        if not live:
            self.error = error

    def _watch_over(self, frame: Frame, *, live: bool) -> None:
        """Show that this thread lives, and report how the picture is; a file's picture is as it is."""
        self._beat_s = now_s = time.monotonic()
        self._playing_since_s = min(self._playing_since_s, now_s)
        if live and now_s >= self._view_due_s:
            self._view_due_s = now_s + SAMPLE_EVERY_S
            self._view.look(frame.grey(*SAMPLE_SIZE), now_s)
        finding = self._view.finding
        self._report(finding.state, finding.detail)

    def _pause(self, seconds: float) -> None:
        """Wait, showing that this thread lives, until halted."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0 and not self._halt.wait(min(left_s, _RECHECK_S)):
            self._beat_s = time.monotonic()

    def _take_answers(self) -> None:
        while not self._answers.empty():
            self.pipeline.answered(*self._answers.get())

    def _send(self, looks: list[Look]) -> None:
        for look in looks if not self._halt.is_set() else ():
            self._hooks.look(look)

    def _report(self, state: CameraState, detail: str) -> None:
        if state is self.state:
            return
        self.state, self.detail, self._state_since_s = state, detail, time.monotonic()
        self.pipeline.report.state = state.value
        log.info("camera_state", camera_id=self.camera_id, state=state.value, detail=detail)
        self._hooks.status(CameraStatus(self.camera_id, state, detail))


def _back_off_s(failures: int) -> float:
    """Doubling from 1 s to 30 s, with full jitter on the upper half, so that many boxes do not return at once."""
    ceiling = min(_BACK_OFF_S[0] * 2.0**failures, _BACK_OFF_S[1])
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
