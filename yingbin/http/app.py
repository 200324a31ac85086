"""A FastAPI application with what every server of ours needs."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yingbin import __version__
from yingbin.errors import YingbinError
from yingbin.http import problem
from yingbin.ids import new_id

MAX_BODY_BYTES = 16 * 1024 * 1024

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


class TooLarge(YingbinError):
    """The request body is larger than this server takes."""

    code = "too_large"
    status = 413


def create_app(
    title: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], check: Callable[[], None]
) -> FastAPI:
    """Return an app as `bare_app` does, with `/healthz`, `/metrics` and `/openapi.json`.

    `check` raises when a dependency of this process is down; it must cost the same at any amount of data.
    """
    app = bare_app(title, lifespan, openapi_url="/openapi.json")

    @app.get("/healthz", tags=["operations"])
    def healthz() -> dict[str, str]:
        """Whether this process and what it needs is up; 503 otherwise."""
        check()
        return {"status": "ok", "version": __version__}

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
) -> FastAPI:
    """Return an app that answers to its caller's routes alone: problem+json errors, request ids, security headers."""
    app = FastAPI(
        title=title, version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=openapi_url
    )
    problem.install(app)
    app.add_middleware(_Envelope)
    return app


class _Envelope:
    """Adds a request id and security headers to every response and refuses oversized bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id()
        taken = 0

        async def limited_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise TooLarge(f"request body exceeds {MAX_BODY_BYTES // 2**20} MiB")
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({"X-Request-Id": request_id, **_HEADERS})
            await send(message)

        if int(Headers(scope=scope).get("content-length") or 0) > MAX_BODY_BYTES:
            refused = TooLarge(f"request body exceeds {MAX_BODY_BYTES // 2**20} MiB")
            await problem.problem(refused)(scope, receive, send_with_headers)
            return
        await self._app(scope, limited_receive, send_with_headers)
