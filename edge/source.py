"""Frames from a file, a photo, a network stream or a USB camera (PyAV).

Decoding runs in a thread of its own. A live source, or a file played in real time, hands over only the newest frame, so
a slow consumer skips frames instead of falling behind; `Frame.index` stays the true 0-based index in the source.
"""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from yingbin.errors import InvalidInput, NotFound, Unavailable
from yingbin.ids import now_ms

Image = NDArray[np.uint8]

_MISSING_TAIL = 0.05
"""Containers announce a frame or two they do not hold; a file that lacks more than this share was cut off."""


class SourceMissing(NotFound):
    """There is no such file or device."""

    code = "source_missing"


class SourceUnreadable(InvalidInput):
    """It is there, but it is not a video or photo that can be decoded."""

    code = "source_unreadable"


class SourceEmpty(InvalidInput):
    """It can be opened and holds no frame."""

    code = "source_empty"


class SourceStopped(Unavailable):
    """It delivered frames and then no more, before its end."""

    code = "source_stopped"


SourceError = SourceMissing | SourceUnreadable | SourceEmpty | SourceStopped


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame. `time_s` follows the source's timestamps from 0 and never goes back; `wall_ms` is UTC."""

    index: int
    time_s: float
    wall_ms: int
    picture: VideoFrame

    @property
    def height(self) -> int:
        """Lines."""
        return self.picture.height

    def image(self) -> Image:
        """Convert to BGR, u8 (H, W, 3). Costs a millisecond or more: only frames that are looked at are converted."""
        return np.asarray(self.picture.to_ndarray(format="bgr24"), np.uint8)

    def thumbnail(self) -> Image:
        """Return the brightness of the whole frame, u8 (36, 64), each value the mean of its area."""
        grey = self.picture.to_ndarray(format="gray")
        return np.asarray(cv2.resize(grey, (64, 36), interpolation=cv2.INTER_AREA), np.uint8)


class Source:
    """One camera's frames. `live` sources have no end of their own; everything else is a file."""

    def __init__(self, address: str, *, loop: bool = False, pace: bool = True, stall_timeout_s: float = 10.0) -> None:
        self.address = f"/dev/video{address}" if re.fullmatch(r"\d{1,3}", address) else address
        self.device = self.address.startswith("/dev/video")
        self.live = self.device or "://" in self.address
        self._loop = loop
        self._pace = pace and not self.live
        self._stall_timeout_s = stall_timeout_s
        self._stop = threading.Event()

    def check(self) -> None:
        """For a file: decode its first frame. Raises `SourceMissing`, `SourceUnreadable` or `SourceEmpty`."""
        if not self.live:
            next(self._decode())

    def close(self) -> None:
        """End `frames` soon, from any thread."""
        self._stop.set()

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the end or `close`. Raises one of `SourceError`; also when no frame came for too long."""
        mailbox = _Mailbox(newest_only=self.live or self._pace)
        threading.Thread(target=self._pump, args=(mailbox,), name=f"decode {self.address}", daemon=True).start()
        try:
            while not self._stop.is_set():
                frame = mailbox.take(self._stall_timeout_s)
                if frame is None:
                    return
                yield frame
        finally:
            self._stop.set()
            mailbox.abandon()

    def _pump(self, mailbox: "_Mailbox") -> None:
        error: SourceError | None = None
        try:
            for frame in self._timed():
                if not mailbox.put(frame) or self._stop.is_set():
                    break
        except (SourceMissing, SourceUnreadable, SourceEmpty, SourceStopped) as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - the consumer's thread must learn of whatever ended this one
            error = SourceStopped(f"{self.address}: {type(failure).__name__}: {failure}")
        mailbox.finish(error)

    def _timed(self) -> Iterator[Frame]:
        """Yield the frames of one or, looping, endless passes: numbered, timed, paced."""
        began_s, began_ms = time.monotonic(), now_ms()
        offset_s = last_s = 0.0
        while True:
            for index, (second, picture) in enumerate(self._decode()):
                last_s = max(last_s, offset_s + second)
                if self._pace and self._stop.wait(max(0.0, began_s + last_s - time.monotonic())):
                    return
                wall_ms = began_ms + round(last_s * 1000) if self._pace else now_ms()
                yield Frame(index, last_s, wall_ms, picture)
            if not self._loop or self._stop.is_set():
                return
            offset_s = last_s + 0.04

    def _decode(self) -> Iterator[tuple[float, VideoFrame]]:
        """Yield (seconds since the first frame, picture). Raises one of `SourceError`."""
        count, first_s = 0, 0.0
        with self._open() as container:
            if not container.streams.video:
                raise SourceUnreadable(f"{self.address} holds no video")
            stream = container.streams.video[0]
            stream.thread_count = 1
            rate = float(stream.average_rate or 25)
            try:
                for picture in container.decode(stream):
                    second = picture.time if picture.time is not None else count / rate
                    first_s = second if count == 0 else first_s
                    count += 1
                    yield second - first_s, picture
            except (av.FFmpegError, OSError) as error:
                kind = SourceStopped if count else SourceUnreadable
                raise kind(f"{self.address}: decoding failed after {count} frames: {_reason(error)}") from error
            if not count:
                raise SourceEmpty(f"{self.address} holds no frame")
            if self.live:
                raise SourceStopped(f"{self.address}: the stream ended after {count} frames")
            if count < stream.frames * (1 - _MISSING_TAIL):
                raise SourceStopped(f"{self.address}: cut off after {count} of {stream.frames} frames")

    def _open(self) -> InputContainer:
        path = Path(self.address)
        if (self.device or not self.live) and not path.exists():
            raise SourceMissing(f"{self.address} does not exist; check the camera's `source`")
        if not self.live and (not path.is_file() or path.stat().st_size == 0):
            kind = SourceEmpty if path.is_file() else SourceUnreadable
            raise kind(f"{self.address} is {'empty' if path.is_file() else 'not a file'}")
        try:
            return av.open(
                self.address,
                format="v4l2" if self.device else None,
                options={"rtsp_transport": "tcp"} if self.address.startswith("rtsp") else {},
                timeout=self._stall_timeout_s if self.live else None,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceUnreadable(f"{self.address} cannot be opened: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


class _Mailbox:
    """Hands frames from the decoding thread to one consumer; keeps one frame, the newest or (blocking) the next."""

    def __init__(self, *, newest_only: bool) -> None:
        self._newest_only = newest_only
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._finished = self._abandoned = False
        self._error: SourceError | None = None

    def put(self, frame: Frame) -> bool:
        """Offer a frame; False when nobody wants frames any more."""
        with self._changed:
            if not self._newest_only:
                self._changed.wait_for(lambda: self._frame is None or self._abandoned)
            self._frame = frame
            self._changed.notify_all()
            return not self._abandoned

    def finish(self, error: SourceError | None) -> None:
        with self._changed:
            self._finished, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next frame, None at the end. Raises the producer's error, or `SourceStopped` after `timeout_s`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame is not None or self._finished, timeout_s):
                raise SourceStopped(f"no frame for {timeout_s:g} s")
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame
