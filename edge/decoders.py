"""Pictures with their timestamps: from whatever FFmpeg opens (a file, a stream, a device), or a folder of images."""

import re
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
from av.video.stream import VideoStream

from edge.source_errors import SourceEmpty, SourceMissing, SourceStopped, SourceUnreadable

Transport = Literal["tcp", "udp"]

_MISSING_TAIL: Final = 0.05
"""Containers announce a frame or two they do not hold; a file that lacks more than this share was cut off."""
_ANALYSE_US: Final = "2000000"
"""Time to find out what an RTSP stream holds; less than FFmpeg's default, since the description comes first."""
_IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
_UNSTAMPED: Final = frozenset({"mpjpeg", "mjpeg"})
"""These carry no timestamps: the demuxer invents a frame rate, so only the arrival is true."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture; `stamp_s` is its timestamp, if it has one, `frame_s` the nominal distance of two pictures."""

    index: int
    stamp_s: float | None
    frame_s: float
    picture: VideoFrame


@dataclass(frozen=True, slots=True)
class Address:
    """Where pictures come from: a path, a URL, or the number of a USB camera as its device."""

    text: str

    @classmethod
    def of(cls, setting: str) -> "Address":
        """Return the address that a camera's `source` names."""
        return cls(f"/dev/video{setting}" if re.fullmatch(r"\d{1,3}", setting) else setting)

    @property
    def shown(self) -> str:
        """The address as it may be logged and told to the city: `rtsp://user:password@host` without its user part."""
        return re.sub(r"://[^/]*@", "://", self.text)

    @property
    def device(self) -> bool:
        """Whether it is a camera of this machine."""
        return self.text.startswith("/dev/video")

    @property
    def live(self) -> bool:
        """Whether it has no end of its own."""
        return self.device or "://" in self.text


class VideoDecoder:
    """Decodes one file, stream or device. `damaged` counts the pictures and packets that were left out."""

    def __init__(
        self,
        address: Address,
        *,
        reference_only: bool,
        transport: Transport,
        open_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self.damaged = 0
        self._address = address
        self._reference_only = reference_only
        self._transport = transport
        self._timeouts_s = (open_timeout_s, read_timeout_s)

    def pictures(self) -> Iterator[Decoded]:
        """Open it and yield its pictures. Raises one of `SourceError`, for a live source at its end too."""
        with self._open() as container:
            if not container.streams.video:
                raise SourceUnreadable(f"{self._address.shown} holds no video")
            yield from self._decode(container, container.streams.video[0])

    def _open(self) -> InputContainer:
        address = self._address
        path = Path(address.text)
        if (address.device or not address.live) and not path.exists():
            raise SourceMissing(f"{address.shown} does not exist; check the camera's `source`")
        if not address.live and path.stat().st_size == 0:
            raise SourceEmpty(f"{address.shown} is empty")
        options = {}
        if address.text.startswith("rtsp"):
            options = {"rtsp_transport": self._transport, "analyzeduration": _ANALYSE_US}
        try:
            return av.open(
                address.text,
                format="v4l2" if address.device else None,
                options=options,
                timeout=self._timeouts_s if address.live else None,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceUnreadable(f"{address.shown} cannot be opened: {_reason(error)}") from error

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[Decoded]:
        stream.thread_count = 1
        if self._reference_only:
            stream.codec_context.skip_frame = "NONREF"
        rate = float(stream.average_rate or 25)
        stamped = container.format.name not in _UNSTAMPED
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
                    yield Decoded(index, stamp_s, 1 / rate, picture)
        except (av.FFmpegError, OSError) as error:
            kind = SourceStopped if count else SourceUnreadable
            raise kind(f"{self._address.shown}: reading failed after {count} frames: {_reason(error)}") from error
        if not count:
            raise SourceEmpty(f"{self._address.shown} holds no frame")
        if self._address.live:
            raise SourceStopped(f"{self._address.shown}: the stream ended after {count} frames")
        if packets < stream.frames * (1 - _MISSING_TAIL):
            raise SourceStopped(f"{self._address.shown}: cut off after {packets} of {stream.frames} frames")

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


def images_in(folder: Path, images_per_s: float) -> Iterator[Decoded]:
    """Yield a folder's images in the order of their names. Raises `SourceEmpty` or `SourceUnreadable`."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise SourceEmpty(f"{folder} holds no image ({', '.join(sorted(_IMAGE_SUFFIXES))})")
    for index, path in enumerate(paths):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceUnreadable(f"{path.name} in {folder} is not an image")
        picture = VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="bgr24")
        yield Decoded(index, None, 1 / images_per_s, picture)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
