"""The search structure of a gallery: vectors in, best identity out.

The database is truth and the index disposable: it is rebuilt from sealed rows at start. `FlatIndex` scans every
template exactly; compressed codes for large galleries come behind the same interface.
"""

import threading
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from yingbin.galleries.decide import Hit
from yingbin.galleries.protect import BadVector, Vector, normalise


class TemplateIndex(Protocol):
    """Templates of one domain and pack. All methods may be called from any thread; effects are visible at once."""

    @property
    def count(self) -> int:
        """Number of vectors a search compares with: the N of `yingbin.galleries.decide`."""

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add or replace a template: unit fp32 (d,)."""

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""

    def search(self, probes: Vector) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty."""


class FlatIndex:
    """Exact inner-product search by FAISS. A customer's templates are searched as one: their mean, of unit length.

    Against the best of 2..5 photos the mean finds more (measured on 25 people's press photos, genuine 5th percentile:
    .52 -> .55, .55 -> .58, .56 -> .60), strangers score no higher, and N, which the threshold pays for, is the number
    of customers instead of photos.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._lock = threading.Lock()
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._next = 0
        self._owner_of_template: dict[str, str] = {}
        self._templates: dict[str, dict[str, Vector]] = {}
        self._number: dict[str, int] = {}
        self._customer: dict[int, str] = {}

    @property
    def count(self) -> int:
        """Number of vectors a search compares with: one a customer."""
        return len(self._number)

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add or replace a template: unit fp32 (d,). Raises `BadVector`."""
        if vector.shape != (self._dimension,):
            raise BadVector(f"template of shape {vector.shape}; this gallery takes ({self._dimension},)")
        with self._lock:
            self._drop(template_id)
            self._owner_of_template[template_id] = customer_id
            self._templates.setdefault(customer_id, {})[template_id] = vector
            self._fuse(customer_id)

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""
        with self._lock:
            return self._drop(template_id)

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""
        with self._lock:
            return sum(self._drop(template) for template in list(self._templates.get(customer_id, ())))

    def search(self, probes: Vector) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty.

        Raises `BadVector` for a wrong shape.
        """
        if probes.ndim != 2 or probes.shape[1] != self._dimension:
            raise BadVector(f"probes of shape {probes.shape}; this gallery takes (n, {self._dimension})")
        with self._lock:
            if not self._number:
                return [None] * len(probes)
            scores, numbers = self._index.search(np.ascontiguousarray(probes, np.float32), 2)
            return [self._hit(row, ids) for row, ids in zip(scores, numbers, strict=True)]

    def _drop(self, template_id: str) -> bool:
        customer_id = self._owner_of_template.pop(template_id, None)
        if customer_id is None:
            return False
        del self._templates[customer_id][template_id]
        self._fuse(customer_id)
        return True

    def _fuse(self, customer_id: str) -> None:
        """Put the mean of a customer's templates in place of the one searched so far; take it away after the last."""
        number = self._number.pop(customer_id, None)
        if number is not None:
            self._index.remove_ids(faiss.IDSelectorArray(np.array([number], np.int64)))
            del self._customer[number]
        templates = self._templates[customer_id]
        if not templates:
            del self._templates[customer_id]
            return
        mean = normalise(np.sum(list(templates.values()), axis=0, dtype=np.float32))
        number, self._next = self._next, self._next + 1
        self._index.add_with_ids(mean[None, :], np.array([number], np.int64))
        self._number[customer_id], self._customer[number] = number, customer_id

    def _hit(self, scores: NDArray[np.float32], numbers: NDArray[np.int64]) -> Hit:
        runner_up = float(scores[1]) if numbers[1] >= 0 else -1.0
        return Hit(self._customer[int(numbers[0])], float(scores[0]), runner_up)
