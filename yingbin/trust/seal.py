"""Sealing at rest: AES-256-GCM with a fresh 96-bit nonce a record (NIST SP 800-38D)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yingbin.errors import YingbinError

_NONCE_BYTES = 12


class SealBroken(YingbinError):
    """A sealed record does not open: wrong key, damaged, or moved from another place."""

    code = "seal_broken"


class Sealer:
    """Seals and opens byte strings under one key. `context` names the record, so a blob cannot be moved to another."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return nonce + ciphertext + tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Undo `seal`. Raises `SealBroken`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"sealed record {context} does not open: wrong key or damaged data") from error
