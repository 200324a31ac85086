"""Every operation of the API and who may run it, known once the app is put together."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from province_server.auth import access_of
from yingbin.errors import BadConfiguration
from yingbin.trust.staff import Role


class Operations:
    """Takes routers into the app; refuses a route without declared access, and an operation id used twice.

    An operation's id is the name of its function: pages and clients rely on it.
    """

    def __init__(self) -> None:
        self.access: dict[str, frozenset[str]] = {}
        """Operation id -> who may run it: roles, `city` or `open`."""

    def include(self, app: FastAPI, router: APIRouter) -> None:
        """Add a router's routes to `app`. Raises `BadConfiguration` naming the route that is wrong."""
        for route in router.routes:
            if not isinstance(route, APIRoute) or not access_of(route):
                raise BadConfiguration(f"route {route} does not declare who may call it")
            if route.name in self.access:
                raise BadConfiguration(f"two routes are named {route.name}: an operation id must be unique")
            self.access[route.name] = access_of(route)
        app.include_router(router)

    def of(self, role: Role) -> list[str]:
        """Return the ids of the operations that a role may run, sorted."""
        return sorted(name for name, access in self.access.items() if role in access)
