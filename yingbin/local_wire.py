"""Local recognition: the branch gallery a city sends to a box, and the hit that comes back (issue 3, point 6).

The gallery goes down in the box's own domain as pages: a snapshot or changes, and with the last one the digest of all
that the box must now hold. The digest names the state by its content, so neither side keeps a counter over a restart,
and a change that went amiss anywhere shows. Instants are UTC milliseconds.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from yingbin.ids import BootId
from yingbin.look_wire import LookFacts


class LocalHit(LookFacts, frozen=True, tag="h", array_like=True):
    """One look at one track in which the box itself found a customer of its branch gallery. It holds no vector."""

    customer_id: str
    boot_id: BootId = ""


class GalleryAsk(msgspec.Struct, frozen=True, tag="gallery", array_like=True):
    """The box asks for its branch gallery and says what it holds: `gallery_digest`, empty when nothing."""

    digest: bytes


class GalleryMember(msgspec.Struct, frozen=True, array_like=True):
    """A customer of the branch gallery: what he is searched by, unit fp32 in the box's domain, little-endian."""

    customer_id: str
    gallery: str
    vector: bytes


class GalleryPage(msgspec.Struct, frozen=True, tag="gallery", array_like=True):
    """Changes to the branch gallery. With `snapshot` the box first drops what it holds.

    `digest` is `gallery_digest` of what the box then holds; empty while more is to come, and until it has come nothing
    is searched. `lease_until_ms`: matching stops then unless renewed, and the gallery is forgotten.
    """

    snapshot: bool
    members: tuple[GalleryMember, ...]
    removed: tuple[str, ...]
    digest: bytes
    lease_until_ms: int


def fingerprint(member: GalleryMember) -> bytes:
    """Return SHA-256 over a member's msgpack."""
    return hashlib.sha256(msgspec.msgpack.encode(member)).digest()


def gallery_digest(fingerprints: Mapping[str, bytes]) -> bytes:
    """Return SHA-256 over the members' fingerprints in the order of their ids; of an empty gallery too."""
    return hashlib.sha256(b"".join(fingerprints[customer_id] for customer_id in sorted(fingerprints))).digest()
