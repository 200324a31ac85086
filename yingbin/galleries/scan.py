"""FAISS, typed: the exact scan of whole vectors, and the coarse scan of small codes. The one module that imports it.

A coarse code is 4 bits for two numbers, compared 32 vectors at a time with tables that stay in registers: product
quantisation (Jegou, Douze, Schmid, TPAMI 2011) as "PQ fast scan" (Andre, Kermarrec, Le Scouarnec, VLDB 2015). The code
book is fixed, not trained. Templates live behind a random orthogonal transform (`protect.py`), so any two of their
coordinates are close to normal with variance 1/d, whatever the faces; one book of 16 points, the best for independent
normal numbers, then serves every pair of coordinates and every gallery. (That a random rotation makes a fixed book do,
with an error that can be stated, is also what RaBitQ rests on: Gao and Long, SIGMOD 2024.) Measured on 200,000 vectors
of 512 and of 128 numbers with a falling spectrum it finds as much as `train()` on the data does. So nothing is trained,
no gallery drifts away from its book, and codes made on one machine can be read on any other.

Why pairs. At 2,000,000 x 512, one thread: the scan alone in ms, of one probe and of each in a batch of 16; and how many
rows must be looked at in full, at 0.17 us each, for 998 of 1,000 strangers to get their true best row:

| numbers a code | bytes a row | one | of 16 | rows |
|---|---|---|---|---|
| 2 | 128 | 9.6 | 6.6 | 140 |
| 3 | 86 | 7.0 | 4.7 | 1,500 |
| 4 | 64 | 5.0 | 3.5 | more than 6,000 |
| 8 (RaBitQ, a bit each, in FAISS 1.15) | 64 and two factors | 14 | 16 | 6,000 |

Fetching thousands of rows costs the scan more than it saves: with triples, a search of 200,000 takes as long (1.3 ms)
and its 99th percentile twice as long, one of 2,000,000 takes 9 instead of 11.5 ms, a batch of 16 as long.
"""

from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

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
VECTORS_A_BLOCK: Final = 32
_RESERVOIR: Final = 15
"""FAISS's implementation 15: four probes a pass, and the best rows kept in a reservoir however few they are.

Left to itself FAISS 1.15 takes a heap for up to 20 rows, which starts from what happens to be in the array for the
results: with the largest fp32 there it answers "no row at all" (`test_a_scan_does_not_read_what_is_in_its_results`).
"""


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
    """Codes of up to `rows` unit vectors, in the order FAISS scans them. One thread may write while others search.

    Then what a search says of the rows being written means nothing; of the others it is right. The memory never moves,
    and takes up nothing before it is used.
    """

    def __init__(self, dimension: int, rows: int) -> None:
        pairs = -(-dimension // 2)
        self._dimension = dimension
        self._padding = ((0, 0), (0, 2 * pairs - dimension))
        self._index = faiss.IndexPQFastScan(2 * pairs, pairs, 4, faiss.METRIC_INNER_PRODUCT)
        book = np.tile(_BOOK / np.float32(np.sqrt(dimension)), (pairs, 1, 1))
        faiss.copy_array_to_vector(book.ravel(), self._index.pq.centroids)
        self._index.is_trained = True
        self._index.implem = _RESERVOIR
        self._packer = self._index.get_CodePacker()  # type: ignore[attr-defined]  # its type stubs leave it out
        self._index.codes.resize(-(-rows // VECTORS_A_BLOCK) * self._packer.block_size)
        memory = faiss.rev_swig_ptr(self._index.codes.get(), self._index.codes.size())
        self._blocks: Codes = memory.reshape(-1, self._packer.block_size)
        self._clean_blocks = 0

    @property
    def used(self) -> int:
        """Number of rows that a search looks at, from row 0 on."""
        return int(self._index.ntotal)

    @used.setter
    def used(self, rows: int) -> None:
        self._clean(rows)
        self._index.ntotal = rows
        self._index.ntotal2 = -(-rows // VECTORS_A_BLOCK) * VECTORS_A_BLOCK  # type: ignore[attr-defined]

    def encode(self, vectors: Matrix) -> Codes:
        """Return codes, uint8 (n, bytes), of vectors, fp32 (n, d)."""
        faiss.omp_set_num_threads(1)
        return np.asarray(self._index.sa_encode(self._padded(vectors)))

    def decode(self, codes: Codes) -> Matrix:
        """Return what `codes`, uint8 (n, bytes), stand for, fp32 (n, d)."""
        faiss.omp_set_num_threads(1)
        return np.asarray(self._index.sa_decode(codes))[:, : self._dimension]

    def put(self, row: int, code: Codes) -> None:
        """Write a code, uint8 (bytes,)."""
        self._clean(row + 1)
        self._packer.pack_1(np.ascontiguousarray(code), row % VECTORS_A_BLOCK, self._block(row))

    def wipe(self, row: int) -> None:
        """Overwrite a code with zeros."""
        self._packer.pack_1(np.zeros(self._packer.code_size, np.uint8), row % VECTORS_A_BLOCK, self._block(row))

    def code(self, row: int) -> Codes:
        """Return the code of a row, uint8 (bytes,)."""
        return np.asarray(self._packer.unpack_1(self._block(row), row % VECTORS_A_BLOCK))

    def search(self, probes: Matrix, k: int) -> tuple[Matrix, NDArray[np.int64]]:
        """Return the `k` <= `used` rows nearest each probe, fp32 (n, d): coarse cosines, best first, and rows.

        Left out by FAISS, and -1 at the end, is a row that all tables call the worst there is.
        """
        faiss.omp_set_num_threads(1)  # a setting of the thread that calls; two were slower than one (DESIGN 6)
        cosines, rows = self._index.search(self._padded(probes), max(k, 2))  # for 1 it has yet another implementation
        return cosines[:, :k], rows[:, :k]

    def _padded(self, vectors: Matrix) -> Matrix:
        return np.pad(vectors, self._padding) if self._dimension % 2 else vectors

    def _clean(self, rows: int) -> None:
        """Fill blocks never used before with zeros: the memory is as it came."""
        need = -(-rows // VECTORS_A_BLOCK)
        if need > self._clean_blocks:
            self._blocks[self._clean_blocks : need] = 0
            self._clean_blocks = need

    def _block(self, row: int) -> Codes:
        number = row // VECTORS_A_BLOCK
        return self._blocks[number : number + 1]

    def packed(self) -> Codes:
        """Return the memory of all used codes, `VECTORS_A_BLOCK` to an entry, in the order of FAISS's index files."""
        return self._blocks[: -(-self.used // VECTORS_A_BLOCK)]


def least_coarse(cosine: float, dimension: int, sigmas: float) -> float:
    """Return the coarse cosine that a row of this true `cosine` falls below as often as a normal number `-sigmas`.

    A code is the mean of the vectors it stands for, so it is shorter than they are: of the cosine with its own vector,
    and of any part of a probe in that direction, 1 - distortion is left. The rest scatters like a random direction.
    """
    return (1 - _DISTORTION) * cosine - sigmas * float(np.sqrt(_DISTORTION / dimension))
