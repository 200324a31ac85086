"""A database file that is lost while it is in use is noticed, and `/healthz` says what to do."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from yingbin.errors import Unavailable
from yingbin.http.app import create_app
from yingbin.storage.database import Database


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("lose", [Path.unlink, replace])
async def test_a_file_deleted_or_replaced_in_use_is_a_failure_that_says_what_to_do(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    path = tmp_path / "identity.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        session.execute(text("CREATE TABLE kept (number INTEGER)"))
    database.check()
    lose(path)
    with pytest.raises(Unavailable, match=r"identity\.db was deleted or replaced .* stop this server"):
        database.check()
    app = create_app("test", _lifespan, database.check)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        answer = await http.get("/healthz")
    assert answer.status_code == 503
    assert "put the right file back" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text
    database.close()
    restarted = Database(f"sqlite:///{path}")
    restarted.check()
    restarted.close()


def test_a_database_in_memory_has_no_file_to_lose() -> None:
    database = Database("sqlite:///:memory:")
    database.check()
    database.close()
