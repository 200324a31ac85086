"""An upload on its way through this process: on the disk, but readable by nobody else (C2, C8).

The file has no name from the moment it exists and is sealed under a key that only this object holds, so neither a
stolen disk nor kill -9 leaves a face or a list of customers behind.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import Final

from yingbin.errors import StorageFull
from yingbin.trust.seal import Sealer

_KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 256 * 1024
_SEALED_BYTES: Final = CHUNK_BYTES + 28
"""A nonce of 12 bytes and a tag of 16 around each chunk."""


class SealedSpool(io.RawIOBase):
    """Written once from the beginning, then read anywhere; a file object for `zipfile` and `csv`. One thread at a time.

    Memory: one chunk. Closing it frees the disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with this object
        self._sealer = Sealer(os.urandom(_KEY_BYTES))
        self._pending = bytearray()
        self._size = 0
        self._at = 0
        self._open_chunk: tuple[int, bytes] = (-1, b"")
        self._complete = False

    @property
    def size_bytes(self) -> int:
        """How much was written."""
        return self._size

    def append(self, data: bytes) -> None:
        """Write what follows. Raises `StorageFull`."""
        self._pending += data
        self._size += len(data)
        while len(self._pending) >= CHUNK_BYTES:
            self._seal(bytes(self._pending[:CHUNK_BYTES]))
            del self._pending[:CHUNK_BYTES]

    def complete(self) -> None:
        """Write the rest; from now on it is read. Raises `StorageFull`."""
        if self._pending:
            self._seal(bytes(self._pending))
            self._pending.clear()
        self._complete = True

    def readable(self) -> bool:
        """Return whether it is complete."""
        return self._complete

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as a file does."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read up to the end of a chunk into `buffer`; return how much."""
        number, offset = divmod(self._at, CHUNK_BYTES)
        piece = self._chunk(number)[offset : offset + len(buffer)] if self._at < self._size else b""
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Free the disk; the key goes with the object."""
        self._file.close()
        super().close()

    def _seal(self, chunk: bytes) -> None:
        position = self._file.seek(0, os.SEEK_END)
        try:
            sealed = memoryview(self._sealer.seal(chunk, str(position // _SEALED_BYTES)))
            while sealed:
                sealed = sealed[self._file.write(sealed) :]
        except OSError as error:
            raise StorageFull("the disk is full: the upload was not kept; free some space and send it again") from error

    def _chunk(self, number: int) -> bytes:
        if self._open_chunk[0] != number:
            self._file.seek(number * _SEALED_BYTES)
            sealed = self._file.read(_SEALED_BYTES) or b""
            self._open_chunk = (number, self._sealer.open(sealed, str(number)))
        return self._open_chunk[1]
