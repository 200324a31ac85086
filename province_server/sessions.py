"""Signing in at the province, and out: throttled, locked after repeated failures, ended by any change of the member.

A token names the member's `token_version`; counting that up ends every token of his at once, on every machine.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, SecretStr

from province_server.audit.trail import claim
from province_server.auth import AUDIENCE, Gate, open_to_all
from province_server.limits import RateLimit
from province_server.records import Body, Id
from province_server.staff import MIN_PASSWORD, OFFICE_ROLES
from yingbin.errors import NotAuthenticated
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import StaffRow
from yingbin.trust.staff import STAFF_TOKEN_TTL_S, Role, StaffToken, check_pin, hash_pin, issue_staff_token, now_s

log = get_logger()
MAX_FAILURES: Final = 10
"""Wrong passwords in a row after which a member is locked out."""
LOCK_MS: Final = 15 * 60_000
_NOBODY: Final = hash_pin("nobody has this password")
_WRONG: Final = "staff id or password is wrong, or locked for a quarter of an hour after too many wrong ones"
"""One sentence for all cases: it tells nobody which staff ids exist."""


class SignIn(Body):
    """Who wants to work here."""

    staff_id: Id = Field(examples=["admin"])
    password: SecretStr = Field(max_length=256, examples=["correct horse battery"])


class Session(BaseModel):
    """Send `token` with every request: `Authorization: Bearer <token>`."""

    token: str = Field(examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"])
    expires_at_ms: int = Field(examples=[1_790_000_000_000])


class NewPassword(Body):
    """The password of today and the one from now on."""

    password: SecretStr = Field(max_length=256, examples=["correct horse battery"])
    new_password: SecretStr = Field(min_length=MIN_PASSWORD, max_length=256, examples=["staple after battery"])


class SessionService:
    """Issues tokens to members of staff who work at the province."""

    def __init__(self, database: Database, token_key: bytes, limit: RateLimit) -> None:
        self._database = database
        self._token_key = token_key
        self._limit = limit

    def sign_in(self, staff_id: str, password: str) -> Session:
        """Return a token. Raises `NotAuthenticated`, `TooManyRequests`."""
        self._check(staff_id, password)
        with self._database.read() as session:
            return self._issue(session.get_one(StaffRow, staff_id))

    def sign_out(self, staff_id: str) -> None:
        """End every token of somebody."""
        with self._database.write() as session:
            session.get_one(StaffRow, staff_id, with_for_update=True).token_version += 1

    def change_password(self, staff_id: str, old: str, new: str) -> Session:
        """Replace the password; tokens end, the one returned is new. Raises `NotAuthenticated`, `TooManyRequests`."""
        self._check(staff_id, old)
        secret_hash = hash_pin(new)
        with self._database.write() as session:
            row = session.get_one(StaffRow, staff_id, with_for_update=True)
            row.secret_hash = secret_hash
            row.token_version += 1
            session.flush()
            return self._issue(row)

    def _check(self, staff_id: str, password: str) -> None:
        self._limit.spend(staff_id)
        with self._database.read() as session:
            row = session.get(StaffRow, staff_id)
        may = row is not None and row.active and row.role in OFFICE_ROLES and row.locked_until_ms <= now_ms()
        try:  # an unknown or locked id costs the same time as a wrong password
            check_pin(row.secret_hash if row and may else _NOBODY, password)
        except NotAuthenticated:
            if may:
                self._failed(staff_id)
            raise NotAuthenticated(_WRONG) from None
        if row is None or not may:
            raise NotAuthenticated(_WRONG)
        if row.failed_sign_ins:
            self._succeeded(staff_id)

    def _failed(self, staff_id: str) -> None:
        with self._database.write() as session:
            row = session.get_one(StaffRow, staff_id, with_for_update=True)
            row.failed_sign_ins += 1
            if row.failed_sign_ins >= MAX_FAILURES:
                row.failed_sign_ins, row.locked_until_ms = 0, now_ms() + LOCK_MS
                log.warning("staff_locked_out", staff_id=staff_id)

    def _succeeded(self, staff_id: str) -> None:
        with self._database.write() as session:
            session.get_one(StaffRow, staff_id, with_for_update=True).failed_sign_ins = 0

    def _issue(self, row: StaffRow) -> Session:
        at_s = now_s()
        token = issue_staff_token(
            self._token_key, AUDIENCE, row.staff_id, Role(row.role), "", now_s=at_s, version=row.token_version
        )
        return Session(token=token, expires_at_ms=(int(at_s) + STAFF_TOKEN_TTL_S) * 1000)


def routes(sessions: SessionService, gate: Gate) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter(prefix="/v1", tags=["staff"])
    anybody = Depends(gate.requires(*OFFICE_ROLES))

    @router.post("/sessions", status_code=201, dependencies=[Depends(open_to_all)])
    def sign_in(body: SignIn) -> Session:
        """Sign in with a password."""
        claim(body.staff_id)
        return sessions.sign_in(body.staff_id, body.password.get_secret_value())

    @router.delete("/sessions", status_code=204)
    def sign_out(who: Annotated[StaffToken, anybody]) -> None:
        """Sign out on every machine: all tokens of whoever calls end at once."""
        sessions.sign_out(who.staff_id)

    @router.put("/me/password")
    def change_password(body: NewPassword, who: Annotated[StaffToken, anybody]) -> Session:
        """Change one's own password; every older token ends."""
        return sessions.change_password(
            who.staff_id, body.password.get_secret_value(), body.new_password.get_secret_value()
        )

    return router
