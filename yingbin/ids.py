"""Identifiers and instants: UUIDv7 strings (RFC 9562, sortable by time) and UTC milliseconds since 1970."""

import time

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 as 36 characters."""
    return str(uuid_utils.uuid7())


def now_ms() -> int:
    """Return the wall clock as UTC milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000
