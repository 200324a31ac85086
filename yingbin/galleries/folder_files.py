"""The files of a sealed folder (`folder.py`): which there are, whose they are, and how they go for good."""

import fcntl
import os
import shutil
from pathlib import Path

from yingbin.errors import Unavailable
from yingbin.galleries.records import GalleryDamaged, RecordReader
from yingbin.trust.keystore import KeyStore


class GalleryInUse(Unavailable):
    """Another process has the folder open."""

    code = "gallery_in_use"


def files_of(folder: Path) -> list[Path]:
    """Return the snapshots and journals of a folder."""
    return [*folder.glob("snapshot-[0-9]*"), *folder.glob("journal-[0-9]*")]


def generation_of(path: Path) -> int:
    """Return the number in the name of a file."""
    return int(path.name.rpartition("-")[2])


def generations(folder: Path, kind: str) -> list[int]:
    """Return the numbers of the files of a kind, `snapshot` or `journal`, in order."""
    return sorted(generation_of(path) for path in folder.glob(f"{kind}-[0-9]*"))


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def destroy(folder: Path, keys: KeyStore, *, spare: str = "") -> None:
    """Remove a folder that nobody has open, and the keys of its files but `spare`; one that is not there is fine."""
    if not folder.is_dir():
        return
    for path in files_of(folder):
        try:
            key_id = RecordReader(path).header().key_id
        except GalleryDamaged:
            continue
        if key_id != spare:
            keys.destroy(key_id)
    shutil.rmtree(folder, ignore_errors=True)


def possess(folder: Path) -> int:
    """Return a handle that keeps a folder for this process until it is closed. Raises `GalleryInUse`."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise GalleryInUse(f"{folder} is in use by another process: one process owns a gallery's folder") from error
    return lock
