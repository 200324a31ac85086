"""A gallery in Milvus, for a province that keeps its vectors there: the one module that imports pymilvus.

Milvus holds one row a customer: the vector he is searched by and, when he has several templates, each of them. The rows
are disposable like any index: `MilvusFolder` begins empty and is filled from the sealed stores. They lie in a plain
file, a removed one until the next start, so the folder belongs on an encrypted volume (`yingbin doctor` looks).

The index type is FLAT and every read is `Strong`: an index that looks at a part of the gallery loses people (DESIGN 6),
and whoever is removed is not found a moment later. milvus-lite opens a file for one process only.
"""

import base64
import itertools
import logging
import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from yingbin.errors import BadConfiguration, Conflict, Unavailable
from yingbin.galleries import snapshot
from yingbin.galleries.decide import Hit
from yingbin.galleries.folder_files import possess
from yingbin.galleries.index import DuplicateTemplate
from yingbin.galleries.protect import Vector, checked_units, decode_template, encode_template, fused
from yingbin.galleries.rowtable import Keys, keys_of, unpack_id

_FILE: Final = "gallery.db"
_KIND: Final = "milvus"
_AT_ONCE: Final = 500
_UUID_LENGTH: Final = 36
_ID_BYTES: Final = 256
_WHOLE_ROW: Final = ""
"""Stands for the vector of a customer's only template: it is the one he is searched by."""


class MilvusFailed(Unavailable):
    """Milvus does not answer, or refused a request."""

    code = "milvus_failed"


class MilvusFolder:
    """milvus-lite in a folder of its own, empty at first.

    Raises `BadConfiguration` without the packages of the extra `services`, `GalleryInUse`, `MilvusFailed`.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import pymilvus
        except ImportError as error:
            raise BadConfiguration(
                "an index in Milvus needs the packages of the extra `services`: pip install 'yingbin[services]'"
            ) from error
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what fails is raised; its lines may quote requests
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise BadConfiguration(f"the folder for Milvus, {folder}, cannot be used: {error.strerror}") from error
        self._lock = possess(folder)
        self._numbers = itertools.count()
        self._path = (folder / _FILE).resolve()
        self._path.unlink(missing_ok=True)
        try:
            with _actionable():
                self._client = pymilvus.MilvusClient(uri=str(self._path))
        except BaseException:
            os.close(self._lock)
            raise

    def index(self, dimension: int) -> "MilvusIndex":
        """Return a new, empty index. When nobody refers to it any more Milvus forgets its rows, too."""
        name = f"gallery_{next(self._numbers)}"
        index = MilvusIndex(self._client, name, dimension)
        weakref.finalize(index, _forget, self._client, name).atexit = False
        return index

    def close(self) -> None:
        """Stop Milvus and let the folder go."""
        from milvus_lite.server_manager import server_manager_instance

        self._client.close()
        server_manager_instance.release_server(str(self._path))
        os.close(self._lock)


class MilvusIndex:
    """A `TemplateIndex` in one collection, which nobody else writes.

    Every method may also raise `MilvusFailed`. A write that does so has changed nothing in this process; should Milvus
    have died in the middle, its rows are made anew at the next start. Whose each template is, this process remembers
    (about 300 bytes each).
    """

    def __init__(self, client: Any, name: str, dimension: int) -> None:
        from pymilvus import DataType

        self._client = client
        self._name = name
        self._dimension = dimension
        self._lock = threading.Lock()
        self._owner: dict[str, str] = {}
        self._customers = 0
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=_UUID_LENGTH)
        schema.add_field("customer_id", DataType.VARCHAR, max_length=_ID_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        schema.add_field("templates", DataType.JSON)
        index = client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        with _actionable():
            client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")

    @property
    def count(self) -> int:
        """Number of vectors a search compares with: one a customer."""
        return self._customers

    def add(self, template_id: str, customer_id: str, vector: Vector) -> None:
        """Add a template: unit fp32 (d,). Raises `BadVector` or `DuplicateTemplate`."""
        self.add_many([template_id], [customer_id], vector[None, :])

    def add_many(self, template_ids: Sequence[str], customer_ids: Sequence[str], vectors: Vector) -> None:
        """Add templates: unit fp32 (n, d), as many as Milvus takes in one request (64 MB). Raises as `add`."""
        vectors = checked_units(vectors, self._dimension)
        with self._lock, _actionable():
            for template_id, times in Counter(template_ids).items():
                if times > 1 or template_id in self._owner:
                    raise DuplicateTemplate(f"template {template_id} is in this gallery already; remove it first")
            held = self._held(customer_ids)
            known = len(held)
            for template_id, customer_id, vector in zip(template_ids, customer_ids, vectors, strict=True):
                held.setdefault(customer_id, {})[template_id] = vector
            self._put(held, new=known == 0)
            self._owner.update(zip(template_ids, customer_ids, strict=True))
            self._customers += len(held) - known

    def remove(self, template_id: str) -> bool:
        """Drop one template; return whether it was there."""
        with self._lock, _actionable():
            customer_id = self._owner.get(template_id)
            if customer_id is None:
                return False
            held = self._held([customer_id])
            del held[customer_id][template_id]
            if held[customer_id]:
                self._put(held)
            else:
                self._drop(customer_id)
            del self._owner[template_id]
            return True

    def remove_customer(self, customer_id: str) -> int:
        """Drop every template of a customer; return how many there were."""
        with self._lock, _actionable():
            templates = self._held([customer_id]).get(customer_id, {})
            if templates:
                self._drop(customer_id)
            for template_id in templates:
                del self._owner[template_id]
            return len(templates)

    def vector_of(self, customer_id: str) -> Vector | None:
        """Return what a customer is searched by, unit fp32 (d,); None when nothing of him is here."""
        with self._lock, _actionable():
            rows = self._client.get(self._name, ids=_row_keys([customer_id]), output_fields=["vector"])
            return np.array(rows[0]["vector"], np.float32) if rows else None

    def owner_of(self, template_id: str) -> str | None:
        """Return the customer of a template; None when it is not here."""
        return self._owner.get(template_id)

    def template_keys(self) -> Keys:
        """Return the keys of all templates here, (n, 2), as `rowtable.keys_of` makes them; in any order."""
        with self._lock:
            return keys_of(list(self._owner))

    def search(self, probes: Vector, floor: float = -1.0) -> list[Hit | None]:
        """Return for each probe, unit fp32 (n, d), the best identity and the best other one; None when empty.

        `floor` is of no use here. Raises `BadVector`.
        """
        probes = checked_units(probes, self._dimension)
        if not len(probes):
            return []
        with self._lock, _actionable():
            found = self._client.search(self._name, data=list(probes), limit=2, output_fields=["customer_id"])
            return [_hit(best) for best in found]

    def snapshot(self) -> Iterator[bytes | memoryview]:
        """Yield everything as `restore` takes it. Milvus keeps its own files: nobody may write before it is read."""
        yield snapshot.Header(_KIND, self._dimension, [[len(self._owner)]]).encode()
        customers = list(dict.fromkeys(self._owner.values()))
        for start in range(0, len(customers), _AT_ONCE):
            with _actionable():
                held = self._held(customers[start : start + _AT_ONCE])
            for customer_id, templates in held.items():
                for template_id, vector in templates.items():
                    yield msgspec.msgpack.encode((template_id, customer_id))
                    yield encode_template(vector)

    def restore(self, chunks: Iterator[bytes]) -> None:
        """Take in what `snapshot` of such an index yielded. Raises `SnapshotUnusable`, or `Conflict` unless empty."""
        if self._owner:
            raise Conflict("a snapshot is restored into an empty index")
        ids, vectors = snapshot.templates(chunks, _KIND, self._dimension)
        for start in range(0, len(ids), _AT_ONCE):
            templates, customers = zip(*ids[start : start + _AT_ONCE], strict=True)
            self.add_many(templates, customers, vectors[start : start + _AT_ONCE])

    def _held(self, customer_ids: Sequence[str]) -> dict[str, dict[str, Vector]]:
        """Return the templates of those customers who have any."""
        rows = self._client.get(self._name, ids=_row_keys(sorted(set(customer_ids)))) if customer_ids else []
        return {row["customer_id"]: dict(self._templates(row)) for row in rows}

    def _templates(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Vector]]:
        for template_id, packed in row["templates"].items():
            raw = base64.b64decode(packed)
            yield template_id, decode_template(raw, self._dimension) if raw else np.array(row["vector"], np.float32)

    def _put(self, held: Mapping[str, Mapping[str, Vector]], *, new: bool = False) -> None:
        """Write whole rows in one request, which Milvus does or does not; `new`: none of these customers has one."""
        rows = []
        for customer_id, templates in held.items():
            several = len(templates) > 1
            packed = {
                template_id: base64.b64encode(encode_template(vector)).decode() if several else _WHOLE_ROW
                for template_id, vector in templates.items()
            }
            (key,), vector = _row_keys([customer_id]), fused(np.stack(list(templates.values())))
            rows.append({"key": key, "customer_id": customer_id, "vector": vector, "templates": packed})
        if rows:  # an upsert finds the old row first: at 50,000 customers 78 ms against 0.4 ms
            (self._client.insert if new else self._client.upsert)(self._name, rows)

    def _drop(self, customer_id: str) -> None:
        self._client.delete(self._name, ids=_row_keys([customer_id]))
        self._customers -= 1


def _forget(client: Any, name: str) -> None:
    with suppress(MilvusFailed), _actionable():  # a folder that was closed before
        client.drop_collection(name)


def _row_keys(customer_ids: Sequence[str]) -> list[str]:
    """Return the primary keys of customers: UUIDs whatever their ids, since pymilvus writes them into expressions."""
    return [unpack_id(key) for key in keys_of(customer_ids)]


def _hit(best: Sequence[Mapping[str, Any]]) -> Hit | None:
    if not best:
        return None
    return Hit(
        str(best[0]["entity"]["customer_id"]),
        float(best[0]["distance"]),
        float(best[1]["distance"]) if len(best) > 1 else -1.0,
    )


@contextmanager
def _actionable() -> Iterator[None]:
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        raise MilvusFailed(
            f"Milvus refused or does not answer (code {error.code}); look at the free space of its folder and at its "
            "process, then start this server again"
        ) from None  # its own sentence may quote the request
