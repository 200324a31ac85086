"""No answer without its record: what a request did is in the trail before the first byte of the answer leaves (C12)."""

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from province_server.audit.trail import Operation, Trail, current
from yingbin.errors import Unavailable, YingbinError
from yingbin.http.problem import problem
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.trust.audit.batch import Batcher
from yingbin.trust.audit.record import DONE, FAILED, REFUSED, Details, Entry

log = get_logger()
_TOO_MANY: Final = 429
_CITY: Final = "city:"


class Unrecorded(Unavailable):
    """The audit trail cannot be written, so nothing is done and nothing shown."""

    code = "audit_unavailable"


class AuditMiddleware:
    """Records each request of somebody who has proved who he is, and each attempt to sign in.

    Nobody else can make the trail grow: a request without a valid token is in the log and the metrics, and one turned
    away for coming too fast (429) was recorded as often as the limit allows. Cities replicate all day long; of them is
    recorded what they change, and what services note.
    """

    def __init__(self, app: ASGIApp, database: Database, trail: Trail) -> None:
        self._app = app
        self._database = database
        self._trail = trail
        self._batcher = Batcher(self._write)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        operation = Operation(scope=scope)
        token = current.set(operation)
        withheld = False

        async def recorded_send(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start":
                refusal = await self._record(operation, message["status"])
                if refusal is not None:
                    withheld = True
                    await problem(refusal)(scope, receive, send)
            if not withheld:
                await send(message)

        try:
            await self._app(scope, receive, recorded_send)
        except Exception:
            await self._record(operation, 500)
            raise
        finally:
            current.reset(token)

    async def _record(self, operation: Operation, status: int) -> YingbinError | None:
        """Append what is not recorded yet; return why that failed."""
        outcome = DONE if status < 400 else REFUSED if status < 500 else FAILED
        known = operation.actor or operation.claimed
        if not known or status == _TOO_MANY or known.startswith(_CITY) or (operation.recorded and outcome == DONE):
            return None
        details: Details = {} if outcome == DONE else {"status": status}
        entry = operation.entry(outcome, self._trail.ledger, ("", ""), details)
        refusal = Unrecorded("this could not be written into the audit trail, so the answer is withheld; try again")
        try:
            await self._batcher.record([entry])
        except YingbinError as error:
            log.error("audit_failed", action=entry.action, code=error.code, error_id=refusal.error_id)  # noqa: TRY400
        except Exception:  # whatever it is: what is not recorded is not shown
            log.exception("audit_failed", action=entry.action, error_id=refusal.error_id)
        else:
            return None
        return None if outcome == FAILED else refusal  # a failure says itself what is wrong, and shows nothing

    async def _write(self, entries: Sequence[Entry]) -> None:
        await run_in_threadpool(self._append, entries)

    def _append(self, entries: Sequence[Entry]) -> None:
        with self._database.write() as session:
            self._trail.ledger.append(session, entries)
