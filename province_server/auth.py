"""Who may call what: every route under /v1 declares it, and the app does not start with one that does not."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from province_server.audit.trail import identify
from yingbin.errors import NotAllowed, NotAuthenticated
from yingbin.storage.database import Database
from yingbin.storage.province import City, StaffRow
from yingbin.trust.staff import Role, StaffToken, now_s, read_city_token, read_staff_token

AUDIENCE = "yingbin-province"
CITY = "city"
OPEN = "open"

_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def open_to_all() -> None:
    """Declare a route that needs no token."""


open_to_all.access = frozenset({OPEN})  # type: ignore[attr-defined]


class Gate:
    """Makes the dependencies that check a token. Default deny: a role that is not named may not."""

    def __init__(self, database: Database, staff_token_key: bytes) -> None:
        self._database = database
        self._staff_token_key = staff_token_key

    def requires(self, *roles: Role) -> Callable[[_Bearer], StaffToken]:
        """Return a dependency that lets staff with one of `roles` in.

        It raises `NotAuthenticated` (no, bad or revoked token) or `NotAllowed` (another role).
        """

        def check(bearer: _Bearer) -> StaffToken:
            token = self.staff(_text(bearer))
            if token.role not in roles:
                raise NotAllowed(f"the role {token.role} may not do this; it is for: {', '.join(roles)}")
            return token

        check.access = frozenset(roles)  # type: ignore[attr-defined]
        return check

    def staff(self, token: str) -> StaffToken:
        """Return who a token belongs to, who is still what it says. Raises `NotAuthenticated`."""
        claims = read_staff_token(self._staff_token_key, AUDIENCE, token, now_s=now_s())
        with self._database.read() as session:
            row = session.get(StaffRow, claims.staff_id)
        if row is None or not row.active or (row.role, row.token_version) != (claims.role, claims.version):
            raise NotAuthenticated("your registration has changed or you signed out; sign in again")
        identify(f"staff:{claims.staff_id}", claims.role)
        return claims

    def city(self) -> Callable[[_Bearer], str]:
        """Return a dependency that lets a registered city in and gives its id."""

        def check(bearer: _Bearer) -> str:
            city_id = read_city_token(_text(bearer), self._public_key_of, AUDIENCE, now_s=now_s())
            identify(f"city:{city_id}", CITY)
            return city_id

        check.access = frozenset({CITY})  # type: ignore[attr-defined]
        return check

    def _public_key_of(self, city_id: str) -> bytes:
        with self._database.read() as session:
            city = session.get(City, city_id)
            if city is None:
                raise NotAuthenticated("this city is not registered here")
            return city.public_key


def access_of(route: APIRoute) -> frozenset[str]:
    """Return who may call a route: roles, `city` or `open`; empty when it does not say."""
    return frozenset().union(*(getattr(call, "access", frozenset()) for call in _calls(route.dependant)))


def _calls(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _text(bearer: HTTPAuthorizationCredentials | None) -> str:
    if bearer is None:
        raise NotAuthenticated("sign in first: send the header `Authorization: Bearer <token>`")
    return bearer.credentials
