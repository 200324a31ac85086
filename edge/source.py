"""Frames from a file, a photo, a folder of images, a network stream (RTSP, HTTP) or a USB camera (PyAV).

Decoding runs in a thread of its own. A live source, or a file played in real time, hands over only the newest frame, so
a slow consumer skips frames instead of falling behind; `Frame.index` stays the true 0-based index in the source.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from edge.clock import box_now_ms
from edge.decoders import Address, Decoded, Transport, VideoDecoder, images_in
from edge.frame import Frame
from edge.mailbox import Mailbox
from edge.source_errors import SourceEmpty, SourceError, SourceMissing, SourceStopped, SourceUnreadable
from edge.timeline import Timeline

Decode = Literal["all", "reference"]


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
        self._address = Address.of(address)
        self.shown = self._address.shown
        self.live = self._address.live
        self._loop = loop
        self._pace = pace and not self.live
        self._open_timeout_s, self._stall_timeout_s = open_timeout_s, stall_timeout_s
        self._images_per_s = images_per_s
        self._video = VideoDecoder(
            self._address,
            reference_only=decode == "reference",
            transport=rtsp_transport,
            open_timeout_s=open_timeout_s,
            read_timeout_s=stall_timeout_s,
        )
        self._stop = threading.Event()
        self._mailbox: Mailbox[tuple[int, Frame]] = Mailbox(newest_only=self.live or self._pace)

    @property
    def damaged(self) -> int:
        """Pictures and packets that could not be decoded, so far."""
        return self._video.damaged

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
        taken = 0
        try:
            while not self._stop.is_set():
                numbered = self._mailbox.take(patience_s)
                if numbered is None:
                    return
                patience_s = self._stall_timeout_s
                number, frame = numbered
                yield replace(frame, missed=number - taken - 1)
                taken = number
        finally:
            self.close()

    def _pump(self) -> None:
        error: SourceError | None = None
        try:
            for numbered in enumerate(self._timed(), start=1):
                if not self._mailbox.put(numbered):
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
            for one in self._decode():
                now_s = timeline.advance(one.stamp_s, time.monotonic() - began_s, one.frame_s)
                if self._pace and self._stop.wait(max(0.0, began_s + now_s - time.monotonic())):
                    return
                wall_ms = began_ms + round(now_s * 1000) if self._pace else box_now_ms()
                yield Frame(one.index, now_s, wall_ms, one.picture)
            if not self._loop or self._stop.is_set():
                return

    def _decode(self) -> Iterator[Decoded]:
        folder = Path(self._address.text)
        if not self.live and folder.is_dir():
            return images_in(folder, self._images_per_s)
        return self._video.pictures()
