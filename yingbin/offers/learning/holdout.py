"""Who is in which group: decided by a keyed hash of the customer's id, so it is random, and the same everywhere.

HMAC-SHA256 (RFC 2104) under a key of the province: nobody without it can tell, or choose, who is in a group. Nothing is
stored, so nothing can be lost; the draw needs the key and the name, both of which outlive a restart.
"""

import hashlib
import hmac
from typing import Final

from yingbin.errors import BadConfiguration

MIN_KEY_BYTES: Final = 16
_STEPS: Final = 2**53
"""A double holds every multiple of its inverse in [0, 1)."""


def position(key: bytes, name: str, customer_id: str) -> float:
    """Return where a customer lies in [0, 1) for the draw called `name`; uniform, and independent between names.

    Raises `BadConfiguration` for a key that could be guessed.
    """
    if len(key) < MIN_KEY_BYTES:
        raise BadConfiguration(f"the key of the draw has {len(key)} bytes; it must have at least {MIN_KEY_BYTES}")
    drawn = hmac.new(key, f"{name}\x00{customer_id}".encode(), hashlib.sha256).digest()
    return (int.from_bytes(drawn[:8], "big") >> 11) / _STEPS
