"""Small helpers of every service here: writing with unique keys, and pages of a list."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from yingbin.errors import Conflict, InvalidInput
from yingbin.storage.database import Database

Row = TypeVar("Row")
Item = TypeVar("Item")

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f/]+$")]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f<>]+$")
]
LAST_MS = 4_102_444_800_000
"""The end of 2099: no instant in a request lies beyond it."""
InstantMs = Annotated[int, Field(ge=0, le=LAST_MS)]
AN_ID = "0197a3c2-7d5e-7c11-8f00-3f1f5f9d2b10"
"""An id as examples in the specification show it."""
After = Annotated[
    str,
    Query(max_length=64, pattern=r"^[^\x00-\x1f]*$", description="`next` of the page before; empty for the first"),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Items a page, at most")]


class Body(BaseModel):
    """Base of every request body: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@contextmanager
def insert(database: Database, duplicate: str) -> Iterator[Session]:
    """Open `database.write()`; a key that exists already raises `Conflict` with the sentence `duplicate`."""
    try:
        with database.write() as session:
            yield session
    except IntegrityError as error:
        raise Conflict(duplicate) from error


def existing(session: Session, kind: type[Row], key: str, what: str) -> Row:
    """Return the row that a request body refers to. Raises `InvalidInput` when there is none."""
    row = session.get(kind, key)
    if row is None:
        raise InvalidInput(f"there is no {what} {key}; register it first")
    return row


def page_of(
    session: Session,
    kind: type[Row],
    key: InstrumentedAttribute[str],
    after: str,
    limit: int,
    *conditions: ColumnElement[bool],
) -> list[Row]:
    """Return the rows after a cursor that meet all conditions, by their unique `key`: the order never changes."""
    return list(session.scalars(select(kind).where(key > after, *conditions).order_by(key).limit(limit)))


def next_cursor(ids: list[str], limit: int) -> str | None:
    """Return the `after` of the page that follows one with these ids, None when it was the last."""
    return ids[-1] if len(ids) == limit else None
