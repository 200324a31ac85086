"""`/healthz` answers from a check that is made meanwhile, never from an old one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from yingbin.errors import Unavailable
from yingbin.http import health
from yingbin.http.app import create_app


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def running(check: Callable[[], None]) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("test", _lifespan, check)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        yield http


class Store:
    def __init__(self) -> None:
        self.asked = 0
        self.up = True
        self.answers = threading.Event()
        self.answers.set()

    def check(self) -> None:
        self.asked += 1
        self.answers.wait(20)
        if not self.up:
            raise Unavailable("the database does not answer")


async def status_of(http: httpx.AsyncClient) -> int:
    return (await http.get("/healthz")).status_code


async def test_answers_cost_no_check_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_OLDEST_S", 3600)
    monkeypatch.setattr(health, "_EVERY_S", 3600)
    store = Store()
    async with running(store.check) as http:
        assert {await status_of(http) for _ in range(20)} == {200}
    assert store.asked == 1


async def test_a_good_answer_passes_by_all_other_middleware_and_a_bad_one_does_not() -> None:
    passed: list[str] = []

    class Slow:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            passed.append(scope["type"])
            await self._app(scope, receive, send)

    store = Store()
    app = create_app("test", _lifespan, store.check)
    app.user_middleware.append(Middleware(Slow))
    async with app.router.lifespan_context(app), asyncio.timeout(20):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            assert await status_of(http) == 200
            assert (await http.post("/healthz")).status_code == 405
            passed.clear()
            answer = await http.get("/healthz")
            assert (answer.status_code, passed) == (200, [])
            assert len(answer.headers["x-request-id"]) == 36
            store.up = False
            while await status_of(http) != 503:  # noqa: ASYNC110 - nobody is told that it has turned
                await asyncio.sleep(0.001)
            assert passed


async def test_the_check_is_made_again_and_again_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_OLDEST_S", 3600)  # so that no answer makes it
    monkeypatch.setattr(health, "_EVERY_S", 0.001)
    store = Store()
    async with running(store.check) as http, asyncio.timeout(20):
        assert await status_of(http) == 200
        for store.up, status in ((False, 503), (True, 200)):
            while await status_of(http) != status:  # noqa: ASYNC110 - nobody is told that it has turned
                await asyncio.sleep(0.001)


async def test_an_old_answer_is_not_given_and_a_store_that_hangs_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_OLDEST_S", 0)
    monkeypatch.setattr(health, "_EVERY_S", 3600)
    store = Store()
    async with running(store.check) as http:
        assert await status_of(http) == 200
        store.up = False
        assert await status_of(http) == 503
        store.up = True
        assert await status_of(http) == 200
        store.answers.clear()
        monkeypatch.setattr(health, "_PATIENCE_S", 0.01)
        assert await status_of(http) == 503
        store.answers.set()
        monkeypatch.setattr(health, "_PATIENCE_S", 20)
        assert await status_of(http) == 200
