"""The checks of `yingbin doctor`: one function looks at one thing and says what it found and what to do about it."""

import ctypes
import os
import resource
import shutil
import socket
import stat
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from yingbin.doctor.volume import Volume, plain_swap, volume_of
from yingbin.errors import YingbinError
from yingbin.faces.pack import ModelPack
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.process import may_lock_memory

_LIBRARIES: Final = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0", "libgomp.so.1": "libgomp1"}
_CLOCK_UNSYNCHRONISED: Final = 5
"""TIME_ERROR of <sys/timex.h>."""
_TIMEX_BYTES: Final = 512
"""More than any `struct timex`; zeros ask for the state and set nothing."""
_LITTLE_SPACE_BYTES: Final = 2 * 1024**3
_NO_SPACE_BYTES: Final = 200 * 1024**2
_NO_COMPACTION: Final = "milvus-lite does not compact: start the province every night, or removed vectors stay there"
_MADE_LATER: Final = "the server makes it at its first start"


class Level(StrEnum):
    """How bad a finding is. With an `error` the product does not run, or must not."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True):
    """What one check found; `advice` is empty when all is well."""

    check: str
    level: Level
    found: str
    advice: str = ""


def libraries() -> Finding:
    """Check for the shared libraries that OpenCV and FAISS load."""
    missing = [package for library, package in _LIBRARIES.items() if not _loads(library)]
    if missing:
        advice = f"apt-get install -y {' '.join(missing)}"
        return Finding("libraries", Level.ERROR, f"missing: {', '.join(missing)}", advice)
    return Finding("libraries", Level.OK, "OpenCV's and FAISS's are here")


def swap(proc: Path = Path("/proc")) -> Finding:
    """Check that no page of memory, which holds templates and keys, is written to a disk in the clear."""
    exposed = plain_swap(proc)
    if not exposed:
        return Finding("swap", Level.OK, "off, encrypted or in memory")
    found = f"in the clear on {', '.join(exposed)}"
    if may_lock_memory(proc):
        return Finding("swap", Level.OK, f"{found}; servers and boxes run by this user lock their memory")
    advice = "LimitMEMLOCK=infinity or MemorySwapMax=0 under systemd (deploy/), `swapoff -a`, or encrypt the swap"
    return Finding("swap", Level.WARNING, found, advice)


def core_dumps() -> Finding:
    """Check that a crash from here would not write templates and keys into a core file."""
    if resource.getrlimit(resource.RLIMIT_CORE)[0]:
        advice = "servers and boxes turn them off for themselves; for other commands `ulimit -c 0`"
        return Finding("core dumps", Level.WARNING, "on for this shell", advice)
    return Finding("core dumps", Level.OK, "off")


def clock() -> Finding:
    """Check that the kernel's clock is kept right: leases, tokens and consent all compare times of two machines."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == _CLOCK_UNSYNCHRONISED:
        advice = "start a time service, for instance `apt-get install -y chrony`"
        return Finding("clock", Level.WARNING, "not synchronised, as far as the kernel knows", advice)
    return Finding("clock", Level.OK, "synchronised")


def private_file(setting: str, path: Path) -> Finding:
    """Check that nobody but its owner may read a file with a secret."""
    check = f"{setting} {path}"
    try:
        status = path.stat()
    except OSError as error:
        return Finding(
            check, Level.ERROR, f"cannot be looked at: {error.strerror}", f"put it there, or set `{setting}`"
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        return Finding(check, Level.ERROR, f"others may use it (mode {status.st_mode & 0o777:o})", f"chmod 600 {path}")
    if status.st_uid != os.getuid():
        return Finding(check, Level.WARNING, "belongs to another user", "run this as the user of the service")
    return Finding(check, Level.OK, "its owner's alone")


def key_store(path: Path, passphrase: str) -> Finding:
    """Check that the key store opens with its passphrase."""
    if not path.exists():
        return Finding("key store", Level.WARNING, f"{path} does not exist yet", _MADE_LATER)
    try:
        FileKeyStore(path, passphrase)
    except (YingbinError, OSError) as error:
        return Finding("key store", Level.ERROR, str(error), "set the passphrase it was made with, or restore a backup")
    return Finding("key store", Level.OK, "opens")


def model_pack(name: str) -> Finding:
    """Check that every file of the model pack has its sha256."""
    try:
        pack = ModelPack.load(name)
    except YingbinError as error:
        return Finding("model pack", Level.ERROR, f"{name} cannot be used", error.message)
    return Finding("model pack", Level.OK, f"{pack.pack_id}, verified")


def database(url: str, tree: migrate.Tree) -> Finding:
    """Check that a database answers and has the tables of this version."""
    check = f"database {tree}"
    try:
        if _to_be_made(url):
            return Finding(check, Level.WARNING, "does not exist yet", _MADE_LATER)
        opened = Database(url)
        try:
            current = migrate.is_current(opened, tree)
        finally:
            opened.close()
    except YingbinError as error:
        return Finding(check, Level.ERROR, "cannot be used", error.message)
    if not current:
        return Finding(check, Level.WARNING, "older than this version", f"yingbin db upgrade {tree} --url …")
    return Finding(check, Level.OK, "answers, its tables are up to date")


def port(host: str, number: int) -> Finding:
    """Check that the server's port is free."""
    check = f"port {number}"
    try:
        with socket.create_server((host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return Finding(check, Level.OK, "free")
    except OSError as error:
        advice = "fine if it is the server itself; otherwise stop the other program or choose another `port`"
        return Finding(check, Level.WARNING, f"cannot be listened on at {host}: {error.strerror}", advice)


def free_space(folder: Path) -> Finding:
    """Check that there is room where data is kept."""
    while not folder.exists():
        folder = folder.absolute().parent
    free = shutil.disk_usage(folder).free
    level = Level.ERROR if free < _NO_SPACE_BYTES else Level.WARNING if free < _LITTLE_SPACE_BYTES else Level.OK
    advice = "" if level is Level.OK else "make room: with a full disk nothing is acknowledged any more"
    return Finding(f"space at {folder}", level, f"{free / 1024**3:.1f} GiB free", advice)


def plain_vectors(folder: Path, *, accepted: bool) -> Finding:
    """Check that Milvus, which keeps vectors and removed ones in plain files, has an encrypted volume below it."""
    check = f"volume of {folder}"
    found = volume_of(folder)
    if found is not Volume.PLAIN:
        return Finding(check, Level.OK, f"{found}; {_NO_COMPACTION}")
    if accepted:
        return Finding(check, Level.WARNING, "not known to be encrypted", "accepted by `milvus_plain_volume`")
    advice = "put it on LUKS or an fscrypt folder; or set `milvus_plain_volume = true` and answer for it yourself"
    return Finding(check, Level.ERROR, "not known to be encrypted: vectors would lie there in the clear", advice)


def _to_be_made(url: str) -> bool:
    """Return whether this is a SQLite file that is not there: opening it would make it."""
    try:
        place = make_url(url)
    except ArgumentError:  # `Database` says it better
        return False
    return place.get_backend_name() == "sqlite" and not Path(place.database or "").exists()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
