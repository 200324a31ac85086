"""Run an app: bind first, so that a taken port is one clear line, then announce the address on stdout."""

import gc
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from yingbin.errors import BadConfiguration
from yingbin.http.priority import answer_promptly

_SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread that computes lets the one that answers wait, at each of the several steps of an answer."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket. Raises `BadConfiguration` when the port is in use or not permitted."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadConfiguration(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "stop the other program or choose another `port` (0 picks a free one)"
        ) from error
    # asyncio sets this on sockets it made itself only; without it Nagle holds every answer back for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def require_tls_or_loopback(host: str, certificate_file: Path | None) -> None:
    """Raise `BadConfiguration` when a server would speak plain HTTP beyond this machine (DESIGN 7)."""
    if certificate_file is None and host not in {"127.0.0.1", "::1", "localhost"}:
        raise BadConfiguration(
            f"refusing to listen on {host} without TLS; set `tls_certificate_file` and `tls_key_file`, or use 127.0.0.1"
        )


def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    certificate_file: Path | None = None,
    key_file: Path | None = None,
    max_message_bytes: int = 64 * 1024,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM. Prints one line `{"ready": true, "url": ...}` once requests are answered.

    `on_stop` is called before open requests are waited for: it ends those that wait for news.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=max_message_bytes,
        ws_ping_interval=10,
        ws_ping_timeout=10,
        ssl_certfile=certificate_file,
        ssl_keyfile=key_file,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    # What is loaded by now stays. Each full collection would look at it again, at 240,000 objects at the province, and
    # hold up every answer for 0.1 s meanwhile.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    answer_promptly()
    _AnnouncingServer(config, _url(listener, tls=certificate_file is not None), on_stop).run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._url = url
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(json.dumps({"ready": True, "url": self._url}) + "\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def _url(listener: socket.socket, *, tls: bool) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"
