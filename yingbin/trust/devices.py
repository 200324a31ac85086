"""Box and city keys: Ed25519 (RFC 8032) over a nonce the server chose, and what a box is given on registration."""

import base64
import os
from pathlib import Path
from typing import Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from yingbin.errors import BadConfiguration, NotAuthenticated
from yingbin.galleries.protect import Domain, Transform, decode_transform


class DeviceKey:
    """The private key of one box or city; the public half is registered at the province."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file. Raises `BadConfiguration` when it is missing, unreadable or open to other users."""
        try:
            if path.stat().st_mode & 0o077:
                raise BadConfiguration(f"key file {path} is readable by others; run: chmod 600 {path}")
            return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes(), validate=True)))
        except (OSError, ValueError) as error:
            raise BadConfiguration(
                f"cannot read key file {path}: {error}; make one with: yingbin keys device"
            ) from error

    def save(self, path: Path) -> None:
        """Write the key, readable by its owner only. Raises `FileExistsError` rather than overwrite a key."""
        raw = self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(raw))

    @property
    def public_bytes(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key itself, for signing tokens."""
        return self._private

    def derive(self, purpose: str) -> bytes:
        """Return a secret of 32 bytes for one purpose, from which the key cannot be found (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=f"yingbin-{purpose}-v1".encode()).derive(
            self._private.private_bytes_raw()
        )

    def sign(self, text: bytes) -> bytes:
        """Return the 64-byte signature of `text`."""
        return self._private.sign(text)


def challenge_text(nonce: bytes, city_id: str, box_id: str, boot_id: str, pack_id: str, key_id: str) -> bytes:
    """Return what a box signs to open a connection; unambiguous and bound to this purpose."""
    return msgspec.msgpack.encode(("yingbin-box-v2", nonce, city_id, box_id, boot_id, pack_id, key_id))


def verify_signature(public_key: bytes, signature: bytes, text: bytes) -> None:
    """Raise `NotAuthenticated` unless `signature` over `text` was made by the owner of `public_key`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except (InvalidSignature, ValueError) as error:
        raise NotAuthenticated("the device did not prove its key") from error


class BoxBundle(msgspec.Struct, frozen=True):
    """What the province hands out once, when a box is registered; kept on the box as a 0600 file.

    `transform_base64` is the box's secret key transform R_box (fp32, dimension x dimension).
    """

    box_id: str
    branch_id: str
    city_id: str
    pack_id: str
    dimension: int
    transform_base64: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the bundle. Raises `BadConfiguration`."""
        try:
            if path.stat().st_mode & 0o077:
                raise BadConfiguration(f"box bundle {path} is readable by others; run: chmod 600 {path}")
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise BadConfiguration(f"cannot read box bundle {path}: {error}; download it again") from error

    @property
    def transform(self) -> Transform:
        """R_box, fp32 (dimension, dimension)."""
        return decode_transform(base64.b64decode(self.transform_base64), self.dimension)

    @property
    def key_id(self) -> str:
        """The name of that transform's domain."""
        return Domain.of(self.transform).key_id
