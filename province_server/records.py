"""Small helpers of every service here: writing with unique keys, and pages of a list."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yingbin.errors import Conflict, InvalidInput
from yingbin.storage.database import Database

Row = TypeVar("Row")
Item = TypeVar("Item")

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f/]+$")]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f<>]+$")
]
After = Annotated[str, Query(max_length=64, description="`next` of the page before; empty for the first")]
Limit = Annotated[int, Query(ge=1, le=200)]


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


def next_cursor(ids: list[str], limit: int) -> str | None:
    """Return the `after` of the page that follows one with these ids, None when it was the last."""
    return ids[-1] if len(ids) == limit else None
