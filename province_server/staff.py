"""Staff: who they are, whether on duty, and signing in at the province."""

from typing import Final, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from sqlalchemy import select

from province_server.auth import AUDIENCE, Gate, open_to_all
from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.limits import RateLimit
from province_server.records import After, Body, Id, Label, Limit, existing, insert, next_cursor
from yingbin.errors import BadConfiguration, Conflict, NotAuthenticated, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.ids import new_id
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, StaffRow
from yingbin.trust.staff import STAFF_TOKEN_TTL_S, Role, check_pin, hash_pin, issue_staff_token, now_s

TABLET_ROLES: Final = frozenset(
    {Role.RM, Role.LOBBY, Role.BRANCH_MANAGER, Role.ACCOUNT_MANAGER, Role.SECURITY, Role.ROBOT, Role.SCREEN}
)
"""They sign in at their city with a PIN; everybody else signs in here with a password."""
MIN_PASSWORD: Final = 12
MIN_PIN: Final = 6
_NOBODY: Final = hash_pin("nobody has this password")


class NewStaff(Body):
    """Somebody new: with `branch_id` and `pin` for a role at a tablet, with `password` for a role at the province."""

    staff_id: Id = Field(default_factory=new_id)
    display_name: Label
    role: Role
    branch_id: Id | None = None
    pin: SecretStr | None = Field(default=None, min_length=MIN_PIN, max_length=64)
    password: SecretStr | None = Field(default=None, min_length=MIN_PASSWORD, max_length=256)
    on_duty: bool = False

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        at_tablet = self.role in TABLET_ROLES
        if at_tablet and (self.pin is None or self.branch_id is None or self.password is not None):
            raise ValueError(f"the role {self.role} needs `branch_id` and `pin`, and no `password`")
        if not at_tablet and (self.password is None or self.branch_id is not None or self.pin is not None):
            raise ValueError(f"the role {self.role} needs `password`, and neither `branch_id` nor `pin`")
        return self

    @property
    def secret(self) -> str:
        """The PIN or the password."""
        given = self.pin or self.password
        return given.get_secret_value() if given else ""


class SignIn(Body):
    """Who wants to work here."""

    staff_id: Id
    password: SecretStr = Field(max_length=256)


class Session(BaseModel):
    """Send `token` with every request: `Authorization: Bearer <token>`."""

    token: str
    expires_at_ms: int


class Duty(Body):
    """Whether somebody is on duty now."""

    on_duty: bool


class StaffCreated(BaseModel):
    """A new member of staff."""

    staff_id: str


class StaffOut(BaseModel):
    """A member of staff."""

    staff_id: str
    display_name: str
    role: str
    branch_id: str | None
    on_duty: bool


class StaffPage(BaseModel):
    """Staff by id."""

    items: list[StaffOut]
    next: str | None


class StaffService:
    """Keeps staff; those of a branch reach the feed of their city."""

    def __init__(self, database: Database, notifier: Notifier, token_key: bytes, limit: RateLimit) -> None:
        self._database = database
        self._notifier = notifier
        self._token_key = token_key
        self._limit = limit

    def add(self, new: NewStaff) -> str:
        """Return the id. Raises `InvalidInput`, `Conflict`."""
        secret_hash = hash_pin(new.secret)
        with insert(self._database, f"there is somebody with the staff id {new.staff_id} already") as session:
            if new.branch_id is not None:
                existing(session, BranchRow, new.branch_id, "branch")
            values = new.model_dump(exclude={"pin", "password"})
            session.add(StaffRow(**values, secret_hash=secret_hash))
            session.flush()
            city_id = city_of(session, new.branch_id) if new.branch_id else None
            if city_id:
                publish(session, city_id, FeedKind.STAFF, new.staff_id)
        if city_id:
            self._notifier.wake(city_id)
        return new.staff_id

    def set_duty(self, staff_id: str, *, on_duty: bool) -> None:
        """Change whether somebody is on duty. Raises `NotFound`."""
        with self._database.write() as session:
            row = session.get(StaffRow, staff_id)
            if row is None:
                raise NotFound(f"there is nobody with the staff id {staff_id}")
            row.on_duty = on_duty
            session.flush()
            city_id = city_of(session, row.branch_id) if row.branch_id else None
            if city_id:
                publish(session, city_id, FeedKind.STAFF, staff_id)
        if city_id:
            self._notifier.wake(city_id)

    def sign_in(self, staff_id: str, password: str) -> Session:
        """Return a token. Raises `NotAuthenticated`, `TooManyRequests`."""
        self._limit.spend(staff_id)
        with self._database.read() as session:
            row = session.get(StaffRow, staff_id)
        known = row is not None and row.role not in TABLET_ROLES
        check_pin(row.secret_hash if row and known else _NOBODY, password)
        if row is None or not known:
            raise NotAuthenticated("staff id or password is wrong")
        at_s = now_s()
        token = issue_staff_token(self._token_key, AUDIENCE, row.staff_id, Role(row.role), "", now_s=at_s)
        return Session(token=token, expires_at_ms=(int(at_s) + STAFF_TOKEN_TTL_S) * 1000)

    def page(self, after: str, limit: int) -> list[StaffRow]:
        """Return staff by id."""
        with self._database.read() as session:
            found = select(StaffRow).where(StaffRow.staff_id > after).order_by(StaffRow.staff_id).limit(limit)
            return list(session.scalars(found))


def first_admin(database: Database, staff_id: str, password: str) -> None:
    """Create the gallery administrator everything else starts from.

    Raises `BadConfiguration` for a short password, `Conflict` when the province has an administrator already.
    """
    try:
        new = NewStaff(
            staff_id=staff_id,
            display_name=staff_id,
            role=Role.GALLERY_ADMIN,
            password=SecretStr(password),
            on_duty=True,
        )
    except ValidationError as error:
        raise BadConfiguration(f"staff id or password: {error.errors()[0]['msg']}") from error
    secret_hash = hash_pin(new.secret)
    with insert(database, f"there is somebody with the staff id {staff_id} already") as session:
        if session.scalars(select(StaffRow.staff_id).where(StaffRow.role == Role.GALLERY_ADMIN).limit(1)).first():
            raise Conflict("this province has a gallery administrator already; new staff are added by signing in")
        session.add(StaffRow(**new.model_dump(exclude={"pin", "password"}), secret_hash=secret_hash))


def routes(staff: StaffService, gate: Gate) -> APIRouter:
    """Return the routes of staff and signing in."""
    router = APIRouter(prefix="/v1", tags=["staff"])
    admin = [Depends(gate.requires(Role.GALLERY_ADMIN))]
    reader = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.SECURITY_OFFICER, Role.AUDITOR))]

    @router.post("/sessions", status_code=201, dependencies=[Depends(open_to_all)])
    def sign_in(body: SignIn) -> Session:
        """Sign in with a password."""
        return staff.sign_in(body.staff_id, body.password.get_secret_value())

    @router.post("/staff", status_code=201, dependencies=admin)
    def add_staff(body: NewStaff) -> StaffCreated:
        """Register somebody."""
        return StaffCreated(staff_id=staff.add(body))

    @router.patch("/staff/{staff_id}/duty", status_code=204, dependencies=admin)
    def set_duty(staff_id: str, body: Duty) -> None:
        """Put somebody on or off duty."""
        staff.set_duty(staff_id, on_duty=body.on_duty)

    @router.get("/staff", dependencies=reader)
    def list_staff(after: After = "", limit: Limit = 50) -> StaffPage:
        """List staff."""
        items = [StaffOut.model_validate(row, from_attributes=True) for row in staff.page(after, limit)]
        return StaffPage(items=items, next=next_cursor([item.staff_id for item in items], limit))

    return router
