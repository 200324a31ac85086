"""What a box that recognises locally is to hold of this city's galleries, and the pages that keep it so (C3, C5).

The customers at home at its branch, in galleries its cameras may search: nobody else's template leaves the city. A box
is told only while the city itself may search, and never under a longer lease than the city's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from city_server.memory import Memory
from city_server.replica import Replica
from yingbin import wire
from yingbin.errors import NotAllowed
from yingbin.feed_wire import CardView
from yingbin.galleries.protect import Transform, apply, encode_template, normalise
from yingbin.ids import now_ms
from yingbin.local_wire import GalleryAsk, GalleryMember, GalleryPage, LocalHit, fingerprint, gallery_digest
from yingbin.log import get_logger
from yingbin.trust.consent import Purpose, galleries_for
from yingbin.wire import Camera

_PAGE_BYTES: Final = 48 * 1024
"""Well below `MAX_BOX_MESSAGE_BYTES`: 80 customers at 128 dimensions."""
_ID_OVERHEAD: Final = 5
_RENEWED_BY: Final = 0.01
"""A lease is told again when it has grown by this share of itself: of 24 h, every quarter of an hour."""
_BEHIND: Final = GalleryPage(snapshot=False, members=(), removed=(), digest=b"", lease_until_ms=0)

log = get_logger()


class NotInBranchGallery(NotAllowed):
    """A box claims to have seen somebody whom it may not recognise: never, or no longer."""

    code = "not_in_branch_gallery"


def local_galleries(cameras: Iterable[Camera], at_ms: int) -> frozenset[str]:
    """Return the galleries these cameras may search on their box at `at_ms`."""
    local = (camera for camera in cameras if camera.local_recognition)
    return frozenset(gallery for camera in local for gallery in galleries_for(camera, Purpose.VIP_SERVICE, at_ms))


def recognised(hit: LocalHit, branch_id: str, galleries: Iterable[str], memory: Memory) -> CardView:
    """Return whom a box has found, if it may find him. Raises `NotInBranchGallery`."""
    view = memory.card_views.get(hit.customer_id)
    if view is None or not _belongs(view, branch_id, galleries):
        raise NotInBranchGallery(f"camera {hit.camera_id} reports a customer who is not in its branch gallery")
    return view


class BranchGallery:
    """The gallery of one box, as told over one connection."""

    def __init__(self, replica: Replica, box_id: str, branch_id: str, key_id: str) -> None:
        self._replica = replica
        self._box_id = box_id
        self._key_id = key_id
        self._branch_id = branch_id
        self._asked: bytes | None = None
        self._told: dict[str, bytes] | None = None
        self._digest = b""
        self._basis: _Basis | None = None
        self._lease_until_ms = 0

    async def due(self, cameras: Iterable[Camera], ask: GalleryAsk | None) -> list[GalleryPage]:
        """Return what the box must be told now, `ask` being what it has asked since; nothing before the first time."""
        at_ms, gate, memory = now_ms(), self._replica.gate, self._replica.memory
        self._asked = ask.digest if ask else self._asked
        if (self._asked is None and self._told is None) or self._box_id not in memory.boxes:
            return []
        if not gate.is_open(at_ms):  # nothing is certain now: the box waits, as the city does
            was_told, self._basis = self._basis is not None, None
            return [_BEHIND] if was_told else []
        # No page of the feed is being applied while the gate is open, so these three belong together.
        to_city = memory.to_city(self._box_id, self._key_id)
        basis = _Basis(memory, memory.roll_call(self._branch_id), local_galleries(cameras, at_ms), to_city)
        asked, self._asked = self._asked, None
        pages: list[GalleryPage] = []
        if asked is not None or not basis.same(self._basis):
            pages = await to_thread.run_sync(self._pages, asked, basis, gate.lease_until_ms)
        if not pages and self._renews(gate.lease_until_ms, at_ms):
            pages = [GalleryPage(False, (), (), self._digest, gate.lease_until_ms)]
        if pages:
            self._lease_until_ms = gate.lease_until_ms
        return pages

    def _renews(self, lease_until_ms: int, at_ms: int) -> bool:
        grown_ms = lease_until_ms - self._lease_until_ms
        return grown_ms < 0 or grown_ms > _RENEWED_BY * (lease_until_ms - at_ms)

    def _pages(self, asked: bytes | None, basis: "_Basis", lease_until_ms: int) -> list[GalleryPage]:
        """Return the way from what the box holds to what it must hold; empty when it is there and was told so."""
        members = {one.customer_id: one for one in self._members(basis)}
        marks = {customer_id: fingerprint(member) for customer_id, member in members.items()}
        digest = gallery_digest(marks)
        snapshot = asked is not None and asked != digest
        held = {} if snapshot else marks if asked is not None else self._told or {}
        changed = [member for customer_id, member in members.items() if held.get(customer_id) != marks[customer_id]]
        removed = [customer_id for customer_id in held if customer_id not in marks]
        told_before, self._basis, self._told, self._digest = self._basis is not None, basis, marks, digest
        if asked is None and told_before and not changed and not removed:
            return []
        log.info("branch_gallery", box_id=self._box_id, size=len(marks), changed=len(changed), removed=len(removed))
        return list(_paged(changed, removed, digest, lease_until_ms, snapshot=snapshot))

    def _members(self, basis: "_Basis") -> Iterator[GalleryMember]:
        for view in basis.memory.at_home(self._branch_id):
            vector = basis.memory.vector_of(view) if _belongs(view, self._branch_id, basis.galleries) else None
            if vector is not None:
                raw = encode_template(normalise(apply(basis.to_city.T, vector)))
                yield GalleryMember(view.customer_id, view.gallery, raw)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a box's gallery follows from: the customers of `memory` at home as of a roll call, galleries, and a map."""

    memory: Memory
    roll_call: int
    galleries: frozenset[str]
    to_city: Transform

    def same(self, other: "_Basis | None") -> bool:
        """Whether nothing can have changed since."""
        mine = self.memory, self.roll_call, self.galleries, id(self.to_city)
        return other is not None and mine == (other.memory, other.roll_call, other.galleries, id(other.to_city))


def _belongs(view: CardView, branch_id: str, galleries: Iterable[str]) -> bool:
    consented = Purpose.VIP_SERVICE in view.purposes
    return consented and view.home_branch_id == branch_id and view.gallery in galleries


def _paged(
    changed: Iterable[GalleryMember], removed: Iterable[str], digest: bytes, lease_until_ms: int, *, snapshot: bool
) -> Iterator[GalleryPage]:
    """Cut changes into messages; only the last makes them count."""
    members: list[GalleryMember] = []
    gone: list[str] = []
    size = 0
    news: list[GalleryMember | str] = [*removed, *changed]
    for one in news:
        bytes_more = len(wire.encode(one)) if isinstance(one, GalleryMember) else len(one) + _ID_OVERHEAD
        if size + bytes_more > _PAGE_BYTES:
            yield GalleryPage(snapshot, tuple(members), tuple(gone), b"", 0)
            members, gone, size, snapshot = [], [], 0, False
        if isinstance(one, GalleryMember):
            members.append(one)
        else:
            gone.append(one)
        size += bytes_more
    yield GalleryPage(snapshot, tuple(members), tuple(gone), digest, lease_until_ms)
