"""A sealed gallery to open, close and break, with a key store in memory."""

import os
from collections.abc import Callable
from pathlib import Path

from index_suite import DIMENSION, units, uuid

from yingbin.errors import NotFound
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.sealed import SealedGallery

PACK = "opencv-zoo"


class Keys:
    """A key store without a file, for speed."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        if name not in self.secrets:
            raise NotFound(name)
        return self.secrets[name]

    def put(self, name: str, secret: bytes) -> None:
        self.secrets[name] = secret

    def get_or_create(self, name: str, size_bytes: int) -> bytes:
        return self.secrets.setdefault(name, os.urandom(size_bytes))

    def destroy(self, name: str) -> None:
        self.secrets.pop(name, None)


class House:
    """One folder and its keys, opened and closed at will."""

    def __init__(self, folder: Path, new_index: Callable[[int], TemplateIndex] = CodeIndex) -> None:
        self.folder = folder
        self.keys = Keys()
        self._new_index = new_index
        self._open: list[SealedGallery] = []

    @property
    def key(self) -> str:
        """The name of the only key there is."""
        (name,) = self.keys.secrets
        return name

    def open(self, *, pack_id: str = PACK, dimension: int = DIMENSION) -> SealedGallery:
        index = self._new_index(dimension)
        gallery = SealedGallery(self.folder, index, self.keys, name="vip", pack_id=pack_id, dimension=dimension)
        self._open.append(gallery)
        return gallery

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def reopened(self) -> SealedGallery:
        self.close()
        return self.open()


def add(gallery: SealedGallery, *numbers: int) -> None:
    for number in numbers:
        gallery.add(uuid(number), uuid(1000 + number), units(1, number)[0])


def present(gallery: SealedGallery, numbers: range) -> set[int]:
    """Return who of `numbers` is there; a vector that is there must be his."""
    found = set()
    for number in numbers:
        vector = gallery.vector_of(uuid(1000 + number))
        if vector is not None:
            assert float(vector @ units(1, number)[0]) > 0.9999
            found.add(number)
    return found
