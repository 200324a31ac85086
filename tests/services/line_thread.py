"""Runs an asyncio server of a test in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator


@contextlib.contextmanager
def in_thread(server: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[None]:
    """Let the server that `server` starts listen until this context ends."""
    started, stopping = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with await server():
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
