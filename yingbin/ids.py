"""Identifiers and instants: UUIDv7 strings (RFC 9562, sortable by time) and UTC milliseconds since 1970."""

import time
from typing import Annotated

import msgspec
import uuid_utils

BootId = Annotated[str, msgspec.Meta(max_length=64)]
"""The boot a look was made in, when it is not the one that proved the key: it waited through a restart. Else empty."""
KeyId = Annotated[str, msgspec.Meta(max_length=64)]
"""The name of a key transform, and so of the domain of the vectors it makes: `galleries.protect.Domain.key_id`."""


def new_id() -> str:
    """Return a new UUIDv7 as 36 characters."""
    return str(uuid_utils.uuid7())


def now_ms() -> int:
    """Return the wall clock as UTC milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


def event_id(box_id: str, boot_id: str, track: int, seq: int) -> str:
    """Return the name of one look at one track, unique for ever."""
    return f"{box_id}/{boot_id}/{track}/{seq}"
