"""Writes that may be sent again: the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

Before such a write is carried out it is marked, after it the answer is kept, sealed, for 24 h. The same key of the same
member with the same request gets that answer again; with another request it is refused. A mark without an answer means
that the write is under way or, when it was another process's, that nobody knows whether it was carried out: it is then
refused rather than done twice. What changed nothing (4xx, or a store that was down or full) leaves no mark.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import delete, update
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from province_server.audit.trail import current
from province_server.auth import Gate
from province_server.records import insert
from yingbin.errors import Conflict, InvalidInput, NotAuthenticated, StorageFull, Unavailable, YingbinError
from yingbin.http.app import MAX_BODY_BYTES
from yingbin.http.problem import TooLarge, problem
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import AnswerRow
from yingbin.trust.seal import Sealer
from yingbin.trust.staff import StaffToken

log = get_logger()
HEADER: Final = "Idempotency-Key"
METHODS: Final = frozenset({"POST", "PATCH", "DELETE"})
KEPT_MS: Final = 24 * 3_600_000
PURGE_EVERY_S: Final = 3600.0
_KEY: Final = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,64})"?')
_KEPT_HEADERS: Final = frozenset({b"content-type", b"location"})
_BOUNDARY: Final = re.compile(rb'boundary="?([^";,]+)"?')
_NOTHING_DONE: Final = frozenset({Unavailable.status, StorageFull.status})


class KeyReused(InvalidInput):
    """The idempotency key came with another request before."""

    code = "idempotency_key_reused"


class InProgress(Conflict):
    """A request with this key is being carried out."""

    code = "request_in_progress"


class OutcomeUnknown(Conflict):
    """A request with this key was interrupted, and whether it was carried out is not known."""

    code = "outcome_unknown"


class Answer(msgspec.Struct, frozen=True):
    """An answer as it was first given."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Answers:
    """Keeps marks and answers."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key
        self._sealer = Sealer(key)
        self._process_id = new_id()

    def digest(self, *parts: bytes) -> bytes:
        """Return what names a request's content; keyed, since a body may hold a PIN."""
        digest = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    def begin(self, staff_id: str, key: str, digest: bytes) -> Answer | None:
        """Mark a write as under way, or return the answer it got before.

        Raises `KeyReused`, `InProgress`, `OutcomeUnknown`.
        """
        at_ms = now_ms()
        with insert(self._database, "another request with this idempotency key is under way") as session:
            row = session.get(AnswerRow, (staff_id, key), with_for_update=True)
            if row is not None and row.begun_at_ms <= at_ms - KEPT_MS:
                session.delete(row)
                session.flush()
                row = None
            if row is None:
                mark = AnswerRow(staff_id=staff_id, key=key, digest=digest, begun_at_ms=at_ms)
                mark.process_id = self._process_id
                session.add(mark)
                return None
            found, sealed, process_id = row.digest, row.answer_sealed, row.process_id
        if found != digest:
            raise KeyReused("this idempotency key was used for another request: take a new one")
        if sealed is not None:
            return msgspec.msgpack.decode(self._sealer.open(sealed, _context(staff_id, key)), type=Answer)
        if process_id == self._process_id:
            raise InProgress("a request with this idempotency key is under way: wait for its answer, then ask again")
        raise OutcomeUnknown(
            "a request with this idempotency key was interrupted; look whether it was carried out, then use a new key"
        )

    def finish(self, staff_id: str, key: str, answer: Answer) -> None:
        """Keep the answer to a write, or take the mark away when it changed nothing."""
        mine = (AnswerRow.staff_id == staff_id, AnswerRow.key == key, AnswerRow.process_id == self._process_id)
        with self._database.write() as session:
            if 400 <= answer.status < 500 or answer.status in _NOTHING_DONE:
                session.execute(delete(AnswerRow).where(*mine))
            elif answer.status >= 500:
                session.execute(update(AnswerRow).where(*mine).values(process_id=""))
            else:
                sealed = self._sealer.seal(msgspec.msgpack.encode(answer), _context(staff_id, key))
                session.execute(update(AnswerRow).where(*mine).values(answer_sealed=sealed))

    def purge(self) -> None:
        """Delete what is older than 24 h."""
        with self._database.write() as session:
            session.execute(delete(AnswerRow).where(AnswerRow.begun_at_ms <= now_ms() - KEPT_MS))


@dataclass(frozen=True, slots=True)
class _Write:
    staff_id: str
    key: str
    digest: bytes
    body: bytes


class IdempotencyMiddleware:
    """Answers a repeated write of staff with what the first got."""

    def __init__(self, app: ASGIApp, answers: Answers, gate: Gate) -> None:
        self._app = app
        self._answers = answers
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in METHODS or HEADER not in Headers(scope=scope):
            await self._app(scope, receive, send)
            return
        try:
            staff = await run_in_threadpool(self._gate.staff, _token(scope))
        except NotAuthenticated:  # somebody who signs in, a city, or nobody: the route says
            await self._app(scope, receive, send)
            return
        try:
            write = await self._read(scope, receive, staff)
            before = await run_in_threadpool(self._answers.begin, write.staff_id, write.key, write.digest)
        except YingbinError as error:
            log.warning("refused", code=error.code, path=scope["path"], error_id=error.error_id)
            await problem(error)(scope, receive, send)
            return
        if before is not None:
            operation = current.get()
            if operation is not None:
                operation.action = "replay_answer"
            await _send(before, send, replayed=True)
            return
        answer = await self._carry_out(scope, write)
        await run_in_threadpool(self._answers.finish, write.staff_id, write.key, answer)
        await _send(answer, send)

    async def _read(self, scope: Scope, receive: Receive, staff: StaffToken) -> _Write:
        """Return the write with its whole body. Raises `InvalidInput`, `TooLarge`."""
        match = _KEY.fullmatch(Headers(scope=scope)[HEADER])
        if match is None:
            raise InvalidInput(f"{HEADER} must be 1 to 64 visible characters, e.g. a UUID")
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge(f"with {HEADER} a request body may have {MAX_BODY_BYTES // 2**20} MiB; send it without")
        digest = self._answers.digest(staff.role.encode(), *_content(scope, bytes(body)))
        return _Write(staff.staff_id, match[1], digest, bytes(body))

    async def _carry_out(self, scope: Scope, write: _Write) -> Answer:
        """Return what the application answers. An exception leaves the mark: the outcome is unknown."""
        status, headers, body = 500, [], bytearray()

        async def once() -> Message:
            return {"type": "http.request", "body": write.body, "more_body": False}

        async def collect(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                body.extend(message.get("body", b""))

        try:
            await self._app(scope, once, collect)
        except Exception:
            await run_in_threadpool(self._answers.finish, write.staff_id, write.key, Answer(500, [], b""))
            raise
        kept = [(name, value) for name, value in headers if name.lower() in _KEPT_HEADERS or status >= 400]
        return Answer(status, kept, bytes(body))


async def _send(answer: Answer, send: Send, *, replayed: bool = False) -> None:
    length = [(b"content-length", str(len(answer.body)).encode())] if answer.status != 204 else []
    again = [(b"idempotency-replayed", b"true")] if replayed else []
    own = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*own, *length, *again]})
    await send({"type": "http.response.body", "body": answer.body})


def _context(staff_id: str, key: str) -> str:
    return f"answer/{staff_id}/{key}"


def _token(scope: Scope) -> str:
    """Return the bearer token. Raises `NotAuthenticated` when there is none."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated("no bearer token")
    return token


def _content(scope: Scope, body: bytes) -> tuple[bytes, ...]:
    """Return what makes the request this one; a form's boundary, which every attempt draws anew, does not."""
    content_type = Headers(scope=scope).get("content-type", "").encode()
    boundary = _BOUNDARY.search(content_type)
    if boundary:
        content_type = content_type.replace(boundary[1], b"")
        body = body.replace(boundary[1], b"")
    return scope["method"].encode(), scope["path"].encode(), scope["query_string"], content_type, body
