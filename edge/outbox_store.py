"""Keeps the outbox over a crash of the process: each look sealed in a file of its own on tmpfs, never on a disk (C2).

It survives kill -9, the loss of the line and a new bundle, not a power cut. The seal's key is derived from the box's
device key; each look says in which domain its vector is.
A face picture is not kept: it waits in memory only.
"""

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

import msgspec

from edge.clock import anchor_ms
from edge.outbox import MAX_AGE_S, Kept, Key, Outbox, key_of
from yingbin.errors import BadConfiguration
from yingbin.local_wire import LocalHit
from yingbin.log import get_logger
from yingbin.trust.seal import SealBroken, Sealer
from yingbin.wire import FaceEvent, FaceLook, FacePicture

_SUFFIX: Final = ".look"
_MEMORY_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs"})

log = get_logger()


class _Record(msgspec.Struct, frozen=True, array_like=True):
    """What a file holds. `since_s` is monotonic, which outlives the process; `anchor_ms` dates its box time."""

    since_s: float
    anchor_ms: int
    event: FaceEvent | LocalHit


class OutboxStore:
    """A folder of sealed looks, held by one process at a time. With `keeps` false nothing is put there (mode video)."""

    def __init__(
        self, folder: Path, sealer: Sealer, box_id: str, boot_id: str, key_id: str, *, keeps: bool = True
    ) -> None:
        self._folder = folder
        self._sealer = sealer
        self._box_id = box_id
        self._boot_id = boot_id
        self._key_id = key_id
        self._keeps = keeps
        self._lock = -1
        self._files: dict[Key, str] = {}

    def open(self, now_s: float) -> list[Kept]:
        """Take possession; return the looks of earlier boots, oldest first, and delete what is too old or damaged.

        Raises `BadConfiguration` when the folder is not in memory, not this user's alone, or another process's.
        """
        self._lock = _possess(self._folder)
        found: list[Kept] = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            kept = self._read(path)
            if kept is None or not 0 <= now_s - kept.since_s <= MAX_AGE_S:
                path.unlink(missing_ok=True)
                continue
            found.append(kept)
            self._files[key_of(kept.look)] = path.name
        if found:
            log.info("outbox_restored", looks=len(found))
        return sorted(found, key=lambda kept: kept.since_s)

    def put(self, look: FaceLook, now_s: float) -> None:
        """Keep a look. A full tmpfs costs only what a crash would: the look itself waits in memory."""
        if not self._keeps or isinstance(look, FacePicture):
            return
        name = f"{self._boot_id}-{look.track}-{look.seq}{_SUFFIX}"
        named = msgspec.structs.replace(look, boot_id=self._boot_id)
        if isinstance(named, FaceEvent):
            named = msgspec.structs.replace(named, key_id=self._key_id)
        record = _Record(now_s, anchor_ms(), named)
        sealed = self._sealer.seal(msgspec.msgpack.encode(record), self._context(name))
        try:
            handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
        except OSError as error:
            log.warning("outbox_not_kept", track=look.track, seq=look.seq, reason=error.strerror)
            return
        self._files[key_of(look)] = name

    def remove(self, key: Key) -> None:
        """Forget a look."""
        name = self._files.pop(key, None)
        if name is not None:
            (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go; what still waits stays for the next boot, and an empty folder is taken away."""
        if self._lock < 0:
            return
        with contextlib.suppress(OSError):  # something still waits in it
            self._folder.rmdir()
        os.close(self._lock)
        self._lock = -1

    def _read(self, path: Path) -> Kept | None:
        """Return what a file holds, in this process's box time; None when it was torn by the crash or is not ours."""
        try:
            opened = self._sealer.open(path.read_bytes(), self._context(path.name))
            record = msgspec.msgpack.decode(opened, type=_Record)
        except (SealBroken, msgspec.DecodeError) as error:
            log.warning("outbox_look_unreadable", file=path.name, reason=type(error).__name__)
            return None
        seen_at_ms = record.event.seen_at_ms - record.anchor_ms + anchor_ms()
        event = msgspec.structs.replace(record.event, seen_at_ms=seen_at_ms)
        if isinstance(event, FaceEvent) and event.key_id == self._key_id:
            event = msgspec.structs.replace(event, key_id="")
        return Kept(event, record.since_s)

    def _context(self, name: str) -> str:
        return f"outbox/{self._box_id}/{name}"


class KeptOutbox(Outbox):
    """The outbox with every change written through to its store."""

    def __init__(self, capacity: int, store: OutboxStore) -> None:
        super().__init__(capacity)
        self._store = store

    def open(self, now_s: float) -> None:
        """Bring back what earlier boots left. Raises `BadConfiguration`."""
        for kept in self._store.open(now_s):
            super().restore(kept, now_s)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def add(self, look: FaceLook, now_s: float) -> list[FaceLook]:
        """Admit and keep a look; return those that had to go."""
        gone = super().add(look, now_s)
        self._store.put(look, now_s)
        return gone

    def _forget(self, key: Key) -> FaceLook:
        self._store.remove(key)
        return super()._forget(key)


def names_of_boot(boot_id: str) -> str:
    """Return the glob pattern of the files that one boot's looks are kept in."""
    return f"{boot_id}-*{_SUFFIX}"


def default_folder(box_id: str) -> Path:
    """Return where a box keeps its outbox unless it is told otherwise."""
    return Path("/dev/shm") / f"yingbin-{box_id.replace('/', '_')}"  # noqa: S108 - made 0700, checked, and sealed


def _possess(folder: Path) -> int:
    """Make the folder if need be, check it, lock it; return the lock. Raises `BadConfiguration`."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise BadConfiguration(f"outbox_dir {folder} cannot be used: {error.strerror}") from error
    try:
        _check(folder, os.fstat(handle))
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BadConfiguration(
            f"outbox_dir {folder} is in use by another `yingbin edge run` of this box; stop that one first"
        ) from None
    except BadConfiguration:
        os.close(handle)
        raise
    return handle


def _check(folder: Path, status: os.stat_result) -> None:
    if file_system_of(status.st_dev) not in _MEMORY_FILE_SYSTEMS:
        raise BadConfiguration(
            f"outbox_dir {folder} is on a disk; a stranger's vector must never be (C2). Choose a folder on tmpfs, "
            "such as one under /dev/shm, or mount one"
        )
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise BadConfiguration(f"outbox_dir {folder} must belong to this user alone; run: chmod 700 {folder}")


def file_system_of(device: int) -> str:
    """Return the kind of file system with this device number, as Linux names it; empty when it is not known."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
            fields, _, source = line.partition(" - ")
            if fields.split()[2] == wanted:
                return source.split()[0]
    return ""
