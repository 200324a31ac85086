"""The index for galleries of any size: an exhaustive scan of small codes, then the exact cosine of the few best.

Faces are spread over the whole sphere, so an index that looks at a part of the gallery loses people ((m) DESIGN 6: IVF
finds .856 of what an exact scan finds). Here every row is looked at, in d / 4 bytes, and those that may be among the
two best are compared in full: code + residual, d more bytes (2 d up to 256 numbers).

Cosines come out right within 1e-3 at 512 numbers (standard deviation 1.6e-4) and within 1e-5 up to 256 numbers; the
price of 150 MB for 200,000 customers. Strangers whose two best are nearer to each other than that may come out swapped:
4 of 1,000 probes at 200,000 x 512, half of them strangers; 6 at 2,000,000. One in 1,000 would take errors a quarter as
large, two bits a number more (0.25 GB at 2,000,000 x 512, where 0.09 GB are left to 1.5), for strangers far below any
threshold.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from yingbin.errors import Conflict
from yingbin.galleries import snapshot
from yingbin.galleries.decide import Hit
from yingbin.galleries.frozen import Frozen
from yingbin.galleries.index import DuplicateTemplate
from yingbin.galleries.protect import Vector, checked_units, fused, normalise
from yingbin.galleries.rowtable import NO_KEY, Keys, keys_of, unpack_id
from yingbin.galleries.segment import SEGMENT_ROWS, Best
from yingbin.galleries.shelf import Shelf

_TOGETHER: Final = 16
"""Probes scanned in one pass: FAISS takes four to every code it reads."""
_PAUSE_S: Final = 5e-5
"""After each chunk of a snapshot: whoever seals it in a thread holds the interpreter, and a search that needs it back
after its scan would wait for the switch interval of 5 ms."""
_KIND: Final = "codes"


class CodeIndex:
    """Several templates of a customer are searched as one, their mean of unit length, as in `FlatIndex`.

    One row a customer is searched. Its template's id is in the row; the templates of a customer with several are kept
    apart in `_parts`, for the day one of them goes. Searches wait for nobody but a writer in the segment they are in.
    Ids are best UUIDs: 16 bytes each. A customer's id that is none is kept beside.
    """

    def __init__(self, dimension: int, *, segment_rows: int = SEGMENT_ROWS) -> None:
        self._dimension = dimension
        self._segment_rows = segment_rows
        self._writing = threading.Lock()
        self._searched = Shelf(dimension, segment_rows)
        self._parts = Shelf(dimension, segment_rows)
        self._other_ids: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Number of vectors a search compares with: one a customer."""
        return len(self._searched)

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add a template: unit fp32 (d,). Raises `BadVector` or `DuplicateTemplate`, and adds nothing."""
        self.add_many([template_id], [customer_id], vector[None, :])

    def add_many(self, template_ids: Sequence[str], customer_ids: Sequence[str], vectors: Vector) -> None:
        """Add templates: unit fp32 (n, d). Raises as `add`, and adds nothing then."""
        vectors = checked_units(vectors, self._dimension)
        templates, customers = keys_of(template_ids), keys_of(customer_ids)
        with self._writing:
            known, joining = self._searched.may_hold(templates, customers)
            known |= self._parts.may_hold(templates, customers)[0]
            known_ids = (template_ids[at] for at in np.flatnonzero(known).tolist() if self._holds(templates[at]))
            twice = (template_id for template_id, times in Counter(template_ids).items() if times > 1)
            for template_id in (*known_ids, *twice):
                raise DuplicateTemplate(f"template {template_id} is in this gallery already; remove it first")
            self._other_ids |= {
                by_key: customer_id
                for customer_id, key in zip(customer_ids, customers, strict=True)
                if (by_key := unpack_id(key)) != customer_id
            }
            times = Counter(customer_ids)
            alone = ~joining & np.fromiter((times[one] == 1 for one in customer_ids), np.bool_, len(customer_ids))
            self._searched.append(templates[alone], customers[alone], vectors[alone])
            for at in np.flatnonzero(~alone):
                self._join(templates[at], customers[at], vectors[at])

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""
        (template,) = keys_of([template_id])
        with self._writing:
            row = self._searched.row_of_template(template)
            if row is not None:
                self._other_ids.pop(unpack_id(self._searched.customer(row)), None)
                self._searched.drop(row)
                return True
            part = self._parts.row_of_template(template)
            if part is None:
                return False
            customer = self._parts.customer(part)
            self._parts.drop(part)
            self._fuse(customer)
            return True

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""
        (customer,) = keys_of([customer_id])
        with self._writing:
            rows = self._searched.rows_of_customer(customer)
            if not rows:
                return 0
            self._searched.drop(rows[0])
            self._other_ids.pop(unpack_id(customer), None)
            removed = 0
            while parts := self._parts.rows_of_customer(customer):
                self._parts.drop(parts[0])
                removed += 1
            return max(removed, 1)

    def vector_of(self, customer_id: str) -> Vector | None:
        """Return what a customer is searched by, unit fp32 (d,); None when nothing of him is here."""
        (customer,) = keys_of([customer_id])
        with self._writing:
            rows = self._searched.rows_of_customer(customer)
            return normalise(self._searched.vectors(rows)[0]) if rows else None

    def owner_of(self, template_id: str) -> str | None:
        """Return the customer of a template; None when it is not here."""
        (template,) = keys_of([template_id])
        with self._writing:
            for shelf in (self._searched, self._parts):
                row = shelf.row_of_template(template)
                if row is not None:
                    by_key = unpack_id(shelf.customer(row))
                    return self._other_ids.get(by_key, by_key)
        return None

    def template_keys(self) -> Keys:
        """Return the keys of all templates here, (n, 2), as `rowtable.keys_of` makes them; in any order."""
        with self._writing:
            segments = [*self._searched.segments, *self._parts.segments]
            keys = np.concatenate([np.empty((0, 2), np.uint64), *(one.templates[: one.used] for one in segments)])
        return keys[keys.any(axis=1)]

    def search(self, probes: Vector, floor: float = -1.0) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty.

        Rows whose code says that they are not above `floor` are not compared. Raises `BadVector`.
        """
        probes = checked_units(probes, self._dimension)
        hits: list[Hit | None] = []
        for start in range(0, len(probes), _TOGETHER):
            some = probes[start : start + _TOGETHER]
            best = [Best((floor, floor)) for _ in some]
            for segment in tuple(self._searched.segments):
                segment.search(some, best, few=floor > -1)
            hits += map(self._hit, best)
        return hits

    def snapshot(self) -> Iterator[bytes | memoryview]:
        """Return everything as it is now, as `restore` takes it; others may write before it is read."""
        shelves = (self._searched, self._parts)
        with self._writing:
            used = [[segment.used for segment in shelf.segments] for shelf in shelves]
            frozen = deque(segment.freeze() for shelf in shelves for segment in shelf.segments)
            other_ids = dict(self._other_ids)
        header = snapshot.Header(_KIND, self._dimension, [[self._segment_rows], *used])
        return _chunks(header, other_ids, frozen)

    def restore(self, chunks: Iterator[bytes]) -> None:
        """Take in what `snapshot` of such an index yielded. Raises `SnapshotUnusable`, or `Conflict` unless empty."""
        if self.count:
            raise Conflict("a snapshot is restored into an empty index")
        header = snapshot.Header.read(chunks, _KIND, self._dimension)
        try:
            (self._segment_rows,), *used = header.rows
            restored = [Shelf(self._dimension, self._segment_rows) for _ in (0, 1)]
            for shelf, rows in zip(restored, used, strict=True):
                shelf.reserve(rows)
        except ValueError as error:
            raise snapshot.SnapshotUnusable("the header of the snapshot makes no sense") from error
        other_ids = snapshot.decode(next(chunks, b""), dict[str, str])
        for shelf in restored:
            for segment in shelf.segments:
                for column in segment.reserve(segment.used):
                    snapshot.fill(column, chunks)
            shelf.entered()
        snapshot.at_end(chunks)
        self._searched, self._parts = restored
        self._other_ids = other_ids

    def _hit(self, best: Best) -> Hit | None:
        customer, cosines = best.customers[0], best.cosines
        if not customer.any():
            return None
        by_key = unpack_id(customer)
        return Hit(self._other_ids.get(by_key, by_key), *cosines)

    def _holds(self, template: Keys) -> bool:
        return self._searched.row_of_template(template) is not None or self._parts.row_of_template(template) is not None

    def _join(self, template: Keys, customer: Keys, vector: Vector) -> None:
        """Add a template of a customer who may have others."""
        rows = self._searched.rows_of_customer(customer)
        if not rows:
            self._searched.append(template[None], customer[None], vector[None])
            return
        only = self._searched.template(rows[0])
        if only.any():
            self._parts.append(only[None], customer[None], self._searched.vectors(rows))
        self._parts.append(template[None], customer[None], vector[None])
        self._fuse(customer)

    def _fuse(self, customer: Keys) -> None:
        """Search a customer by the mean of his parts; a single one left goes back into the row."""
        (row,) = self._searched.rows_of_customer(customer)
        parts = self._parts.rows_of_customer(customer)
        vectors = self._parts.vectors(parts)
        if len(parts) > 1:
            self._searched.replace(row, NO_KEY, fused(vectors))
            return
        self._searched.replace(row, self._parts.template(parts[0]), vectors[0])
        self._parts.drop(parts[0])


def _chunks(header: snapshot.Header, other_ids: dict[str, str], frozen: deque[Frozen]) -> Iterator[bytes]:
    yield header.encode()
    yield msgspec.msgpack.encode(other_ids)
    while frozen:
        for chunk in frozen.popleft().chunks():
            yield chunk
            time.sleep(_PAUSE_S)
