"""Servers on loopback in a thread of the test, and waiting for what happens in another one."""

import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from yingbin import wire

T = TypeVar("T")


def in_thread(app: FastAPI) -> tuple[uvicorn.Server, threading.Thread, str]:
    """Serve an app on a free port; return the server, its thread and the address without scheme."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="websockets-sansio", ws_max_size=wire.MAX_BOX_MESSAGE_BYTES,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    return server, thread, f"127.0.0.1:{listener.getsockname()[1]}"


def wait_for(check: Callable[[], T], timeout_s: float = 15.0) -> T:
    """Poll until `check` returns something true."""
    end = time.monotonic() + timeout_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("did not happen in time")
        time.sleep(0.01)
