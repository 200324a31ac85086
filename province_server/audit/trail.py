"""What is recorded at the province, by whom and where (C12).

Nobody has to remember it: a request that a member of staff may make is recorded under its operation id. What changes
something, in the transaction of the change (each of them, when there are several); what only reads, or is refused, on
its own before the answer leaves (`middleware.py`). Without a record there is no change and no answer.

Beyond that, for what an operation's id and path do not say, and for work that no request asked for:

    audit.note(session, "retention_removed", "customer", customer_id, {"kind": "consents", "count": 3})
    with audit.acting("job:retention"):     # around the work of a job; a change without a note is recorded as its own
    with audit.command("bootstrap"):        # around a command of the operating system's user

`details`: few, small, never personal data, scores or amounts; ids belong into `object_id`, where they are written as
pseudonyms. `session` is one of `Database.write` of the identity store.
"""

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session
from starlette.datastructures import QueryParams
from starlette.types import Scope

from yingbin.http import request_id
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.ledger import note as keep
from yingbin.trust.audit.record import DONE, Details, Entry
from yingbin.trust.consent import Gallery, Purpose
from yingbin.trust.staff import Role
from yingbin.wire import CameraMode, CameraRole

_BOOKKEEPING: Final = frozenset(
    {
        "answers",
        "boxes_seen",
        "erasure_mark",
        "feed_entries",
        "audit_records",
        "audit_heads",
        "audit_anchors",
        "audit_checkpoints",
    }
)
"""Tables that follow from an operation without being what it did."""
_TABLES: Final = "audit_tables"
_MADE: Final = "audit_made"
_WORDS: Final = frozenset(
    {*Role, *Gallery, *Purpose, *CameraRole, *CameraMode, "true", "false", "done", "refused", "failed"}
)
_SMALL_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_WORD: Final = re.compile(r"[a-z_]{1,32}")


@dataclass(slots=True)
class Operation:
    """What is going on: a request, a job or a command. `actor` is empty until it has proved who it is.

    `claimed`: who it says it is, while it signs in.
    """

    actor: str = ""
    claimed: str = ""
    role: str = ""
    action: str = ""
    scope: Scope = field(default_factory=dict)
    recorded: bool = False

    def entry(self, outcome: str, ledger: Ledger, made: tuple[str, str], details: Details) -> Entry:
        """Return the record of it; `made`: kind and id of what it created, for one whose path names nothing."""
        route = self.scope.get("route")
        kind, identifier = self._object() or made
        if outcome == DONE:
            details = {**self._words(ledger), **self._query(ledger), **details}
        return Entry(
            self.actor or self.claimed,
            self.role,
            self.action or getattr(route, "name", "") or "unknown",
            kind,
            identifier,
            details,
            outcome,
            request_id.current.get(),
        )

    def _object(self) -> tuple[str, str] | None:
        """Return the last thing that the path names by its id."""
        named = [(name.removesuffix("_id"), value) for name, value in self._path() if name.endswith("_id")]
        return named[-1] if named else None

    def _words(self, ledger: Ledger) -> dict[str, str]:
        """Return what else the path says, such as a purpose."""
        rest = ((name, value) for name, value in self._path() if not name.endswith("_id"))
        return {name: value if _WORD.fullmatch(value) else _hidden(name, value, ledger) for name, value in rest}

    def _path(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.scope.get("path_params", {}).items()]

    def _query(self, ledger: Ledger) -> dict[str, str]:
        """Return what was asked for. Somebody may type anything here, so only what we know is in clear."""
        asked = QueryParams(self.scope.get("query_string", b"")).multi_items()
        return {
            name: value if value in _WORDS or _SMALL_NUMBER.fullmatch(value) else _hidden(name, value, ledger)
            for name, value in asked
            if value and _WORD.fullmatch(name)
        }


current: Final[ContextVar[Operation | None]] = ContextVar("audit_operation", default=None)


def identify(actor: str, role: str) -> None:
    """Say who makes this request: `staff:<id>` or `city:<id>`. Called by whoever has checked it."""
    operation = current.get()
    if operation is not None:
        operation.actor, operation.role = actor, role


def claim(staff_id: str) -> None:
    """Say who wants to sign in, so that the attempt is recorded under his name, whatever comes of it."""
    operation = current.get()
    if operation is not None:
        operation.claimed = f"staff:{staff_id}"


def note(session: Session, action: str, object_kind: str, object_id: str, details: Details | None = None) -> None:
    """Record something more in a change's transaction, under whoever is acting (see the top of this module)."""
    operation = current.get() or Operation()
    keep(
        session,
        Entry(
            operation.actor or "job:system",
            operation.role or "system",
            action,
            object_kind,
            object_id,
            details or {},
            DONE,
            request_id.current.get(),
        ),
    )


@contextmanager
def acting(actor: str, role: str = "system", action: str = "") -> Iterator[None]:
    """Do what follows in somebody's name, e.g. `job:retention`; its changes are recorded as his."""
    token = current.set(Operation(actor, role=role, action=action or actor.partition(":")[2]))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def command(action: str) -> Iterator[None]:
    """Do what follows as the user of this computer who has typed a command."""
    with acting(f"cli:{getpass.getuser()}", "operator", action):
        yield


class Trail:
    """The recorder of the identity store: adds to a change the record of the operation that makes it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def opened(self, session: Session) -> None:
        """Watch what a unit of work changes."""
        self.ledger.opened(session)
        if (current.get() or Operation()).actor:
            session.info[_TABLES] = set()
            event.listen(session, "after_flush", _flushed)
            event.listen(session, "do_orm_execute", _executed)

    def closing(self, session: Session) -> None:
        """Append the operation's record, if anything of it changed, and what was noted."""
        operation = current.get()
        if operation is not None and operation.actor and _TABLES in session.info:
            session.flush()
            changed = session.info[_TABLES] - _BOOKKEEPING
            if changed:
                made = session.info.get(_MADE, ("", ""))
                keep(session, operation.entry(DONE, self.ledger, made, {"changed": ",".join(sorted(changed))}))
                operation.recorded = True
        self.ledger.closing(session)


def _hidden(name: str, value: str, ledger: Ledger) -> str:
    """Return a pseudonym, which an auditor can compare with an id or a text that he has."""
    kind = name.removesuffix("_id") if name.endswith("_id") else f"query/{name}"
    return f"~{ledger.pseudonyms.of(kind, value)}"


def _flushed(session: Session, _: object) -> None:
    changed = (row for row in session.dirty if session.is_modified(row))
    session.info[_TABLES].update(row.__tablename__ for row in (*session.new, *changed, *session.deleted))
    for row in session.new:
        key = inspect(type(row)).primary_key
        if len(key) == 1 and key[0].name.endswith("_id") and row.__tablename__ not in _BOOKKEEPING:
            made = (key[0].name.removesuffix("_id"), str(getattr(row, key[0].name)))
            session.info.setdefault(_MADE, made)


def _executed(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        table: Any = getattr(state.statement, "table", None)
        state.session.info[_TABLES].add(getattr(table, "name", "unknown"))
