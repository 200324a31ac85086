"""Where keys live. File (0600, passphrase) by default; a KMS implements the same protocol."""

import os
import tempfile
import threading
from pathlib import Path
from typing import Protocol

import msgspec
from argon2.low_level import Type, hash_secret_raw

from yingbin.errors import BadConfiguration, NotFound
from yingbin.trust.seal import SealBroken, Sealer

_SALT_BYTES = 16


class KeyStore(Protocol):
    """Named secrets of a few bytes to a few megabytes."""

    def get(self, name: str) -> bytes:
        """Return the secret. Raises `NotFound`."""

    def put(self, name: str, secret: bytes) -> None:
        """Store a secret durably before returning."""

    def get_or_create(self, name: str, size_bytes: int) -> bytes:
        """Return the secret, made of random bytes when it is new."""

    def destroy(self, name: str) -> None:
        """Forget the secret for ever; unknown names are fine."""


class FileKeyStore:
    """All secrets in one file, sealed under a key derived from a passphrase (Argon2id, RFC 9106 second choice).

    Every change rewrites the file atomically and syncs it. Back it up apart from the data it protects.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        if not passphrase:
            raise BadConfiguration("the key store needs a passphrase: set `keystore_passphrase`")
        self._path = path
        self._lock = threading.Lock()
        self._secrets: dict[str, bytes] = {}
        raw = path.read_bytes() if path.exists() else None
        self._salt = raw[:_SALT_BYTES] if raw else os.urandom(_SALT_BYTES)
        key = hash_secret_raw(
            passphrase.encode(), self._salt, time_cost=3, memory_cost=65536, parallelism=4, hash_len=32, type=Type.ID
        )
        self._sealer = Sealer(key)
        if raw:
            try:
                opened = self._sealer.open(raw[_SALT_BYTES:], "keystore")
            except SealBroken as error:
                raise BadConfiguration(f"key store {path} does not open: wrong passphrase or damaged file") from error
            self._secrets = msgspec.msgpack.decode(opened, type=dict[str, bytes])

    def get(self, name: str) -> bytes:
        """Return the secret. Raises `NotFound`."""
        try:
            return self._secrets[name]
        except KeyError:
            raise NotFound(f"no key named {name} in the key store") from None

    def put(self, name: str, secret: bytes) -> None:
        """Store a secret durably before returning."""
        with self._lock:
            self._write({**self._secrets, name: secret})

    def get_or_create(self, name: str, size_bytes: int) -> bytes:
        """Return the secret, made of random bytes when it is new."""
        with self._lock:
            if name not in self._secrets:
                self._write({**self._secrets, name: os.urandom(size_bytes)})
            return self._secrets[name]

    def destroy(self, name: str) -> None:
        """Forget the secret for ever; unknown names are fine."""
        with self._lock:
            self._write({kept: secret for kept, secret in self._secrets.items() if kept != name})

    def _write(self, secrets: dict[str, bytes]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self._path.parent, prefix=".keystore-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._salt + self._sealer.seal(msgspec.msgpack.encode(secrets), "keystore"))
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(self._path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        self._secrets = secrets
