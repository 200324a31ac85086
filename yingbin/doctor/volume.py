"""What a folder lies on: does what is written there reach a disk in the clear? Read from /proc and /sys; no root."""

import array
import fcntl
import os
from enum import StrEnum
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_ENCRYPTING: Final = frozenset({"ecryptfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.encfs"})
_GET_FLAGS: Final = 0x8008_6601
"""FS_IOC_GETFLAGS of <linux/fs.h>, on 64 bits."""
_ENCRYPTED_FOLDER: Final = 0x800
"""FS_ENCRYPT_FL: the folder has an fscrypt policy."""


class Volume(StrEnum):
    """Where bytes end up. `plain` also stands for what cannot be told, such as a network share or ZFS."""

    ENCRYPTED = "encrypted"
    MEMORY = "memory"
    PLAIN = "plain"


def volume_of(path: Path, *, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Volume:
    """Return what `path`, or the nearest folder above it that exists, lies on."""
    while not path.exists():
        path = path.absolute().parent
    device = path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    kind, source = _mounted(number, proc)
    if kind in _IN_MEMORY:
        return Volume.MEMORY
    encrypted = (
        kind in _ENCRYPTING
        or _has_policy(path)
        or _is_dm_crypt((sys / "dev" / "block" / number).resolve())
        or (source.startswith("/dev/") and is_encrypted_device(Path(source), sys=sys))  # btrfs: a number of its own
    )
    return Volume.ENCRYPTED if encrypted else Volume.PLAIN


def is_encrypted_device(device: Path, *, sys: Path = Path("/sys")) -> bool:
    """Return whether a block device such as /dev/dm-1 lies on dm-crypt, or holds its pages in memory (zram)."""
    name = device.resolve().name
    return name.startswith("zram") or _is_dm_crypt((sys / "class" / "block" / name).resolve())


def plain_swap(proc: Path = Path("/proc")) -> list[str]:
    """Return the swap files and devices to which memory would be written in the clear."""
    try:
        places = [line.split()[0] for line in (proc / "swaps").read_text("utf-8").splitlines()[1:]]
    except FileNotFoundError:  # a kernel without swap
        return []
    return [place for place in places if _volume_of_swap(Path(place)) is Volume.PLAIN]


def _volume_of_swap(place: Path) -> Volume:
    if place.is_file():
        return volume_of(place)
    return Volume.ENCRYPTED if is_encrypted_device(place) else Volume.PLAIN


def _mounted(number: str, proc: Path) -> tuple[str, str]:
    """Return type and source of the file system whose device is `number`: see proc(5), mountinfo."""
    for line in (proc / "self" / "mountinfo").read_text("utf-8").splitlines():
        mount, _, file_system = line.partition(" - ")
        if mount.split()[2] == number:
            kind, source, *_ = file_system.split()
            return kind, source
    return "", ""


def _is_dm_crypt(block: Path) -> bool:
    """Return whether a block device is one of dm-crypt, or every device below it is (LVM on LUKS, RAID of LUKS)."""
    uuid = block / "dm" / "uuid"
    if uuid.exists() and uuid.read_text("ascii").startswith("CRYPT-"):
        return True
    if (block / "partition").exists():  # a partition has what its disk has
        return _is_dm_crypt(block.parent)
    below = list((block / "slaves").iterdir()) if (block / "slaves").is_dir() else []
    return bool(below) and all(_is_dm_crypt(one.resolve()) for one in below)


def _has_policy(path: Path) -> bool:
    flags = array.array("L", [0])
    folder = os.open(path if path.is_dir() else path.parent, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _GET_FLAGS, flags)
    except OSError:  # a file system without flags
        return False
    finally:
        os.close(folder)
    return bool(flags[0] & _ENCRYPTED_FOLDER)
