"""`POST /v1/sessions`: staff id and PIN for a token; and who a token belongs to today."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from city_server.attempts import Attempts
from city_server.audience import may_sign_in
from city_server.replica import Replica
from city_server.trail import Trail
from yingbin.errors import NotAllowed, NotAuthenticated, Unavailable
from yingbin.feed_wire import Staff
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.trust.staff import (
    STAFF_TOKEN_TTL_S,
    Role,
    StaffToken,
    check_pin,
    hash_pin,
    issue_staff_token,
    read_staff_token,
)
from yingbin.trust.watch import TOLD

log = get_logger()


class SignIn(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(extra="forbid")

    staff_id: str = Field(min_length=1, max_length=200)
    pin: SecretStr = Field(min_length=1, max_length=200)


class Session(BaseModel):
    """A token for `Hello`, and when it ends (UTC ms)."""

    token: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Door:
    """A page with a sign-in of its own; a token of one opens no other."""

    path: str
    audience: str
    page: str
    admits: Callable[[Role], bool]


_NOBODY: Final = hash_pin("nobody")
TABLET: Final = Door("/v1/sessions", "yingbin-city", "the tablet page", may_sign_in)
SECURITY: Final = Door("/v1/watch/sessions", "yingbin-city-watch", "the security page", set(TOLD.values()).__contains__)


class Sessions:
    """Issues and reads the tokens of this city's staff for one page. `attempts` is shared: a PIN is one PIN."""

    def __init__(
        self, city_id: str, key: bytes, replica: Replica, attempts: Attempts, trail: Trail, door: Door = TABLET
    ) -> None:
        self._audience = f"{door.audience}:{city_id}"
        self._key = key
        self._replica = replica
        self._attempts = attempts
        self._trail = trail
        self._door = door
        self.router = APIRouter(tags=["staff"])
        self.router.add_api_route(door.path, self.sign_in, methods=["POST"])

    async def sign_in(self, body: SignIn) -> Session:
        """Exchange a staff id and PIN for a token of one working day."""
        self._attempts.check(body.staff_id, time.monotonic())
        staff = self._replica.memory.staff.get(body.staff_id)
        if staff is None and not self._replica.gate.is_open(now_ms()):
            raise Unavailable("this city has not caught up with the province and cannot check this sign-in; try again")
        try:
            staff = await self._proved(body, staff)
        except (NotAuthenticated, NotAllowed):
            await self._trail.sign_in(body.staff_id, staff.role if staff else "", allowed=False)
            raise
        role = Role(staff.role)
        await self._trail.sign_in(body.staff_id, role, allowed=True)
        now_s = time.time()
        token = issue_staff_token(
            self._key, self._audience, staff.staff_id, role, staff.branch_id, now_s=now_s, version=staff.version
        )
        log.info("signed_in", staff_id=staff.staff_id, role=role)
        return Session(token=token, expires_at_ms=(int(now_s) + STAFF_TOKEN_TTL_S) * 1000)

    async def _proved(self, body: SignIn, staff: Staff | None) -> Staff:
        """Return who signs in, once the PIN is right. Raises `NotAuthenticated`, `NotAllowed`."""
        # An unknown id costs the same time and gets the same answer as a wrong PIN.
        pin_hash = staff.pin_hash if staff else _NOBODY
        self._attempts.failed(body.staff_id, time.monotonic())  # until the PIN has proved otherwise
        await to_thread.run_sync(check_pin, pin_hash, body.pin.get_secret_value())
        if staff is None:
            raise NotAuthenticated("staff id or PIN is wrong")
        self._attempts.succeeded(body.staff_id)
        if not self._door.admits(Role(staff.role)):
            raise NotAllowed(f"the role {staff.role} does not use {self._door.page}")
        return staff

    def read(self, token: str) -> tuple[Staff, StaffToken]:
        """Return whose token it is. Raises `NotAuthenticated`, `NotAllowed`."""
        claims = read_staff_token(self._key, self._audience, token, now_s=time.time())
        return self.current(claims), claims

    def current(self, claims: StaffToken) -> Staff:
        """Return the person as the province knows him now.

        Raises `NotAuthenticated` when his role, branch or PIN changed, or he left.
        """
        staff = self._replica.memory.staff.get(claims.staff_id)
        token = (claims.role, claims.branch_id, claims.version)
        if staff is None or (staff.role, staff.branch_id, staff.version) != token:
            raise NotAuthenticated("your registration has changed; sign in again")
        if not self._door.admits(claims.role):
            raise NotAllowed(f"the role {claims.role} does not use {self._door.page}")
        return staff
