"""A gallery that outlives its process: a sealed snapshot, and a journal of what changed since.

The database is truth; this makes a start quick (codes are read, not made) and loses nothing that was acknowledged.

    <folder>/lock                 held by the one process that may use the folder
    <folder>/snapshot-000007      everything, as it was when generation 7 began; none for generation 0
    <folder>/journal-000007       changes since then, in order; synced before they are acknowledged

A generation begins with its journal; its snapshot appears, whole, by a rename. A crash in between leaves the snapshot
before it and two journals, which are read one after the other. Records are sealed (AES-GCM) under the key of an epoch,
`gallery/<name>/<epoch>` in the key store. A new epoch destroys the key of the last, and with it every copy of the old
files, in backups too.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from yingbin.errors import BadConfiguration, Conflict, InvalidInput, NotFound, Unavailable, YingbinError
from yingbin.galleries.decide import Hit
from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.journal import Change, CustomerRemoved, Removed, added, encode, replay
from yingbin.galleries.protect import Vector
from yingbin.galleries.records import WHAT_TO_DO, GalleryDamaged, Header, RecordReader, RecordWriter, damaged
from yingbin.galleries.snapshot import SnapshotUnusable
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import Sealer

_KEY_BYTES: Final = 32
_END: Final = b""
"""The last record of a snapshot, which no index yields: without it the file was cut off."""


class GalleryInUse(Unavailable):
    """Another process has the folder open."""

    code = "gallery_in_use"


class WrongPack(BadConfiguration):
    """The gallery was made with another model pack, or vectors of another size."""

    code = "wrong_pack"


class WrongKey(BadConfiguration):
    """The key that a gallery's file names is not in the key store."""

    code = "wrong_key"


class SealedGallery:
    """A `TemplateIndex` and its folder. Every change is on the disk when the call returns; any thread may call."""

    def __init__(
        self, folder: Path, index: TemplateIndex, keys: KeyStore, *, name: str, pack_id: str, dimension: int
    ) -> None:
        """Bring the empty `index` to where this folder was left; a new folder is made.

        Raises `GalleryInUse`, `WrongPack`, `WrongKey`, `GalleryDamaged` or `Unavailable`.
        """
        self._folder, self._index, self._keys = folder, index, keys
        self._draft = folder / "draft"
        self._name, self._pack_id, self._dimension = name, pack_id, dimension
        self._writing = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = possess(folder)
        try:
            self._journal, self._header = self._load()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def count(self) -> int:
        """Number of vectors a search compares with."""
        return self._index.count

    def search(self, probes: Vector) -> list[Hit | None]:
        """Search, as `TemplateIndex.search`."""
        return self._index.search(probes)

    def vector_of(self, customer_id: str) -> Vector | None:
        """Return what a customer is searched by, as `TemplateIndex.vector_of`."""
        return self._index.vector_of(customer_id)

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add a template, as `TemplateIndex.add`; lasting. Raises `StorageFull`, `Unavailable` too: not kept."""
        self.add_many([template_id], [customer_id], vector[None, :])

    def add_many(self, template_ids: Sequence[str], customer_ids: Sequence[str], vectors: Vector) -> None:
        """Add templates, as `TemplateIndex.add_many`; all of them lasting or none."""
        with self._writing:
            self._index.add_many(template_ids, customer_ids, vectors)
            try:
                self._keep(added(template_ids, customer_ids, vectors))
            except YingbinError:
                for template_id in template_ids:
                    self._index.remove(template_id)
                raise

    def remove(self, template_id: str) -> bool:
        """Drop a template, as `TemplateIndex.remove`; lasting."""
        with self._writing:
            self._keep(Removed(template_id))
            return self._index.remove(template_id)

    def remove_customer(self, customer_id: str) -> int:
        """Drop a customer's templates, as `TemplateIndex.remove_customer`; lasting."""
        with self._writing:
            self._keep(CustomerRemoved(customer_id))
            return self._index.remove_customer(customer_id)

    def seal(self, *, new_epoch: bool = False) -> None:
        """Write a snapshot and begin a new journal. Changes wait meanwhile, searches do not.

        A new epoch makes everything written before unreadable, wherever it is. Raises `StorageFull` or `Unavailable`;
        then the last snapshot and all journals since hold.
        """
        with self._writing:
            key_id = _next_epoch(self._header.key_id) if new_epoch else self._header.key_id
            header = msgspec.structs.replace(self._header, generation=self._header.generation + 1, key_id=key_id)
            sealer = self._sealer(header, make=new_epoch)
            journal = self._new_journal(header, sealer)
            self._journal.close()
            self._journal, self._header = journal, header
            self._write_snapshot(msgspec.structs.replace(header, kind="snapshot"), sealer)
            self._remove_before(header.generation, key_id)

    def close(self) -> None:
        """Let go of the folder."""
        with self._writing:
            self._journal.close()
            os.close(self._lock)

    def _keep(self, change: Change) -> None:
        self._journal.append(encode(change))
        self._journal.sync()

    def _new_journal(self, header: Header, sealer: Sealer) -> RecordWriter:
        writer = RecordWriter(self._draft, header, sealer)
        self._settle(header)
        return writer

    def _write_snapshot(self, header: Header, sealer: Sealer) -> None:
        writer = RecordWriter(self._draft, header, sealer)
        try:
            for chunk in self._index.snapshot():
                writer.append(bytes(chunk))
            writer.append(_END)
            writer.sync()
        finally:
            writer.close()
        self._settle(header)

    def _settle(self, header: Header) -> None:
        """Give a draft, which a crash or a full disk may leave anywhere, its name: now it counts."""
        self._draft.replace(self._path(header))
        _sync_folder(self._folder)

    def _load(self) -> tuple[RecordWriter, Header]:
        first = max(self._generations("snapshot"), default=0)
        journals = [generation for generation in self._generations("journal") if generation >= first]
        if not first and not journals:
            header = Header("journal", 0, f"gallery/{self._name}/1", self._pack_id, self._dimension)
            return self._new_journal(header, self._sealer(header, make=True)), header
        if journals != list(range(first, first + len(journals))) or not journals:
            raise GalleryDamaged(f"{self._folder} lacks a snapshot or a journal: {WHAT_TO_DO}")
        if first:
            self._restore(self._folder / f"snapshot-{first:06d}")
        for generation in journals:
            path = self._folder / f"journal-{generation:06d}"
            reader, header, sealer = self._replay(path)
            if generation != journals[-1] and reader.size != path.stat().st_size:
                raise damaged(path, reader.size)  # only the last can have been written to when the process ended
        writer = RecordWriter.reopen(path, header, sealer, number=reader.number, size=reader.size)
        self._remove_before(first, header.key_id)
        return writer, header

    def _restore(self, path: Path) -> None:
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
            self._index.restore(chunks())
        except SnapshotUnusable as error:
            raise GalleryDamaged(f"{path}: {error.message}") from error

    def _replay(self, path: Path) -> tuple[RecordReader, Header, Sealer]:
        reader = RecordReader(path)
        header = self._checked(reader.header(), path)
        sealer = self._sealer(header)
        try:
            replay(reader.records(header, sealer), self._index, self._dimension)
        except (msgspec.DecodeError, InvalidInput, Conflict) as error:
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
        for kind in ("snapshot", "journal"):
            for old in (one for one in self._generations(kind) if one < generation):
                path = self._folder / f"{kind}-{old:06d}"
                its_key = RecordReader(path).header().key_id
                if its_key != key_id:
                    self._keys.destroy(its_key)
                path.unlink()

    def _generations(self, kind: str) -> list[int]:
        return sorted(int(path.name.removeprefix(f"{kind}-")) for path in self._folder.glob(f"{kind}-[0-9]*"))

    def _path(self, header: Header) -> Path:
        return self._folder / f"{header.kind}-{header.generation:06d}"


def _next_epoch(key_id: str) -> str:
    name, _, epoch = key_id.rpartition("/")
    return f"{name}/{int(epoch) + 1}"


def possess(folder: Path) -> int:
    """Return a handle that keeps a folder for this process until it is closed. Raises `GalleryInUse`."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise GalleryInUse(f"{folder} is in use by another process: one process owns a gallery's folder") from error
    return lock


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
