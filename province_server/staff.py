"""Staff: who they are and what they may sign in with. Those of a branch reach the feed of their city."""

from typing import Final, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from province_server import rota
from province_server.cards import city_of
from province_server.feed import Notifier, publish
from province_server.records import AN_ID, Body, Id, Label, existing, insert, page_of
from yingbin.errors import BadConfiguration, Conflict, InvalidInput, NotFound
from yingbin.feed_wire import FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, StaffRow
from yingbin.trust.staff import Role, hash_pin

TABLET_ROLES: Final = frozenset(
    {Role.RM, Role.LOBBY, Role.BRANCH_MANAGER, Role.ACCOUNT_MANAGER, Role.SECURITY, Role.ROBOT, Role.SCREEN}
)
"""They sign in at their city with a PIN; everybody else signs in here with a password."""
OFFICE_ROLES: Final = tuple(role for role in Role if role not in TABLET_ROLES)
"""They work at the province: pages and API."""
MIN_PASSWORD: Final = 12
MIN_PIN: Final = 6


class NewSecret(Body):
    """A `pin` for a role at a tablet, or a `password` for a role at the province."""

    pin: SecretStr | None = Field(default=None, min_length=MIN_PIN, max_length=64, examples=["493817"])
    password: SecretStr | None = Field(default=None, min_length=MIN_PASSWORD, max_length=256, examples=[None])

    def hash_for(self, role: Role) -> str:
        """Return what is stored. Raises `ValueError` unless exactly the secret of this role was given."""
        at_tablet = role in TABLET_ROLES
        right, wrong = (self.pin, self.password) if at_tablet else (self.password, self.pin)
        if right is None or wrong is not None:
            needed = "`pin`, and no `password`" if at_tablet else "`password`, and no `pin`"
            raise ValueError(f"the role {role} needs {needed}")
        return hash_pin(right.get_secret_value())


class NewStaff(NewSecret):
    """Somebody new: with `branch_id` and `pin` for a role at a tablet, with `password` for a role at the province."""

    staff_id: Id = Field(default_factory=new_id, examples=["rm-1"])
    display_name: Label = Field(examples=["王经理"])
    role: Role = Field(examples=[Role.RM])
    branch_id: Id | None = Field(default=None, examples=[AN_ID])
    on_duty: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        at_tablet = self.role in TABLET_ROLES
        if at_tablet and (self.pin is None or self.branch_id is None or self.password is not None):
            raise ValueError(f"the role {self.role} needs `branch_id` and `pin`, and no `password`")
        if not at_tablet and (self.password is None or self.branch_id is not None or self.pin is not None):
            raise ValueError(f"the role {self.role} needs `password`, and neither `branch_id` nor `pin`")
        if self.on_duty and not at_tablet:
            raise ValueError(f"the role {self.role} is not on duty at a branch")
        return self


class StaffChange(Body):
    """What changes at a member of staff; what is left out stays. One who left is made inactive, never deleted."""

    display_name: Label | None = Field(default=None, examples=["王经理"])
    role: Role | None = Field(default=None, examples=[None])
    branch_id: Id | None = Field(default=None, examples=[None])
    active: bool | None = Field(default=None, examples=[False])

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("nothing to change: give `display_name`, `role`, `branch_id` or `active`")
        return self


class StaffService:
    """Keeps staff."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    def add(self, new: NewStaff) -> str:
        """Return the id. Raises `InvalidInput`, `Conflict`."""
        row = _row(new)
        with insert(self._database, f"there is somebody with the staff id {new.staff_id} already") as session:
            if new.branch_id is not None:
                existing(session, BranchRow, new.branch_id, "branch")
            session.add(row)
            session.flush()
            cities = _publish(session, row.staff_id, row.branch_id)
            if new.on_duty:
                rota.begin(session, row, now_ms())
                rota.settle(session, row)
        self._wake(cities)
        return new.staff_id

    def change(self, staff_id: str, change: StaffChange) -> None:
        """Change somebody; his tokens end unless only the name changed, and he is off duty when he moves or leaves.

        Raises `NotFound`, `InvalidInput`, `Conflict` for the last gallery administrator.
        """
        values = change.model_dump(exclude_none=True)
        with self._database.write() as session:
            row = _locked(session, staff_id)
            before = row.role, row.branch_id, row.active
            _check(session, row, change)
            for name, value in values.items():
                setattr(row, name, value)
            after = row.role, row.branch_id, row.active
            _keep_one_admin(session)
            if after != before:
                row.token_version += 1
            if after[1:] != before[1:]:
                rota.end_all(session, row, now_ms())
            cities = _publish(session, staff_id, before[1], row.branch_id) | rota.settle(session, row)
        self._wake(cities)

    def reset_secret(self, staff_id: str, new: NewSecret) -> None:
        """Replace somebody's PIN or password; his tokens end and a lock-out too. Raises `NotFound`, `InvalidInput`."""
        with self._database.read() as session:
            role = Role(_found(session.get(StaffRow, staff_id), staff_id).role)
        try:
            secret_hash = new.hash_for(role)
        except ValueError as error:
            raise InvalidInput(str(error)) from None
        with self._database.write() as session:
            row = _locked(session, staff_id)
            row.secret_hash = secret_hash
            row.token_version += 1
            row.failed_sign_ins = row.locked_until_ms = 0
            cities = _publish(session, staff_id, row.branch_id)
        self._wake(cities)

    def get(self, staff_id: str) -> StaffRow:
        """Return a member of staff. Raises `NotFound`."""
        with self._database.read() as session:
            return _found(session.get(StaffRow, staff_id), staff_id)

    def page(
        self, after: str, limit: int, branch_id: str | None = None, role: Role | None = None, active: bool | None = None
    ) -> list[StaffRow]:
        """Return staff by id: those of a branch, with a role, active or not; None is everybody."""
        conditions: list[ColumnElement[bool]] = []
        if branch_id is not None:
            conditions.append(StaffRow.branch_id == branch_id)
        if role is not None:
            conditions.append(StaffRow.role == role)
        if active is not None:
            conditions.append(StaffRow.active.is_(active))
        with self._database.read() as session:
            return page_of(session, StaffRow, StaffRow.staff_id, after, limit, *conditions)

    def _wake(self, cities: set[str]) -> None:
        for city_id in cities:
            self._notifier.wake(city_id)


def first_admin(database: Database, staff_id: str, password: str) -> None:
    """Create the gallery administrator everything else starts from.

    Raises `BadConfiguration` for a short password, `Conflict` when the province has an administrator already.
    """
    try:
        new = NewStaff(
            staff_id=staff_id, display_name=staff_id, role=Role.GALLERY_ADMIN, password=SecretStr(password)
        )  # fmt: skip
    except ValidationError as error:
        raise BadConfiguration(f"staff id or password: {error.errors()[0]['msg']}") from error
    row = _row(new)
    with insert(database, f"there is somebody with the staff id {staff_id} already") as session:
        if _admins(session):
            raise Conflict("this province has a gallery administrator already; new staff are added by signing in")
        session.add(row)


def _row(new: NewStaff) -> StaffRow:
    values = new.model_dump(exclude={"pin", "password", "on_duty"})
    return StaffRow(**values, secret_hash=new.hash_for(new.role), on_duty=False)


def _found(row: StaffRow | None, staff_id: str) -> StaffRow:
    if row is None:
        raise NotFound(f"there is nobody with the staff id {staff_id}")
    return row


def _locked(session: Session, staff_id: str) -> StaffRow:
    return _found(session.get(StaffRow, staff_id, with_for_update=True), staff_id)


def _check(session: Session, row: StaffRow, change: StaffChange) -> None:
    if change.role is not None and (change.role in TABLET_ROLES) != (row.role in TABLET_ROLES):
        raise InvalidInput(
            f"{row.staff_id} signs in with another kind of secret: register anew for the role {change.role}"
        )
    if change.branch_id is not None:
        if row.role not in TABLET_ROLES:
            raise InvalidInput(f"the role {row.role} does not work at a branch")
        existing(session, BranchRow, change.branch_id, "branch")


def _admins(session: Session) -> int:
    admins = select(func.count()).where(StaffRow.role == Role.GALLERY_ADMIN, StaffRow.active)
    return session.scalars(admins).one()


def _keep_one_admin(session: Session) -> None:
    session.flush()
    if not _admins(session):
        raise Conflict("this is the last gallery administrator: register another first")


def _publish(session: Session, staff_id: str, *branch_ids: str | None) -> set[str]:
    """Tell the cities of these branches of somebody; return them, to be woken."""
    cities = {city_of(session, branch_id) for branch_id in branch_ids if branch_id}
    for city_id in sorted(cities):
        publish(session, city_id, FeedKind.STAFF, staff_id)
    return cities
