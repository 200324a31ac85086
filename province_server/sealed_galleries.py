"""The galleries on the disk, so that a start reads them instead of opening every row: a folder a domain and gallery.

The stores are truth. At a start the vault puts right what a folder lacks or has too much, so a folder may be old, lag
behind because its disk was full, or have been moved aside: that costs time, nothing else.
"""

import shutil
import threading
from pathlib import Path

from province_server.gallery import NewIndex
from yingbin.errors import Unavailable
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.folder import opened
from yingbin.galleries.folder_files import destroy
from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.journal import Change
from yingbin.galleries.protect import Domain
from yingbin.galleries.sealed import SealedGallery
from yingbin.log import get_logger
from yingbin.trust.consent import Gallery
from yingbin.trust.keystore import KeyStore

log = get_logger()


class SealedGalleries:
    """Everything in one folder. Only what `indices` was asked for is opened, and then it is this process's alone."""

    def __init__(self, folder: Path, keys: KeyStore) -> None:
        self._folder = folder
        self._keys = keys
        self._lock = threading.Lock()
        self._open: dict[Path, _Lenient] = {}

    def indices(self, pack_id: str) -> NewIndex:
        """Return what opens a gallery of a domain: as its folder was left, or empty.

        That raises `GalleryInUse` or `Unavailable`.
        """

        def open_one(gallery: Gallery, domain: Domain, dimension: int) -> TemplateIndex:
            folder = self._folder / domain.key_id / gallery
            name = f"{domain.key_id}-{gallery}"

            def make() -> _Lenient:
                return _Lenient(
                    folder, CodeIndex(dimension), self._keys, name=name, pack_id=pack_id, dimension=dimension
                )

            with self._lock:
                if folder not in self._open:  # else a renewal failed and begins again
                    self._open[folder] = opened(folder, make)
                return self._open[folder]

        return open_one

    def keep_only(self, domain: Domain | None) -> None:
        """Destroy the galleries of every other domain, and their keys: they are not searched any more (C8)."""
        kept = domain.key_id if domain else ""
        with self._lock:
            others = [one for one in self._folder.glob("*") if one.is_dir() and one.name != kept]
            for gallery in [one for other in others for one in other.iterdir()]:
                if gallery in self._open:
                    self._open.pop(gallery).close()
                destroy(gallery, self._keys)
            for other in others:
                shutil.rmtree(other, ignore_errors=True)

    def reseal(self, epoch_ms: int) -> None:
        """Give each gallery a new key when it has one for `epoch_ms`, and a snapshot when its journal is long (C5).

        Raises `StorageFull` or `Unavailable`.
        """
        with self._lock:
            for gallery in self._open.values():
                gallery.reseal(epoch_ms)

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()


class _Lenient(SealedGallery):
    """One gallery, where a change counts although it could not be kept: it is in the stores."""

    def _keep(self, change: Change) -> None:
        try:
            super()._keep(change)
        except Unavailable as error:
            log.error("gallery_not_kept", code=error.code, reason=error.message, error_id=error.error_id)  # noqa: TRY400
