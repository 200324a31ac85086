"""Keeps the branch gallery over a crash of the process: one sealed file beside the outbox, on tmpfs, never on a disk.

It survives kill -9, not a power cut. The seal's key is derived from the box's device key. The folder is the outbox's,
which checks and locks it; open that first.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from yingbin.local_wire import GalleryMember
from yingbin.log import get_logger
from yingbin.trust.seal import SealBroken, Sealer

_NAME: Final = "branch.gallery"

log = get_logger()


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What the file holds: the gallery, and when its lease ends, UTC ms."""

    lease_until_ms: int
    members: tuple[GalleryMember, ...]


class GalleryStore:
    """One file, replaced as a whole, so that half a gallery is never found."""

    def __init__(self, folder: Path, sealer: Sealer, box_id: str) -> None:
        self._path = folder / _NAME
        self._sealer = sealer
        self._context = f"gallery/{box_id}"

    def load(self) -> Record | None:
        """Return what was kept; None when there is nothing, or it is damaged or another box's: then it is deleted."""
        try:
            opened = self._sealer.open(self._path.read_bytes(), self._context)
            return msgspec.msgpack.decode(opened, type=Record)
        except FileNotFoundError:
            return None
        except (SealBroken, msgspec.DecodeError, OSError) as error:
            log.warning("gallery_unreadable", reason=type(error).__name__)
            self.remove()
            return None

    def save(self, lease_until_ms: int, members: Iterable[GalleryMember]) -> None:
        """Keep a gallery. A full tmpfs costs only what a crash would: it must then be fetched again."""
        record = Record(lease_until_ms, tuple(members))
        sealed = self._sealer.seal(msgspec.msgpack.encode(record), self._context)
        draft = self._path.with_suffix(".new")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
            draft.replace(self._path)
        except OSError as error:
            log.warning("gallery_not_kept", reason=error.strerror)
            self.remove()

    def remove(self) -> None:
        """Leave nothing behind."""
        self._path.with_suffix(".new").unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
