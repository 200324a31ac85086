"""FAISS, typed: the exact scan of whole vectors, and the coarse scan of small codes. The one module that imports it.

A coarse code is 4 bits for two numbers, compared 32 vectors at a time. The code book is fixed, not trained. Templates
live behind a random orthogonal transform (`protect.py`), so any two coordinates of theirs are close to normal with
variance 1/d, whatever the faces; one book of 16 points, the best for two independent normal numbers, then serves every
pair of coordinates and every gallery. Measured on 200,000 vectors of 512 and of 128 numbers with a falling spectrum it
finds as much as `train()` on the data does. So nothing is trained, no gallery drifts away from its book, and codes made
on one machine can be read on any other.
"""

from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from yingbin.errors import BadConfiguration, Unavailable
from yingbin.log import get_logger

Codes = NDArray[np.uint8]
Matrix = NDArray[np.float32]

# Lloyd's algorithm on the standard normal density over a grid of 0.02, the best of 12 starts.
_BOOK: Final = np.array(
    [
        [0.0050, 0.0023], [-0.4686, -0.7552], [0.8947, -0.0232], [-0.4176, 0.7882],
        [-0.9484, 0.0326], [0.4529, -0.8395], [0.5062, 0.8169], [-1.4732, -1.1420],
        [-0.3520, -1.8305], [1.7256, -0.7111], [1.7674, 0.6116], [-0.2542, 1.8522],
        [-1.4141, 1.2149], [0.9508, -1.7610], [1.0478, 1.7090], [-1.9955, 0.0441],
    ],
    np.float32,
)  # fmt: skip
_DISTORTION: Final = 0.1076
"""Mean squared error of the book a number, in units of its variance."""
_VECTORS_A_BLOCK: Final = 32
_TRIES: Final = 5

log = get_logger()


class ScanFailed(Unavailable):
    """FAISS does not find what is there."""

    code = "scan_failed"


class ExactScan:
    """Vectors under numbers, compared as they are. Not locked."""

    def __init__(self, dimension: int) -> None:
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def add(self, numbers: NDArray[np.int64], vectors: Matrix) -> None:
        """Add vectors, fp32 (n, d), under new numbers, (n,)."""
        self._index.add_with_ids(vectors, numbers)

    def remove(self, number: int) -> None:
        """Drop a vector."""
        self._index.remove_ids(faiss.IDSelectorArray(np.array([number], np.int64)))

    def vector(self, number: int) -> Matrix:
        """Return a vector, fp32 (d,)."""
        return np.asarray(self._index.reconstruct(number), np.float32)

    def search(self, probes: Matrix, k: int) -> tuple[Matrix, NDArray[np.int64]]:
        """Return the `k` nearest each probe, fp32 (n, d): cosines, best first, and numbers, -1 where none is left."""
        faiss.omp_set_num_threads(1)
        cosines, numbers = self._index.search(probes, k)
        return cosines, numbers


class CodeScan:
    """Codes of up to `rows` unit vectors, in the order FAISS scans them. Not locked."""

    def __init__(self, dimension: int, rows: int) -> None:
        if dimension % 2:
            raise BadConfiguration(f"the index codes numbers in pairs; a pack of {dimension} numbers cannot be used")
        self._index = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
        book = np.tile(_BOOK / np.float32(np.sqrt(dimension)), (dimension // 2, 1, 1))
        faiss.copy_array_to_vector(book.ravel(), self._index.pq.centroids)
        self._index.is_trained = True
        self._packer = self._index.get_CodePacker()  # type: ignore[attr-defined]  # its type stubs leave it out
        self._most_blocks = -(-rows // _VECTORS_A_BLOCK)
        self._blocks: Codes = np.empty((0, self._packer.block_size), np.uint8)

    @property
    def used(self) -> int:
        """Number of rows that a search looks at, from row 0 on."""
        return int(self._index.ntotal)

    @used.setter
    def used(self, rows: int) -> None:
        self._reserve(rows)
        self._index.ntotal = rows
        self._index.ntotal2 = -(-rows // _VECTORS_A_BLOCK) * _VECTORS_A_BLOCK  # type: ignore[attr-defined]

    def encode(self, vectors: Matrix) -> Codes:
        """Return codes, uint8 (n, d / 4), of vectors, fp32 (n, d)."""
        faiss.omp_set_num_threads(1)
        return np.asarray(self._index.sa_encode(vectors))

    def decode(self, codes: Codes) -> Matrix:
        """Return what `codes`, uint8 (n, d / 4), stand for, fp32 (n, d)."""
        faiss.omp_set_num_threads(1)
        return np.asarray(self._index.sa_decode(codes))

    def put(self, row: int, code: Codes) -> None:
        """Write a code, uint8 (d / 4,)."""
        self._reserve(row + 1)
        self._packer.pack_1(np.ascontiguousarray(code), row % _VECTORS_A_BLOCK, self._block(row))

    def wipe(self, row: int) -> None:
        """Overwrite a code with zeros."""
        self._packer.pack_1(np.zeros(self._packer.code_size, np.uint8), row % _VECTORS_A_BLOCK, self._block(row))

    def code(self, row: int) -> Codes:
        """Return the code of a row, uint8 (d / 4,)."""
        return np.asarray(self._packer.unpack_1(self._block(row), row % _VECTORS_A_BLOCK))

    def search(self, probes: Matrix, k: int) -> tuple[Matrix, NDArray[np.int64]]:
        """Return the `k` <= `used` rows nearest each probe, fp32 (n, d): coarse cosines, best first, and rows.

        Raises `ScanFailed`. FAISS 1.15 has been seen to answer "no row at all", once in some 40,000 times, to the first
        search after a row was written by another thread; the same call is right a moment later. Cause unknown.
        """
        faiss.omp_set_num_threads(1)  # a setting of the thread that calls; two were slower than one (DESIGN 6)
        for _ in range(_TRIES):
            cosines, rows = self._index.search(probes, k)
            if (rows >= 0).all():
                return cosines, rows
            log.warning("scan_repeated", rows=self.used)
        raise ScanFailed(f"FAISS finds no row although there are {self.used}; restart this server")

    def _reserve(self, rows: int) -> None:
        """Make room, twice as much as before at least: it is copied once in a while and never half unused."""
        had, need = len(self._blocks), -(-rows // _VECTORS_A_BLOCK)
        if need > had:
            blocks = min(max(need, 2 * had), self._most_blocks)
            self._index.codes.resize(blocks * self._packer.block_size)
            memory = faiss.rev_swig_ptr(self._index.codes.get(), self._index.codes.size())
            self._blocks = memory.reshape(-1, self._packer.block_size)
            self._blocks[had:] = 0

    def _block(self, row: int) -> Codes:
        number = row // _VECTORS_A_BLOCK
        return self._blocks[number : number + 1]

    def packed(self) -> Codes:
        """Return the memory of all used codes, in FAISS's own order, which is also that of its index files."""
        return self._blocks[: -(-self.used // _VECTORS_A_BLOCK)].reshape(-1)


def least_coarse(cosine: float, dimension: int, sigmas: float) -> float:
    """Return the coarse cosine that a row of this true `cosine` falls below as often as a normal number `-sigmas`.

    A code is the mean of the vectors it stands for, so it is shorter than they are: of the cosine with its own vector,
    and of any part of a probe in that direction, 1 - distortion is left. The rest scatters like a random direction.
    """
    return (1 - _DISTORTION) * cosine - sigmas * float(np.sqrt(_DISTORTION / dimension))
