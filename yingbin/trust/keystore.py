"""Where keys live. File (0600, passphrase) by default; a KMS implements the same protocol."""

import fcntl
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    Every change rewrites the file as it then is, atomically, and syncs it, so processes may share it. Back it up apart
    from the data it protects.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        if not passphrase:
            raise BadConfiguration("the key store needs a passphrase: set `keystore_passphrase`")
        self._path = path
        self._lock = threading.Lock()
        with self._alone():
            raw = path.read_bytes() if path.exists() else b""
            self._salt = raw[:_SALT_BYTES] or os.urandom(_SALT_BYTES)
            self._sealer = Sealer(
                hash_secret_raw(
                    passphrase.encode(), self._salt, time_cost=3, memory_cost=65536, parallelism=4, hash_len=32,
                    type=Type.ID,
                )
            )  # fmt: skip
            if not raw:
                self._write({})
        self._secrets = self._read()

    def get(self, name: str) -> bytes:
        """Return the secret. Raises `NotFound`."""
        if name not in self._secrets:
            self._secrets = self._read()  # another process may have made it
        try:
            return self._secrets[name]
        except KeyError:
            raise NotFound(f"no key named {name} in the key store") from None

    def put(self, name: str, secret: bytes) -> None:
        """Store a secret durably before returning."""
        self._change(lambda held: {**held, name: secret})

    def get_or_create(self, name: str, size_bytes: int) -> bytes:
        """Return the secret, made of random bytes when it is new."""
        if name not in self._secrets:
            self._change(lambda held: held if name in held else {**held, name: os.urandom(size_bytes)})
        return self._secrets[name]

    def destroy(self, name: str) -> None:
        """Forget the secret for ever; unknown names are fine."""
        self._change(lambda held: {kept: secret for kept, secret in held.items() if kept != name})

    def _change(self, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
        with self._lock, self._alone():
            secrets = change(self._read())
            self._write(secrets)
            self._secrets = secrets

    def _read(self) -> dict[str, bytes]:
        try:
            opened = self._sealer.open(self._path.read_bytes()[_SALT_BYTES:], "keystore")
        except SealBroken as error:
            raise BadConfiguration(f"key store {self._path} does not open: wrong passphrase or damaged file") from error
        return msgspec.msgpack.decode(opened, type=dict[str, bytes])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile: the folder is locked, since the file is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _write(self, secrets: dict[str, bytes]) -> None:
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
