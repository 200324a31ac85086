"""Errors as problem+json (RFC 9457). Each is logged once, with the id the caller also sees."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from yingbin.errors import InvalidInput, YingbinError
from yingbin.log import get_logger

log = get_logger()


def problem(error: YingbinError) -> JSONResponse:
    """Return `error` as an RFC 9457 body: type, title, status, detail, error_id."""
    return JSONResponse(
        {
            "type": f"urn:yingbin:{error.code}",
            "title": error.code.replace("_", " "),
            "status": error.status,
            "detail": error.message,
            "error_id": error.error_id,
        },
        status_code=error.status,
        media_type="application/problem+json",
        headers={"WWW-Authenticate": "Bearer"} if error.status == 401 else None,
    )


class _HttpError(YingbinError):
    """An error raised by the framework: unknown path, wrong method, body that is not what it claims."""

    code = "http_error"


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
        ours = _HttpError(str(error.detail))
        ours.status = error.status_code  # type: ignore[misc]  # the framework's status, not the class's
        response = await on_ours(request, ours)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def on_unexpected(request: Request, error: Exception) -> JSONResponse:
        ours = YingbinError("something went wrong here; quote the error id to your administrator")
        log.error("unexpected", path=request.url.path, error_id=ours.error_id, exc_info=error)
        return problem(ours)
