"""The changes of a gallery as they are written to its journal, and how an index takes them back."""

import itertools
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from yingbin.galleries.index import TemplateIndex
from yingbin.galleries.protect import Vector

_AT_ONCE: Final = 1024


class Added(msgspec.Struct, frozen=True, array_like=True, tag="added"):
    """Templates added in one call; `vectors` is little-endian fp32, row-major."""

    template_ids: list[str]
    customer_ids: list[str]
    vectors: bytes


class Removed(msgspec.Struct, frozen=True, array_like=True, tag="removed"):
    """A template removed, if it was there."""

    template_id: str


class CustomerRemoved(msgspec.Struct, frozen=True, array_like=True, tag="customer_removed"):
    """All templates of a customer removed, if he had any."""

    customer_id: str


Change = Added | Removed | CustomerRemoved
_decoder: Final = msgspec.msgpack.Decoder(Change)


def encode(change: Change) -> bytes:
    """Return a change as a record."""
    return msgspec.msgpack.encode(change)


def added(template_ids: Iterable[str], customer_ids: Iterable[str], vectors: Vector) -> Added:
    """Return the change that adds vectors, fp32 (n, d)."""
    return Added(list(template_ids), list(customer_ids), np.asarray(vectors, "<f4").tobytes())


def replay(records: Iterable[bytes], index: TemplateIndex, dimension: int) -> None:
    """Make the changes in `records`, in their order; runs of additions are made together, which is far quicker.

    Raises `msgspec.DecodeError`, or what the index raises for a change it would not have taken.
    """
    changes = (_decoder.decode(record) for record in records)
    for adding, run in itertools.groupby(changes, key=lambda change: isinstance(change, Added)):
        while adding and (some := [change for change in itertools.islice(run, _AT_ONCE) if isinstance(change, Added)]):
            index.add_many(
                [one for change in some for one in change.template_ids],
                [one for change in some for one in change.customer_ids],
                np.frombuffer(b"".join(change.vectors for change in some), "<f4").reshape(-1, dimension),
            )
        for change in run:
            match change:
                case Removed():
                    index.remove(change.template_id)
                case CustomerRemoved():
                    index.remove_customer(change.customer_id)
