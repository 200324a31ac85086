"""A gallery that outlives its process in a sealed folder (`folder.py`).

The database is truth; this makes a start quick (codes are read, not made) and loses nothing that was acknowledged.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from yingbin.errors import YingbinError
from yingbin.galleries.decide import Hit
from yingbin.galleries.folder import SealedFolder
from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.journal import Change, CustomerRemoved, Removed, added, encode, replay
from yingbin.galleries.protect import Vector
from yingbin.galleries.rowtable import Keys
from yingbin.trust.keystore import KeyStore


class SealedGallery:
    """A `TemplateIndex` and its folder. Every change is on the disk when the call returns; any thread may call."""

    def __init__(
        self, folder: Path, index: TemplateIndex, keys: KeyStore, *, name: str, pack_id: str, dimension: int
    ) -> None:
        """Bring the empty `index` to where this folder was left; a new folder is made.

        Raises `GalleryInUse`, `WrongPack`, `WrongKey`, `GalleryDamaged` or `Unavailable`.
        """
        self._index, self._dimension = index, dimension
        self._sealing = threading.Lock()
        """Taken before `_writing`."""
        self._writing = threading.Lock()
        self._folder = SealedFolder(folder, self, keys, name=name, pack_id=pack_id, dimension=dimension)

    @property
    def count(self) -> int:
        """Number of vectors a search compares with."""
        return self._index.count

    def search(self, probes: Vector, floor: float = -1.0) -> list[Hit | None]:
        """Search, as `TemplateIndex.search`."""
        return self._index.search(probes, floor)

    def vector_of(self, customer_id: str) -> Vector | None:
        """Return what a customer is searched by, as `TemplateIndex.vector_of`."""
        return self._index.vector_of(customer_id)

    def owner_of(self, template_id: str) -> str | None:
        """Return whose template it is, as `TemplateIndex.owner_of`."""
        return self._index.owner_of(template_id)

    def template_keys(self) -> Keys:
        """Return the keys of all templates, as `TemplateIndex.template_keys`."""
        return self._index.template_keys()

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
        """Drop a customer's templates, as `TemplateIndex.remove_customer`; lasting.

        He has withdrawn, so nobody finds him any more even if this raises `StorageFull` or `Unavailable`: then he would
        be back after a restart, unless whoever fills the gallery removes him again.
        """
        with self._writing:
            removed = self._index.remove_customer(customer_id)
            if removed:
                self._keep(CustomerRemoved(customer_id))
            return removed

    def seal(self, *, new_epoch: bool = False) -> None:
        """Write a snapshot and begin a new journal, as `SealedFolder.seal`. Nobody waits for the snapshot."""
        with self._sealing:
            self._seal(new_epoch=new_epoch)

    def reseal(self, epoch_ms: int) -> None:
        """Seal, in a new epoch when this one is `epoch_ms` old, or because the journal is long; else do nothing."""
        with self._sealing:
            old = self._folder.is_old(epoch_ms)
            if old or self._folder.is_long:
                self._seal(new_epoch=old)

    def _seal(self, *, new_epoch: bool) -> None:
        with self._writing:  # between the two nothing changes: the snapshot and the new journal make up everything
            begun = self._folder.begin(new_epoch=new_epoch)
            chunks = self._index.snapshot()
        self._folder.complete(begun, chunks)

    def close(self) -> None:
        """Let go of the folder, after a seal that is under way."""
        with self._sealing, self._writing:
            self._folder.close()

    def snapshot(self) -> Iterator[bytes | memoryview]:
        """Yield everything, as `TemplateIndex.snapshot`."""
        return self._index.snapshot()

    def restore(self, chunks: Iterator[bytes]) -> None:
        """Take in a snapshot, as `TemplateIndex.restore`; for the folder."""
        self._index.restore(chunks)

    def replay(self, records: Iterator[bytes]) -> None:
        """Make the changes of a journal; for the folder."""
        replay(records, self._index, self._dimension)

    def _keep(self, change: Change) -> None:
        self._folder.keep(encode(change))
