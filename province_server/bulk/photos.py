"""The photos of a list, in a zip file; read one by one into memory and never unpacked to a disk."""

import contextlib
import io
import zipfile
import zlib
from typing import Final

from province_server.batch.spool import SealedSpool
from province_server.bulk.rows import RowRefused
from province_server.enrolment import MAX_PHOTO_BYTES
from yingbin.errors import InvalidInput

MAX_ENTRIES: Final = 400_000
_ENCRYPTED: Final = 1 << 0
_UTF8_NAME: Final = 1 << 11


class BadZip(InvalidInput):
    """The part `photos` is not a zip file that can be used."""

    code = "bad_zip"


class Photos:
    """Photos by name. A zip of one folder is taken as that folder's content, which is how people make them."""

    def __init__(self, spool: SealedSpool) -> None:
        """Read the directory. Raises `BadZip`."""
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(spool))
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
            raise BadZip("the part `photos` is not a zip file, or was cut off") from error
        if len(entries) > MAX_ENTRIES:
            raise BadZip(f"the zip file has more than {MAX_ENTRIES:,} entries: split the list")
        names = [_plain(entry) for entry in entries]
        folders = {name.partition("/")[0] for name in names}
        shared = f"{folders.pop()}/" if len(folders) == 1 and all("/" in name for name in names) else ""
        self._entries = {name.removeprefix(shared): entry for name, entry in zip(names, entries, strict=True)}
        self._entries |= dict(zip(names, entries, strict=True))

    def read(self, name: str) -> bytes:
        """Return a photo. Raises `RowRefused`; what a bomb claims to hold is not unpacked."""
        entry = self._entries.get(name)
        if entry is None:
            raise RowRefused("photo_missing")
        if entry.flag_bits & _ENCRYPTED:
            raise RowRefused("photo_encrypted")
        if entry.file_size > MAX_PHOTO_BYTES:
            raise RowRefused("photo_too_large")
        try:
            with self._zip.open(entry) as file:
                content = file.read(MAX_PHOTO_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise RowRefused("photo_damaged") from error
        if len(content) > MAX_PHOTO_BYTES:
            raise RowRefused("photo_too_large")
        return content


def _plain(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name as a list would name it; one that leads out of its folder is never asked for."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:  # Windows in China writes GB 18030, which zipfile takes for code page 437
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    return name.replace("\\", "/").removeprefix("./")
