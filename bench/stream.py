"""A camera that is pulled: serves an encoded clip once, in real time, as MPEG-TS over HTTP, and counts what it sent."""

import contextlib
import io
import socket
import threading
import time
from pathlib import Path
from typing import Final, Self

import av

_HEAD: Final = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n"
_POLL_S: Final = 0.2


class PulledCamera:
    """Listens on loopback while open as a context manager. `sent_bytes` counts the stream, HTTP header included.

    After the clip the line stays open and silent, as that of a camera that hangs; a second reader gets nothing.
    """

    def __init__(self, clip: Path) -> None:
        self._pieces = _transport_stream(clip)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="pulled camera", daemon=True)
        self.sent_bytes = 0
        self.played = threading.Event()

    @property
    def url(self) -> str:
        """Address for a box's `source`."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream.ts"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        reader = self._accept()
        if reader is None:
            return
        with reader, contextlib.suppress(OSError):
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader.recv(4096)  # the request; there is only one thing to ask for
            self._send(reader, _HEAD)
            began_s = time.monotonic()
            for at_s, piece in self._pieces:
                if self._closing.wait(max(0.0, began_s + at_s - time.monotonic())):
                    return
                self._send(reader, piece)
            self.played.set()
            self._closing.wait()

    def _accept(self) -> socket.socket | None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                reader, _ = self._listener.accept()
                reader.settimeout(None)
                return reader
        return None

    def _send(self, reader: socket.socket, piece: bytes) -> None:
        reader.sendall(piece)
        self.sent_bytes += len(piece)


def _transport_stream(clip: Path) -> list[tuple[float, bytes]]:
    """Return the clip's packets as MPEG-TS, unchanged, each with the second at which it is due."""
    pieces: list[tuple[float, bytes]] = []
    out = io.BytesIO()
    with av.open(str(clip)) as container, av.open(out, "w", format="mpegts", options={"flush_packets": "1"}) as stream:
        source = container.streams.video[0]
        target = stream.add_stream_from_template(source)
        for packet in container.demux(source):
            if packet.dts is None or packet.time_base is None:
                continue
            at_s = float(packet.dts * packet.time_base)
            packet.stream = target
            stream.mux(packet)
            pieces.append((at_s, _taken(out)))
    return [*pieces, (pieces[-1][0] if pieces else 0.0, _taken(out))]


def _taken(buffer: io.BytesIO) -> bytes:
    """Return and clear what was written."""
    written = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return written
