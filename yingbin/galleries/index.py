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
from yingbin.galleries.protect import BadVector, Vector


class TemplateIndex(Protocol):
    """Templates of one domain and pack. All methods may be called from any thread; effects are visible at once."""

    @property
    def count(self) -> int:
        """Number of templates held."""

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add or replace a template: unit fp32 (d,)."""

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""

    def search(self, probes: Vector) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty."""


class FlatIndex:
    """Exact inner-product search by FAISS; several templates of a person count as one identity, its best."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._lock = threading.Lock()
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._next = 0
        self._by_template: dict[str, int] = {}
        self._owner: dict[int, str] = {}
        self._of_customer: dict[str, set[str]] = {}

    @property
    def count(self) -> int:
        """Number of templates held."""
        return len(self._by_template)

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add or replace a template: unit fp32 (d,). Raises `BadVector`."""
        if vector.shape != (self._dimension,):
            raise BadVector(f"template of shape {vector.shape}; this gallery takes ({self._dimension},)")
        with self._lock:
            self._drop(template_id)
            number, self._next = self._next, self._next + 1
            self._index.add_with_ids(vector[None, :], np.array([number], np.int64))
            self._by_template[template_id] = number
            self._owner[number] = customer_id
            self._of_customer.setdefault(customer_id, set()).add(template_id)

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""
        with self._lock:
            return self._drop(template_id)

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""
        with self._lock:
            return sum(self._drop(template) for template in list(self._of_customer.get(customer_id, ())))

    def search(self, probes: Vector) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty.

        Raises `BadVector` for a wrong shape.
        """
        if probes.ndim != 2 or probes.shape[1] != self._dimension:
            raise BadVector(f"probes of shape {probes.shape}; this gallery takes (n, {self._dimension})")
        with self._lock:
            if not self._by_template:
                return [None] * len(probes)
            # Enough neighbours to meet a second identity behind the largest number of templates one person has.
            depth = min(self.count, 1 + max(len(of_one) for of_one in self._of_customer.values()))
            scores, numbers = self._index.search(np.ascontiguousarray(probes, np.float32), depth)
            return [self._collapse(row, ids) for row, ids in zip(scores, numbers, strict=True)]

    def _drop(self, template_id: str) -> bool:
        number = self._by_template.pop(template_id, None)
        if number is None:
            return False
        self._index.remove_ids(faiss.IDSelectorArray(np.array([number], np.int64)))
        customer = self._owner.pop(number)
        self._of_customer[customer].discard(template_id)
        if not self._of_customer[customer]:
            del self._of_customer[customer]
        return True

    def _collapse(self, scores: NDArray[np.float32], numbers: NDArray[np.int64]) -> Hit:
        best = self._owner[int(numbers[0])]
        others = (float(s) for s, n in zip(scores, numbers, strict=True) if n >= 0 and self._owner[int(n)] != best)
        return Hit(best, float(scores[0]), next(others, -1.0))
