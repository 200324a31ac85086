"""A folder that something in memory outlives its process in: a sealed snapshot, and a journal of what came after.

    <folder>/lock                 held by the one process that may use the folder
    <folder>/snapshot-000007      everything, as it was when generation 7 began; none for generation 0
    <folder>/journal-000007       records since then, in order; synced before they are acknowledged
    <folder>.aside                a folder that could not be used; its keys go with the next epoch, and so does it

A generation begins with its journal; its snapshot appears, whole, by a rename. A crash in between leaves the snapshot
before it and two journals, which are read one after the other. Records are sealed (AES-GCM) under the key of an epoch,
`gallery/<name>/<when it began, UTC ms>` in the key store. A new epoch destroys the key of the last, and with it every
copy of the old files, in backups too.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec

from yingbin.errors import BadConfiguration, NotFound, YingbinError
from yingbin.galleries.folder_files import destroy, files_of, generation_of, generations, possess, sync_folder
from yingbin.galleries.records import (
    WHAT_TO_DO,
    GalleryDamaged,
    Header,
    RecordReader,
    RecordWriter,
    damaged,
    storage_error,
)
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import Sealer

T = TypeVar("T")
log = get_logger()
_KEY_BYTES: Final = 32
_LONG_JOURNAL_BYTES: Final = 32 * 1024**2
_END: Final = b""
"""The last record of a snapshot, which no state yields: without it the file was cut off."""


class WrongPack(BadConfiguration):
    """The gallery was made with another model pack, or vectors of another size."""

    code = "wrong_pack"


class WrongKey(BadConfiguration):
    """The key that a gallery's file names is not in the key store."""

    code = "wrong_key"


class State(Protocol):
    """What a folder is read into; empty at first."""

    def restore(self, chunks: Iterator[bytes]) -> None:
        """Take in a snapshot. Raises a `YingbinError` for anything else."""

    def replay(self, records: Iterator[bytes]) -> None:
        """Take in what was kept since, in order. Raises `msgspec.DecodeError` or a `YingbinError` for anything else."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A generation whose snapshot is still to be written."""

    header: Header
    sealer: Sealer
    new_epoch: bool


class SealedFolder:
    """One open folder. Not locked within the process: the caller lets one thread at a time in, but see `complete`."""

    def __init__(self, folder: Path, state: State, keys: KeyStore, *, name: str, pack_id: str, dimension: int) -> None:
        """Bring the empty `state` to where this folder was left; a new folder is made.

        Raises `GalleryInUse`, `WrongPack`, `WrongKey`, `GalleryDamaged` or `Unavailable`.
        """
        self._folder, self._keys = folder, keys
        self._draft = folder / "draft"
        self._name, self._pack_id, self._dimension = name, pack_id, dimension
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = possess(folder)
        try:
            self._journal, self._header = self._load(state)
            self._oldest_key_id = self._oldest()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def epoch_began_ms(self) -> int:
        """When the oldest key that still opens a file was made, UTC ms: what was removed since is readable with it."""
        return _epoch_of(self._oldest_key_id)

    def is_old(self, epoch_ms: int) -> bool:
        """Return whether it is time for a new epoch, when each is to last `epoch_ms`."""
        return now_ms() - self.epoch_began_ms >= epoch_ms

    @property
    def is_long(self) -> bool:
        """Whether a start would replay so much that a snapshot is due."""
        return self._journal.size >= _LONG_JOURNAL_BYTES

    def keep(self, record: bytes) -> None:
        """Return when a record is on the disk. Raises `StorageFull` or `Unavailable`, and then it was not kept."""
        self._journal.append(record)
        self._journal.sync()

    def seal(self, chunks: Iterable[bytes | memoryview], *, new_epoch: bool = False) -> None:
        """Write a snapshot and begin a new journal. Nothing may change meanwhile; no chunk is empty.

        A new epoch makes everything written before unreadable, wherever it is. Raises `StorageFull` or `Unavailable`;
        then the last snapshot and all journals since hold.
        """
        self.complete(self.begin(new_epoch=new_epoch), chunks)

    def begin(self, *, new_epoch: bool = False) -> Begun:
        """Begin a new journal: the first half of `seal`, after which `keep` is called for what changes. Raises as it.

        `complete` is due next, and no other seal before that.
        """
        with self._failing():
            key_id = self._new_key_id() if new_epoch else self._header.key_id
            header = msgspec.structs.replace(self._header, generation=self._header.generation + 1, key_id=key_id)
            sealer = self._sealer(header, make=new_epoch)
            journal = self._new_journal(header, sealer)
            self._journal.close()
            self._journal, self._header = journal, header
            return Begun(header, sealer, new_epoch)

    def complete(self, begun: Begun, chunks: Iterable[bytes | memoryview]) -> None:
        """Write the snapshot of what was there at `begin`; `keep` may be called meanwhile. Raises as `seal`."""
        header = begun.header
        with self._failing():
            self._write_snapshot(msgspec.structs.replace(header, kind="snapshot"), begun.sealer, chunks)
            self._remove_before(header.generation, header.key_id)
            self._oldest_key_id = header.key_id
            if begun.new_epoch:
                destroy(_aside(self._folder), self._keys, spare=header.key_id)

    def close(self) -> None:
        """Let go of the folder."""
        self._journal.close()
        os.close(self._lock)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raise what a person can act on when the key store cannot be written, or files not be renamed."""
        try:
            yield
        except OSError as error:
            raise storage_error(self._draft, error) from error

    def _new_journal(self, header: Header, sealer: Sealer) -> RecordWriter:
        writer = RecordWriter(self._draft, header, sealer)
        self._settle(header)
        return writer

    def _write_snapshot(self, header: Header, sealer: Sealer, chunks: Iterable[bytes | memoryview]) -> None:
        writer = RecordWriter(self._draft, header, sealer)
        try:
            for chunk in chunks:
                writer.append(bytes(chunk))
            writer.append(_END)
            writer.sync()
        except BaseException:
            self._draft.unlink(missing_ok=True)  # where the disk is full, others need the room
            raise
        finally:
            writer.close()
        self._settle(header)

    def _settle(self, header: Header) -> None:
        """Give a draft, which a crash or a full disk may leave anywhere, its name: now it counts."""
        self._draft.replace(self._path(header))
        sync_folder(self._folder)

    def _load(self, state: State) -> tuple[RecordWriter, Header]:
        first = max(generations(self._folder, "snapshot"), default=0)
        journals = [generation for generation in generations(self._folder, "journal") if generation >= first]
        if not first and not journals:
            key_id = f"gallery/{self._name}/{now_ms()}"
            header = Header("journal", 0, key_id, self._pack_id, self._dimension)
            return self._new_journal(header, self._sealer(header, make=True)), header
        if journals != list(range(first, first + len(journals))) or not journals:
            raise GalleryDamaged(f"{self._folder} lacks a snapshot or a journal: {WHAT_TO_DO}")
        if first:
            self._restore(self._folder / f"snapshot-{first:06d}", state)
        for generation in journals:
            path = self._folder / f"journal-{generation:06d}"
            reader, header, sealer = self._replay(path, state)
            if generation != journals[-1] and reader.size != path.stat().st_size:
                raise damaged(path, reader.size)  # only the last can have been written to when the process ended
        writer = RecordWriter.reopen(path, header, sealer, number=reader.number, size=reader.size)
        self._remove_before(first, header.key_id)
        return writer, header

    def _restore(self, path: Path, state: State) -> None:
        reader = RecordReader(path)
        header = self._checked(reader.header(), path)
        records = reader.records(header, self._sealer(header))

        def chunks() -> Iterator[bytes]:
            for record in records:
                if record == _END:
                    return
                yield record
            raise damaged(path, reader.size)

        try:
            state.restore(chunks())
        except GalleryDamaged:
            raise
        except YingbinError as error:
            raise GalleryDamaged(f"{path}: {error.message}") from error

    def _replay(self, path: Path, state: State) -> tuple[RecordReader, Header, Sealer]:
        reader = RecordReader(path)
        header = self._checked(reader.header(), path)
        sealer = self._sealer(header)
        try:
            state.replay(reader.records(header, sealer))
        except GalleryDamaged:
            raise
        except (msgspec.DecodeError, YingbinError) as error:
            raise damaged(path, reader.size) from error
        return reader, header, sealer

    def _checked(self, header: Header, path: Path) -> Header:
        if (header.pack_id, header.dimension) != (self._pack_id, self._dimension):
            raise WrongPack(
                f"{path} holds templates of model pack {header.pack_id} ({header.dimension} numbers), but models_pack "
                f"is {self._pack_id} ({self._dimension}): set models_pack back, or move the folder away and enrol again"
            )
        if path.name != f"{header.kind}-{header.generation:06d}":
            raise damaged(path, 0)
        return header

    def _sealer(self, header: Header, *, make: bool = False) -> Sealer:
        if make:
            return Sealer(self._keys.get_or_create(header.key_id, _KEY_BYTES))
        try:
            return Sealer(self._keys.get(header.key_id))
        except NotFound as error:
            raise WrongKey(
                f"{self._folder} is sealed under {header.key_id}, which the key store does not hold: it was destroyed, "
                f"or this is another key store. Open the right one, or {WHAT_TO_DO}"
            ) from error

    def _remove_before(self, generation: int, key_id: str) -> None:
        """Remove what a snapshot replaced: first the keys that nothing needs any more, then the files."""
        for path in [one for one in files_of(self._folder) if generation_of(one) < generation]:
            its_key = RecordReader(path).header().key_id
            if its_key != key_id:
                self._keys.destroy(its_key)
            path.unlink()

    def _oldest(self) -> str:
        keys = (RecordReader(path).header().key_id for path in files_of(self._folder))
        return min(keys, key=_epoch_of)

    def _new_key_id(self) -> str:
        return f"gallery/{self._name}/{max(now_ms(), _epoch_of(self._header.key_id) + 1)}"

    def _path(self, header: Header) -> Path:
        return self._folder / f"{header.kind}-{header.generation:06d}"


def opened(folder: Path, make: Callable[[], T]) -> T:
    """Return what `make` opens in `folder`. If what lies there cannot be used, it is moved aside and made anew.

    For whoever has another truth to fill it from. Raises `GalleryInUse` or `Unavailable`.
    """
    try:
        return make()
    except (GalleryDamaged, WrongKey, WrongPack) as error:
        aside = _aside(folder)
        named = {"folder": str(folder), "moved_to": str(aside), "code": error.code, "error_id": error.error_id}
        log.error("gallery_set_aside", **named, reason=error.message)  # noqa: TRY400 - the reason says it all
        shutil.rmtree(aside, ignore_errors=True)
        folder.replace(aside)
        return make()


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.aside")


def _epoch_of(key_id: str) -> int:
    return int(key_id.rpartition("/")[2])
