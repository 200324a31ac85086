"""Ports for servers that must come back at the same address."""

import random
import socket
from itertools import repeat

_BELOW_EPHEMERAL = range(20_000, 30_000)
"""No outgoing connection takes a port of this range (Linux: 32768 and up), so a free one stays free for us."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on and no other test is likely to choose."""
    choose = random.SystemRandom()
    for _ in repeat(None, 100):
        port = choose.choice(_BELOW_EPHEMERAL)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free port on this machine")
