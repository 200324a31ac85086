"""The branch gallery on the box: told by the city, searched in memory, sealed on tmpfs, under the city's lease (C5).

Whatever is wrong with it - a page that does not fit, a file that does not open, a lease that has ended - it is
forgotten as a whole and asked for anew; half of it is never searched.
"""

from collections.abc import Collection, Mapping

from edge.gallery_store import GalleryStore
from yingbin.errors import YingbinError
from yingbin.galleries.decide import Hit, best_of
from yingbin.galleries.gate import Gate
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import BadVector, Vector, decode_template
from yingbin.local_wire import GalleryMember, GalleryPage, fingerprint, gallery_digest
from yingbin.log import get_logger

log = get_logger()


class GalleryDamaged(YingbinError):
    """What the city sent does not add up to what it says; the gallery was forgotten."""

    code = "gallery_damaged"


class LocalGallery:
    """All calls come from the box's event loop. `gate` says whether it may be searched now."""

    def __init__(self, store: GalleryStore, dimension: int) -> None:
        self._store = store
        self._dimension = dimension
        self._members: dict[str, GalleryMember] = {}
        self._marks: dict[str, bytes] | None = None
        self._draft: dict[str, GalleryMember] | None = None
        self._indices: dict[str, FlatIndex] = {}
        self.gate = Gate()

    def __len__(self) -> int:
        return len(self._members)

    @property
    def digest(self) -> bytes:
        """What the box tells the city that it holds; empty when it holds no gallery."""
        return b"" if self._marks is None else gallery_digest(self._marks)

    def restore(self, now_ms: int) -> None:
        """Bring back what an earlier process left, unless its lease has ended. The city must still confirm it.

        Raises `GalleryDamaged`.
        """
        record = self._store.load()
        if record is None:
            return
        if now_ms >= record.lease_until_ms:
            self._store.remove()
            return
        members = {member.customer_id: member for member in record.members}
        self._hold(members, self._marks_of(members))
        self.gate.lease_until_ms = record.lease_until_ms
        log.info("gallery_restored", size=len(members))

    def connected(self) -> None:
        """Search nothing until the city, which answers now, has said that no change waits."""
        self._draft = None
        self.gate.reached(behind=True)

    def disconnected(self) -> None:
        """Go on under the lease, unless changes are known to wait."""
        self.gate.lost()

    def take(self, page: GalleryPage) -> None:
        """Apply what the city sends. Raises `GalleryDamaged`."""
        base = {} if page.snapshot else self._members if self._draft is None else self._draft
        draft = {**base, **{member.customer_id: member for member in page.members}}
        for customer_id in page.removed:
            draft.pop(customer_id, None)
        if not page.digest:
            self._draft = draft
            self.gate.reached(behind=True)
            return
        self._draft = None
        marks = self._marks_of(draft)
        if gallery_digest(marks) != page.digest:
            self.forget()
            raise GalleryDamaged("the branch gallery is not what the city says that it is")
        self._hold(draft, marks)
        self.gate.applied(page.lease_until_ms, at_head=True)
        self._store.save(page.lease_until_ms, draft.values())

    def forget(self) -> None:
        """Hold nothing any more, in memory or on tmpfs."""
        self._members, self._marks, self._draft, self._indices = {}, None, None, {}
        self.gate.applied(0, at_head=False)
        self._store.remove()

    def holds(self, customer_id: str, galleries: Collection[str]) -> bool:
        """Return whether a customer is in one of these galleries."""
        member = self._members.get(customer_id)
        return member is not None and member.gallery in galleries

    def search(self, probe: Vector, galleries: Collection[str]) -> tuple[Hit | None, int]:
        """Return the best identity for a unit probe of the box's domain, fp32 (d,), and the number of templates."""
        indices = [self._indices[name] for name in galleries if name in self._indices]
        hits = [hit for index in indices if (hit := index.search(probe[None, :])[0]) is not None]
        return best_of(hits), sum(index.count for index in indices)

    def _marks_of(self, members: Mapping[str, GalleryMember]) -> dict[str, bytes]:
        """Return the members' fingerprints; what is held already is not hashed again."""
        known = self._marks or {}
        return {
            customer_id: known[customer_id] if self._members.get(customer_id) is member else fingerprint(member)
            for customer_id, member in members.items()
        }

    def _hold(self, members: dict[str, GalleryMember], marks: dict[str, bytes]) -> None:
        """Make these, and nobody else, searchable. Raises `GalleryDamaged`, and then holds nothing."""
        for customer_id, member in self._members.items():
            if members.get(customer_id) is not member:
                self._indices[member.gallery].remove_customer(customer_id)
        try:
            for customer_id, member in members.items():
                if self._members.get(customer_id) is not member:
                    index = self._indices.setdefault(member.gallery, FlatIndex(self._dimension))
                    index.add(customer_id, customer_id, decode_template(member.vector, self._dimension))
        except BadVector as error:
            self.forget()
            raise GalleryDamaged(f"the branch gallery holds a template that cannot be used: {error.message}") from error
        self._members, self._marks = members, marks
