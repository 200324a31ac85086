"""Serve an app inside the box's own event loop: the agent keeps the signals and decides when it ends."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import uvicorn
from fastapi import FastAPI


@contextlib.asynccontextmanager
async def serving(
    app: FastAPI,
    listener: socket.socket,
    *,
    certificate_file: Path | None = None,
    key_file: Path | None = None,
) -> AsyncIterator[None]:
    """Answer on `listener` while the context lasts; open requests get a second to end."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate_file,
        ssl_keyfile=key_file,
    )
    server = _Guest(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Guest(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
