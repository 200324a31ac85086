"""Frames from a file, a photo, a folder of images, a network stream (RTSP, HTTP) or a USB camera (PyAV).

Decoding runs in a thread of its own. A live source, or a file played in real time, hands over only the newest frame, so
a slow consumer skips frames instead of falling behind; `Frame.index` stays the true 0-based index in the source.
"""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edge.clock import box_now_ms
from edge.timeline import Timeline
from yingbin.errors import InvalidInput, NotFound, Unavailable

Image = NDArray[np.uint8]
Decode = Literal["all", "reference"]
Transport = Literal["tcp", "udp"]

_MISSING_TAIL: Final = 0.05
"""Containers announce a frame or two they do not hold; a file that lacks more than this share was cut off."""
_ANALYSE_US: Final = "2000000"
"""Time to find out what an RTSP stream holds; less than FFmpeg's default, since the description comes first."""
_IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
_PLANAR: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"})
_SAMPLES: Final = 6
"""The mean of an area is taken over at most so many samples a side: a tenth of the cost for a small thumbnail."""
_FROM_STUDIO_RANGE: Final = np.clip((np.arange(256) - 16.0) * (255 / 219) + 0.5, 0, 255).astype(np.uint8)
"""Full-range brightness of a studio-range one (ITU-R BT.601, 2.5.1: black 16, white 235)."""


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
    """One decoded frame. `time_s` runs from 0 on the source's timestamps, never back; `wall_ms` is UTC."""

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
        return self.grey(64, 36)

    def grey(self, width: int, height: int) -> Image:
        """Return the brightness, u8 (height, width), 0 black to 255 white, each value the mean of its area."""
        if self.picture.format.name not in _PLANAR:
            grey = self.picture.to_ndarray(format="gray")
            return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        # The first plane of YUV is the brightness: no conversion of the whole picture is needed.
        plane = self.picture.planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        step = max(1, min(plane.width // width, plane.height // height) // _SAMPLES)
        samples = np.ascontiguousarray(lines[::step, ::step])
        small = np.asarray(cv2.resize(samples, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        full = self.picture.format.name.startswith("yuvj") or self.picture.color_range == ColorRange.JPEG
        return small if full else _FROM_STUDIO_RANGE[small]


class Source:
    """One camera's frames. `live` sources have no end of their own; everything else is a file or a folder.

    `loop` starts a file again at its end; `pace` plays it at its own speed. `decode="reference"` leaves out frames that
    no other frame needs (B-frames, mostly): cheaper, and a hole in time the tracker does not mind. No data for
    `stall_timeout_s` means stopped. `images_per_s` is the speed of a folder of images.
    """

    def __init__(
        self,
        address: str,
        *,
        loop: bool = False,
        pace: bool = True,
        decode: Decode = "all",
        rtsp_transport: Transport = "tcp",
        open_timeout_s: float = 10.0,
        stall_timeout_s: float = 10.0,
        images_per_s: float = 25.0,
    ) -> None:
        self._address = f"/dev/video{address}" if re.fullmatch(r"\d{1,3}", address) else address
        self.shown = _without_password(self._address)
        self.device = self._address.startswith("/dev/video")
        self.live = self.device or "://" in self._address
        self.damaged = 0
        self._loop = loop
        self._pace = pace and not self.live
        self._reference_only = decode == "reference"
        self._transport = rtsp_transport
        self._open_timeout_s, self._stall_timeout_s = open_timeout_s, stall_timeout_s
        self._images_per_s = images_per_s
        self._stop = threading.Event()
        self._mailbox = _Mailbox(newest_only=self.live or self._pace)

    def check(self) -> None:
        """For a file: decode its first frame. Raises `SourceMissing`, `SourceUnreadable` or `SourceEmpty`."""
        if not self.live:
            next(self._decode())

    def close(self) -> None:
        """End `frames` at once, from any thread."""
        self._stop.set()
        self._mailbox.abandon()

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the end or `close`; once. Raises one of `SourceError`, also after too long a silence."""
        threading.Thread(target=self._pump, name=f"decode {self.shown}", daemon=True).start()
        patience_s = self._stall_timeout_s + (self._open_timeout_s if self.live else 0.0)
        try:
            while not self._stop.is_set():
                frame = self._mailbox.take(patience_s)
                if frame is None:
                    return
                patience_s = self._stall_timeout_s
                yield frame
        finally:
            self.close()

    def _pump(self) -> None:
        error: SourceError | None = None
        try:
            for frame in self._timed():
                if not self._mailbox.put(frame):
                    break
        except (SourceMissing, SourceUnreadable, SourceEmpty, SourceStopped) as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - the consumer's thread must learn of whatever ended this one
            error = SourceStopped(f"{self.shown}: {type(failure).__name__}")
        self._mailbox.finish(error)

    def _timed(self) -> Iterator[Frame]:
        """Yield the frames of one or, looping, endless passes: numbered, timed, paced."""
        began_s, began_ms = time.monotonic(), box_now_ms()
        timeline = Timeline(live=self.live)
        while True:
            for index, stamp_s, frame_s, picture in self._decode():
                now_s = timeline.advance(stamp_s, time.monotonic() - began_s, frame_s)
                if self._pace and self._stop.wait(max(0.0, began_s + now_s - time.monotonic())):
                    return
                wall_ms = began_ms + round(now_s * 1000) if self._pace else box_now_ms()
                yield Frame(index, now_s, wall_ms, picture)
            if not self._loop or self._stop.is_set():
                return

    def _decode(self) -> Iterator["_Decoded"]:
        """Yield (index, timestamp in s, nominal distance of frames in s, picture). Raises one of `SourceError`."""
        if not self.live and Path(self._address).is_dir():
            yield from self._images()
            return
        with self._open() as container:
            if not container.streams.video:
                raise SourceUnreadable(f"{self.shown} holds no video")
            yield from self._pictures(container, container.streams.video[0])

    def _pictures(self, container: InputContainer, stream: VideoStream) -> Iterator["_Decoded"]:
        stream.thread_count = 1
        if self._reference_only:
            stream.codec_context.skip_frame = "NONREF"
        rate = float(stream.average_rate or 25)
        # These carry no timestamps: the demuxer invents a frame rate, so only the arrival is true.
        stamped = container.format.name not in {"mpjpeg", "mjpeg"}
        packets, count, first_s = 0, 0, 0.0
        try:
            for packet in container.demux(stream):
                packets += packet.size > 0
                for picture in self._pictures_of(packet):
                    stamp_s = picture.time if stamped else None
                    if count == 0:
                        first_s = stamp_s or 0.0
                    skipping = self._reference_only and stamp_s is not None
                    index = round(((stamp_s or 0.0) - first_s) * rate) if skipping else count
                    count += 1
                    yield index, stamp_s, 1 / rate, picture
        except (av.FFmpegError, OSError) as error:
            kind = SourceStopped if count else SourceUnreadable
            raise kind(f"{self.shown}: reading failed after {count} frames: {_reason(error)}") from error
        if not count:
            raise SourceEmpty(f"{self.shown} holds no frame")
        if self.live:
            raise SourceStopped(f"{self.shown}: the stream ended after {count} frames")
        if packets < stream.frames * (1 - _MISSING_TAIL):
            raise SourceStopped(f"{self.shown}: cut off after {packets} of {stream.frames} frames")

    def _pictures_of(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        """Decode; a damaged packet costs its own pictures only, the decoder finds its way at the next key frame."""
        try:
            pictures = packet.decode()
        except av.InvalidDataError:
            self.damaged += 1
            return []
        sound = [picture for picture in pictures if not picture.is_corrupt]
        self.damaged += len(pictures) - len(sound)
        return sound

    def _images(self) -> Iterator["_Decoded"]:
        """Yield a folder's images in the order of their names. Raises `SourceEmpty` or `SourceUnreadable`."""
        paths = sorted(path for path in Path(self._address).iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
        if not paths:
            raise SourceEmpty(f"{self.shown} holds no image ({', '.join(sorted(_IMAGE_SUFFIXES))})")
        frame_s = 1 / self._images_per_s
        for index, path in enumerate(paths):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise SourceUnreadable(f"{path.name} in {self.shown} is not an image")
            yield index, None, frame_s, VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="bgr24")

    def _open(self) -> InputContainer:
        path = Path(self._address)
        if (self.device or not self.live) and not path.exists():
            raise SourceMissing(f"{self.shown} does not exist; check the camera's `source`")
        if not self.live and path.stat().st_size == 0:
            raise SourceEmpty(f"{self.shown} is empty")
        options = {}
        if self._address.startswith("rtsp"):
            options = {"rtsp_transport": self._transport, "analyzeduration": _ANALYSE_US}
        timeouts = (self._open_timeout_s, self._stall_timeout_s)
        try:
            return av.open(
                self._address,
                format="v4l2" if self.device else None,
                options=options,
                timeout=timeouts if self.live else None,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceUnreadable(f"{self.shown} cannot be opened: {_reason(error)}") from error


_Decoded = tuple[int, float | None, float, VideoFrame]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _without_password(address: str) -> str:
    """Return an address as it may be logged and told to the city: `rtsp://user:password@host` loses its user part."""
    return re.sub(r"://[^/]*@", "://", address)


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
            if not self._changed.wait_for(self._ready, timeout_s):
                raise SourceStopped(f"no frame for {timeout_s:g} s")
            if self._abandoned:
                return None
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def _ready(self) -> bool:
        return self._frame is not None or self._finished or self._abandoned
