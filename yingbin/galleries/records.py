"""A file of sealed records behind a header. A crash may tear its tail; any other damage is told apart from that.

    file:   "YBG1" | length u32 | CRC-32 of the header u32 | header (msgpack) | records
    record: length u32 | CRC-32 of its number and length u32 | sealed

Little-endian. Each record is sealed for its number and this header, so none can be moved, repeated or left out. The CRC
guards the length alone: were it damaged, the rest of the file would look like a torn tail and be dropped unread.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from yingbin.errors import StorageFull, Unavailable, YingbinError
from yingbin.trust.seal import SealBroken, Sealer

_MAGIC: Final = b"YBG1"
_START: Final = struct.Struct("<4sII")
_FRAME: Final = struct.Struct("<II")
_NUMBERED: Final = struct.Struct("<QI")
_MOST_HEADER_BYTES: Final = 4096
WHAT_TO_DO: Final = "move its folder away and start again; the gallery is then filled from the database"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class GalleryDamaged(YingbinError):
    """A file of a sealed gallery is not what was written; the message names it and says what to do."""

    code = "gallery_damaged"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file is and which key opens it. Not secret; every record is bound to it."""

    kind: str
    generation: int
    key_id: str
    pack_id: str
    dimension: int

    def context(self, number: int) -> str:
        """Return the name under which record `number` is sealed."""
        return f"{self.kind}/{self.generation}/{self.key_id}/{self.pack_id}/{self.dimension}/{number}"


def damaged(path: Path, at_byte: int) -> GalleryDamaged:
    """Return the error for a file that is wrong from `at_byte` on."""
    return GalleryDamaged(f"{path} is damaged at byte {at_byte}: {WHAT_TO_DO}")


class RecordWriter:
    """Appends records to a file. Not locked."""

    def __init__(self, path: Path, header: Header, sealer: Sealer) -> None:
        """Create the file, in the place of any other. Raises `StorageFull` or `Unavailable`."""
        self._path, self._header, self._sealer = path, header, sealer
        self._number, self._size, self._broken = 0, 0, False
        encoded = msgspec.msgpack.encode(header)
        try:
            self._file: BinaryIO = path.open("wb", buffering=0)
            self._write(_START.pack(_MAGIC, len(encoded), zlib.crc32(encoded)) + encoded)
            self.sync()
        except OSError as error:
            raise storage_error(path, error) from error

    @classmethod
    def reopen(cls, path: Path, header: Header, sealer: Sealer, *, number: int, size: int) -> "RecordWriter":
        """Go on after record `number` - 1, which ends at byte `size`; what follows is cut off."""
        writer = cls.__new__(cls)
        writer._path, writer._header, writer._sealer = path, header, sealer
        writer._number, writer._size, writer._broken = number, size, False
        writer._file = path.open("r+b", buffering=0)
        writer._file.truncate(size)
        writer._file.seek(size)
        return writer

    @property
    def size(self) -> int:
        """Size of the file."""
        return self._size

    def append(self, plain: bytes) -> None:
        """Write a record; `sync` makes it last. Raises `StorageFull` or `Unavailable`, and then nothing was kept."""
        if self._broken:
            raise Unavailable(f"{self._path.name} failed earlier and takes no more changes: restart the process")
        sealed = self._sealer.seal(plain, self._header.context(self._number))
        frame = _FRAME.pack(len(sealed), _check(self._number, len(sealed)))
        try:
            self._write(frame + sealed)
        except OSError as error:
            self._take_back()
            raise storage_error(self._path, error) from error
        self._number += 1

    def sync(self) -> None:
        """Return when everything is on the disk. Raises `StorageFull` or `Unavailable`."""
        try:
            os.fdatasync(self._file.fileno())
        except OSError as error:  # what of it is on the disk is unknown from here on
            self._broken = True
            raise storage_error(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, raw: bytes) -> None:
        written = 0
        while written < len(raw):
            written += self._file.write(memoryview(raw)[written:])
        self._size += written

    def _take_back(self) -> None:
        try:
            self._file.truncate(self._size)
            self._file.seek(self._size)
        except OSError:
            self._broken = True


@dataclass(slots=True)
class RecordReader:
    """Reads a file of records. After `records` ran out, `number` and `size` are where `RecordWriter.reopen` goes on."""

    path: Path
    number: int = 0
    size: int = 0

    def header(self) -> Header:
        """Return the header. Raises `GalleryDamaged`."""
        with self.path.open("rb") as file:
            start = file.read(_START.size)
            magic, length, check = _START.unpack(start) if len(start) == _START.size else (b"", 0, 0)
            encoded = file.read(min(length, _MOST_HEADER_BYTES))
        if magic != _MAGIC or zlib.crc32(encoded) != check:
            raise damaged(self.path, 0)
        try:
            header = msgspec.msgpack.decode(encoded, type=Header)
        except msgspec.DecodeError as error:
            raise damaged(self.path, _START.size) from error
        self.size = _START.size + length
        return header

    def records(self, header: Header, sealer: Sealer) -> Iterator[bytes]:
        """Yield what was sealed, up to the end or a tail that a crash tore. Raises `GalleryDamaged`."""
        with self.path.open("rb") as file:
            file.seek(self.size)
            end = file.seek(0, os.SEEK_END)
            file.seek(self.size)
            while end - self.size >= _FRAME.size:
                length, check = _FRAME.unpack(file.read(_FRAME.size))
                if check != _check(self.number, length):
                    if not any(file.read()) and length == check == 0:  # room that a file system gave but never filled
                        return
                    raise damaged(self.path, self.size)
                if self.size + _FRAME.size + length > end:
                    return
                try:
                    plain = sealer.open(file.read(length), header.context(self.number))
                except SealBroken as error:
                    raise damaged(self.path, self.size) from error
                self.number += 1
                self.size += _FRAME.size + length
                yield plain


def _check(number: int, length: int) -> int:
    return zlib.crc32(_NUMBERED.pack(number, length))


def storage_error(path: Path, error: OSError) -> Unavailable:
    """Return the error to raise when `path` cannot be written."""
    if error.errno in _FULL:
        return StorageFull(f"the disk of {path.parent} is full; free some space, this change was not kept")
    return Unavailable(f"{path} cannot be written ({error.strerror}); this change was not kept")
