"""The log of erasures: what was withdrawn or erased, kept apart so that no backup brings it back (C5).

A restored identity store holds the keys of those who withdrew after the backup was made. So each withdrawal is written
here before it is committed there, with its number; the database knows the number it has reached, and what is missing is
carried out again before anything is served. Put the file where the loss of the databases does not reach it, and back it
up with the key store, never with them.
"""

import base64
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.keys import Keys, city_key
from yingbin.errors import BadConfiguration, NotFound, StorageFull
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import City, ErasureMark
from yingbin.trust.seal import SealBroken, Sealer

log = get_logger()
RESTORE = "restore"
"""Who carries out again what a restored backup has forgotten."""


class Erasure(msgspec.Struct, frozen=True):
    """One withdrawal; without a purpose, the erasure of all there is of a customer. Or the end of a watch entry."""

    customer_id: str
    purpose: str = ""
    watch_entry_id: str = ""
    receipt_id: str = ""


class ErasureLog:
    """An append-only file of one sealed line an erasure, numbered from 1. The caller sees to one writer at a time."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._sealer = Sealer(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        whole = path.read_bytes().rpartition(b"\n")
        if whole[2]:  # torn by a crash, so what it says was never committed
            os.truncate(path, len(whole[0]) + len(whole[1]))
        self._lines = whole[0].splitlines()
        for _ in self.after(0):  # a damaged line is found now, not when it is needed
            pass

    @property
    def count(self) -> int:
        """The number of the last erasure."""
        return len(self._lines)

    def append(self, erasure: Erasure) -> int:
        """Write an erasure durably; return its number. Raises `StorageFull`."""
        number = self.count + 1
        line = base64.b64encode(self._sealer.seal(msgspec.msgpack.encode(erasure), _context(number)))
        size_bytes = self._path.stat().st_size
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self._path, size_bytes)
            raise StorageFull(f"the log of erasures {self._path} cannot be written: {error.strerror}") from error
        self._lines.append(line)
        return number

    def after(self, number: int) -> Iterator[tuple[int, Erasure]]:
        """Yield what follows an erasure. Raises `BadConfiguration` when a line is damaged, missing or not ours."""
        for index, line in enumerate(self._lines[number:], number + 1):
            try:
                opened = self._sealer.open(base64.b64decode(line, validate=True), _context(index))
                yield index, msgspec.msgpack.decode(opened, type=Erasure)
            except (SealBroken, ValueError) as error:
                raise BadConfiguration(
                    f"line {index} of the log of erasures {self._path} is damaged or of another key store: restore the "
                    "newest copy of it"
                ) from error


class Erasures:
    """Keeps log and database together."""

    def __init__(self, database: Database, erasure_log: ErasureLog) -> None:
        self._database = database
        self._log = erasure_log

    def note(self, session: Session, erasure: Erasure, number: int | None) -> None:
        """Log an erasure as the last step of the caller's transaction, or note that number `number` is carried out."""
        session.flush()
        session.merge(ErasureMark(id=1, applied=number or self._log.append(erasure)))

    def replay(self, again: Callable[[Erasure, int], None]) -> int:
        """Have what this database has not seen carried out `again`, by number; return how many there were.

        Raises `BadConfiguration` when the log is older than the database.
        """
        with self._database.read() as session:
            mark = session.get(ErasureMark, 1)
            applied = mark.applied if mark else 0
        if applied > self._log.count:
            raise BadConfiguration(
                f"the database has carried out {applied} erasures, but their log ends at {self._log.count}: restore "
                "the newest copy of `erasure_log_file`"
            )
        missing = list(self._log.after(applied))
        for number, erasure in missing:
            with contextlib.suppress(NotFound):  # came after the backup
                again(erasure, number)
        if missing:
            with self._database.write() as session:
                session.merge(ErasureMark(id=1, applied=self._log.count))
            log.warning("erasures_replayed", count=len(missing))
        return len(missing)


def renew_all_cities(database: Database, keys: Keys) -> None:
    """Retire every city's key at once, so that each begins with a snapshot.

    After a restore the feed counts again what cities have counted already, so where they stand says nothing.
    """
    with database.read() as session:
        city_ids = session.scalars(select(City.city_id)).all()
    for city_id in city_ids:
        keys.begin(city_key(city_id))
        keys.finish(city_key(city_id))


def _context(number: int) -> str:
    return f"erasure/{number}"
