"""Records of the audit trail, the chain they form, and signed heads. Pure.

Each record holds the SHA-256 of the one before, so none can be changed, removed or moved without every later one
changing (Schneier and Kelsey, "Secure audit logs to support computer forensics", ACM TISSEC 2(2), 1999). What is left,
cutting the tail off or computing a whole new chain, shows against signed heads that somebody else keeps, as with the
signed tree heads of Certificate Transparency (RFC 6962, 3.5). A chain, not a tree: an auditor here reads it whole.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from yingbin.errors import NotAuthenticated
from yingbin.trust.devices import DeviceKey, verify_signature

HASH_BYTES: Final = 32
GENESIS: Final = bytes(HASH_BYTES)
"""`prev_hash` of the first record of a chain."""
DONE: Final = "done"
REFUSED: Final = "refused"
FAILED: Final = "failed"

Details = Mapping[str, str | int | bool]

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_json = msgspec.json.Encoder(order="deterministic")
_IN_CLEAR: Final = frozenset({"assessment", "box", "branch", "camera", "card", "city", "gallery", "job", "cli"})
"""Kinds whose ids name no person. Every other kind is written as a pseudonym."""
_MADE_UP: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Entry(msgspec.Struct, frozen=True):
    """What happened, as the code that did it knows it: with real ids, and no place in the chain yet.

    `actor` is `<kind>:<id>`, e.g. `staff:…`, `city:…`, `box:…`, `job:retention`, `cli:<user of the system>`. `details`:
    few and small, never personal data, scores or amounts.
    """

    actor: str
    role: str
    action: str
    object_kind: str = ""
    object_id: str = ""
    details: Details = {}
    outcome: str = DONE
    request_id: str = ""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One link. `actor_id` and `object_id` are pseudonyms (see `Pseudonyms`); `details` is canonical JSON."""

    writer: str
    seq: int
    at_ms: int
    actor_kind: str
    actor_id: str
    role: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    request_id: str
    details: str
    prev_hash: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 over the canonical msgpack of all fields, tagged so that it is never mistaken for another digest."""
        return hashlib.sha256(_encoder.encode(("yingbin-audit-v1", self))).digest()


class Head(msgspec.Struct, frozen=True):
    """The end of a chain as of `at_ms`: its last record's number and hash."""

    writer: str
    seq: int
    hash: bytes
    at_ms: int


class SignedHead(msgspec.Struct, frozen=True):
    """A head and its writer's Ed25519 signature: the writer cannot deny later that its chain had this record."""

    head: Head
    signature: bytes


def link(entry: Entry, pseudonyms: "Pseudonyms", after: Head, at_ms: int) -> Record:
    """Return the record that follows `after`."""
    actor_kind, _, actor_id = entry.actor.partition(":")
    return Record(
        writer=after.writer,
        seq=after.seq + 1,
        at_ms=at_ms,
        actor_kind=actor_kind,
        actor_id=pseudonyms.of(actor_kind, actor_id),
        role=entry.role,
        action=entry.action,
        object_kind=entry.object_kind,
        object_id=pseudonyms.of(entry.object_kind, entry.object_id) if entry.object_id else "",
        outcome=entry.outcome,
        request_id=entry.request_id,
        details=_json.encode(dict(entry.details)).decode(),
        prev_hash=after.hash,
    )


def head_of(record: Record) -> Head:
    """Return the head of a chain that ends with `record`."""
    return Head(record.writer, record.seq, record.hash, record.at_ms)


def sign(head: Head, key: DeviceKey) -> SignedHead:
    """Return `head` signed."""
    return SignedHead(head, key.sign(_text(head)))


def is_signed(signed: SignedHead, public_key: bytes) -> bool:
    """Return whether the owner of `public_key` signed this very head."""
    try:
        verify_signature(public_key, signed.signature, _text(signed.head))
    except NotAuthenticated:
        return False
    return True


class Pseudonyms:
    """Names for ids, made with a key: HMAC-SHA256 (RFC 2104), 128 bits of it, for each kind its own.

    Who holds the key can find what is recorded on an id he asks for; nobody can list the ids. Once the key is
    destroyed the trail says what was done, and no longer to whom or by whom.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, identifier: str) -> str:
        """Return the name of an id in the trail: itself, where its kind names no person."""
        if kind in _IN_CLEAR and _MADE_UP.fullmatch(identifier):
            return identifier
        return hmac.digest(self._key, f"{kind}/{identifier}".encode(), "sha256")[:16].hex()


def _text(head: Head) -> bytes:
    return _encoder.encode(("yingbin-audit-head-v1", head.writer, head.seq, head.hash, head.at_ms))
