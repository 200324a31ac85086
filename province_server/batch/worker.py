"""Runs one job at a time in a thread of its own that gives way to the pages."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from province_server.batch.jobs import Jobs
from yingbin.errors import YingbinError
from yingbin.log import get_logger

log = get_logger()
_NICENESS: Final = 10
_LONGEST_PAUSE_S: Final = 0.1


class Stopped(Exception):
    """A job noticed between rows that it is to stop."""


Check = Callable[[], None]
"""Called between rows; raises `Stopped`."""
Work = Callable[[Check], str]
"""Works off a job; returns its findings as JSON."""


class Worker:
    """The thread of one kind of jobs."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._job_id = ""
        self._cancelled = threading.Event()
        self._closing = threading.Event()

    def start(self, job_id: str, work: Work, release: Callable[[], None]) -> None:
        """Work off a job that was begun; `release` is called at its end, whatever it was."""
        with self._lock:
            self._job_id = job_id
            self._cancelled.clear()
            self._thread = threading.Thread(target=self._run, args=(job_id, work, release), name="batch", daemon=True)
            self._thread.start()

    def cancel(self, job_id: str) -> None:
        """Stop a job after the rows at hand; what is done stays. Safe to repeat. Raises `NotFound`."""
        if self._jobs.get(job_id).state != "running" or job_id != self._job_id:
            return
        self._cancelled.set()

    def stop(self) -> None:
        """Interrupt the job, if any, and wait for it: the server stops."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, job_id: str, work: Work, release: Callable[[], None]) -> None:
        try:
            findings = work(self._check)
            if findings:
                self._jobs.keep_findings(job_id, findings)
            self._jobs.end(job_id, "done")
            log.info("batch_job_done", job_id=job_id)
        except Stopped:
            self._jobs.end(job_id, "cancelled" if self._cancelled.is_set() else "interrupted")
        except YingbinError as error:
            log.warning("batch_job_failed", job_id=job_id, code=error.code, error_id=error.error_id)
            self._fail(job_id, error)
        except Exception as error:
            ours = YingbinError("something went wrong here; quote the error id to your administrator")
            log.exception("batch_job_failed", job_id=job_id, error_id=ours.error_id, exc_info=error)
            self._fail(job_id, ours)
        finally:
            release()

    def _fail(self, job_id: str, error: YingbinError) -> None:
        with suppress(YingbinError):  # no room left even for that: the next start says that it was interrupted
            self._jobs.end(job_id, "failed", f"{error.code}: {error.message} ({error.error_id})")

    def _check(self) -> None:
        if self._cancelled.is_set() or self._closing.is_set():
            raise Stopped


def give_way(since_s: float) -> None:
    """Sleep as long as the database was written to since `time.monotonic()` was `since_s`, a tenth of a second at most.

    A page waits for the write under way at most (`yingbin.storage.turns`); this leaves it the processor too.
    """
    time.sleep(min(time.monotonic() - since_s, _LONGEST_PAUSE_S))


def be_nice() -> None:
    """Let this thread compute only when nobody else wants to; on Linux niceness is a thread's own.

    Not for one that writes: pages would wait for the lock of somebody whom other processes keep from running.
    """
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
