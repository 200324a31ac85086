"""A FastAPI application with what every server of ours needs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yingbin import __version__
from yingbin.http import problem, request_id
from yingbin.http.health import Health
from yingbin.http.problem import TooLarge
from yingbin.ids import new_id

MAX_BODY_BYTES = 16 * 1024 * 1024
_HEALTH = "/healthz"

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def create_app(
    title: str,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    check: Callable[[], None],
    large_bodies: Mapping[str, int] = MappingProxyType({}),
    notes: Callable[[], Mapping[str, str]] = dict,
) -> FastAPI:
    """Return an app as `bare_app` does, with `/healthz`, `/metrics` and `/openapi.json`.

    `check` raises when a dependency of this process is down; it is called twice a second, in a thread.
    `large_bodies`: path -> bytes, for routes that take more than others and read their body as it comes. `notes`: what
    `/healthz` says of a process that works, but not wholly.
    """
    health = Health(check)

    @asynccontextmanager
    async def watched(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            keeping = asyncio.create_task(health.keep())
            try:
                yield
            finally:
                keeping.cancel()
                await asyncio.wait([keeping])

    def well() -> dict[str, str]:
        return {"status": "ok", "version": __version__, **notes()}

    app = bare_app(title, watched, openapi_url="/openapi.json", large_bodies=large_bodies)
    app.user_middleware.insert(1, Middleware(_HealthFirst, health=health, well=well))  # within the envelope

    @app.get(_HEALTH, tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Whether this process and what it needs is up; 503 otherwise."""
        await health.require()
        return well()

    @app.get("/metrics", tags=["operations"], response_class=Response)
    def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def bare_app(
    title: str,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    *,
    openapi_url: str | None = None,
    large_bodies: Mapping[str, int] = MappingProxyType({}),
) -> FastAPI:
    """Return an app that answers to its caller's routes alone: problem+json errors, request ids, security headers."""
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=openapi_url,
        generate_unique_id_function=_operation_id,
    )
    problem.install(app)
    app.add_middleware(_Envelope, large_bodies=large_bodies)
    return app


class _HealthFirst:
    """Says that all is well before any routing and other middleware, half of the time that an answer takes.

    When the last check failed, or is old, the route answers.
    """

    def __init__(self, app: ASGIApp, health: Health, well: Callable[[], dict[str, str]]) -> None:
        self._app = app
        self._health = health
        self._well = well

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", _HEALTH)
        answer = JSONResponse(self._well()) if asked and self._health.is_well else self._app
        await answer(scope, receive, send)


def _operation_id(route: APIRoute) -> str:
    """Return the name of the function: stable, and what clients and pages call it."""
    return route.name


class _Envelope:
    """Adds a request id and security headers to every response; refuses oversized bodies, answers for defects."""

    def __init__(self, app: ASGIApp, large_bodies: Mapping[str, int]) -> None:
        self._app = app
        self._large_bodies = large_bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most_bytes = self._large_bodies.get(scope["path"], MAX_BODY_BYTES)
        too_large = f"request body exceeds {most_bytes // 2**20} MiB"
        this_id = new_id()
        request_id.current.set(this_id)
        taken, begun = 0, False

        async def limited_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most_bytes:
                raise HTTPException(TooLarge.status, too_large)  # anything else the framework turns into 400
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update({"X-Request-Id": this_id, **_HEADERS})
            await send(message)

        if int(Headers(scope=scope).get("content-length") or 0) > most_bytes:
            await problem.problem(TooLarge(too_large))(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, limited_receive, send_with_headers)
        except Exception as error:
            if begun:
                raise
            await problem.unexpected(scope["path"], error)(scope, receive, send_with_headers)
