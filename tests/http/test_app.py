"""What every server of ours answers: problem+json with an id, request ids, health, refused sizes, a taken port."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from yingbin.errors import BadConfiguration, Conflict, Unavailable
from yingbin.http.app import MAX_BODY_BYTES, create_app
from yingbin.http.serve import bind, require_tls_or_loopback


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


def client(*, healthy: bool = True) -> httpx.AsyncClient:
    def check() -> None:
        if not healthy:
            raise Unavailable("the database does not answer")

    app = create_app("test", _lifespan, check)

    @app.get("/conflict")
    def conflict() -> None:
        raise Conflict("already there")

    @app.get("/crash")
    def crash() -> None:
        raise RuntimeError("balance 12345678")

    @app.post("/typed")
    def typed(body: dict[str, int]) -> dict[str, int]:
        return body

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/conflict", 409, "conflict"), ("/nowhere", 404, "http_error"), ("/crash", 500, "internal")],
)
async def test_every_error_is_a_problem_with_an_id(path: str, status: int, code: str) -> None:
    async with client() as http:
        response = await http.get(path)
    body = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:yingbin:{code}"
    assert body["status"] == status
    assert len(body["error_id"]) == 36
    assert "12345678" not in response.text


async def test_validation_names_the_field() -> None:
    async with client() as http:
        response = await http.post("/typed", json={"age": "old"})
    assert response.status_code == 422
    assert "body.age" in response.json()["detail"]


async def test_health_metrics_and_headers() -> None:
    async with client() as http:
        health = await http.get("/healthz")
        assert health.json()["status"] == "ok"
        assert "default-src 'self'" in health.headers["content-security-policy"]
        assert len(health.headers["x-request-id"]) == 36
        assert "python_info" in (await http.get("/metrics")).text
    async with client(healthy=False) as http:
        assert (await http.get("/healthz")).status_code == 503


async def test_oversized_body_is_refused() -> None:
    async with client() as http:
        response = await http.post("/typed", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert "MiB" in response.json()["detail"]


def test_port_in_use_is_one_clear_line() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(BadConfiguration, match="choose another `port`"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_plain_http_stays_on_this_machine() -> None:
    require_tls_or_loopback("127.0.0.1", None)
    with pytest.raises(BadConfiguration, match="TLS"):
        require_tls_or_loopback("0.0.0.0", None)  # noqa: S104


def test_logging_is_quiet_about_requests() -> None:
    ours = [one for one in logging.getLogger("uvicorn.access").handlers if "_pytest" not in type(one).__module__]
    assert not ours
