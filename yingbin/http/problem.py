"""Errors as problem+json (RFC 9457). Each is logged once, with the id the caller also sees."""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from yingbin.errors import InvalidInput, YingbinError
from yingbin.http import request_id
from yingbin.log import get_logger

log = get_logger()


PROBLEM_TYPE: Final = "application/problem+json"
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "Why a request failed (RFC 9457). Further members depend on `type`.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "error_id", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "what kind, stable: `urn:yingbin:<code>`"},
        "title": {"type": "string", "description": "the kind in words"},
        "status": {"type": "integer", "description": "as the HTTP status"},
        "detail": {"type": "string", "description": "what is wrong here, and what to do"},
        "error_id": {"type": "string", "description": "names this error in the log"},
        "request_id": {"type": "string", "description": "names the request, as `X-Request-Id`"},
    },
    "example": {
        "type": "urn:yingbin:not_found",
        "title": "not found",
        "status": 404,
        "detail": "there is no camera c-1",
        "error_id": "0197a3c2-7d5e-7c11-8f00-3f1f5f9d2b10",
        "request_id": "0197a3c2-7d5e-7c11-8f00-3f1f5f9d2b11",
    },
}


def problem(error: YingbinError) -> JSONResponse:
    """Return `error` as an RFC 9457 body: type, title, status, detail, error_id, request_id."""
    return JSONResponse(
        {
            **error.details,
            "type": f"urn:yingbin:{error.code}",
            "title": error.code.replace("_", " "),
            "status": error.status,
            "detail": error.message,
            "error_id": error.error_id,
            "request_id": request_id.current.get(),
        },
        status_code=error.status,
        media_type=PROBLEM_TYPE,
        headers={"WWW-Authenticate": "Bearer"} if error.status == 401 else None,
    )


class TooLarge(YingbinError):
    """The request body is larger than this server takes."""

    code = "too_large"
    status = 413


class _HttpError(YingbinError):
    """An error raised by the framework: unknown path, wrong method, body that is not what it claims."""

    code = "http_error"


def unexpected(path: str, error: Exception) -> JSONResponse:
    """Return what a defect looks like to the caller; the log has the rest under the same id."""
    ours = YingbinError("something went wrong here; quote the error id to your administrator")
    log.error("unexpected", path=path, error_id=ours.error_id, exc_info=error)
    return problem(ours)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem+json response."""

    @app.exception_handler(YingbinError)
    async def on_ours(request: Request, error: YingbinError) -> JSONResponse:
        level = "warning" if error.status < 500 else "error"
        getattr(log, level)("refused", code=error.code, path=request.url.path, error_id=error.error_id)
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        lines = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        return await on_ours(request, InvalidInput("; ".join(lines)))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        ours = TooLarge(str(error.detail)) if error.status_code == TooLarge.status else _HttpError(str(error.detail))
        ours.status = error.status_code  # type: ignore[misc]  # the framework's status, not the class's
        response = await on_ours(request, ours)
        response.headers.update(error.headers or {})
        return response
