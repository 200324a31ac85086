"""What the city knows, in memory: the directory of things and one index a gallery. Disposable."""

import hashlib
from collections import Counter
from collections.abc import Iterable

import msgspec

from yingbin import feed_wire, wire
from yingbin.errors import NotAllowed
from yingbin.feed_wire import FeedEntry, FeedKind
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.decide import Hit, best_of
from yingbin.galleries.protect import Transform, Vector, decode_template, decode_transform
from yingbin.log import get_logger

log = get_logger()


class BoxKeyRetired(NotAllowed):
    """A box's vectors are in a domain that is no more: its key was renewed."""

    code = "box_key_retired"


def checksum(entries: tuple[FeedEntry, ...]) -> bytes:
    """Return SHA-256 over the msgpack of `entries`, as `FeedPage.checksum` holds it."""
    return hashlib.sha256(msgspec.msgpack.encode(entries)).digest()


class Memory:
    """One consistent picture of the feed, all in one domain of the city's.

    `apply` may run in a worker thread while others read.
    """

    def __init__(self, pack_id: str, dimension: int) -> None:
        self.key_id = ""
        self._pack_id = pack_id
        self._dimension = dimension
        self.branches: dict[str, feed_wire.Branch] = {}
        self.boxes: dict[str, feed_wire.Box] = {}
        self.cameras: dict[str, wire.Camera] = {}
        self.staff: dict[str, feed_wire.Staff] = {}
        self.card_views: dict[str, feed_wire.CardView] = {}
        self._to_city: dict[str, dict[str, Transform]] = {}
        self._raw_to_city: dict[str, Transform] = {}
        self._galleries: dict[str, CodeIndex] = {}
        self._place_of: dict[str, tuple[str, str]] = {}
        self._at_home: dict[str, set[str]] = {}
        self._roll_calls: Counter[str] = Counter()

    def apply(self, entries: Iterable[FeedEntry]) -> None:
        """Bring the picture up to date. Raises `BadMessage` or `BadVector` for a payload that cannot be used."""
        for entry in entries:
            before = self._standing(entry.key)
            self._forget(entry.kind, entry.key)
            if entry.payload is not None:
                self._learn(feed_wire.feed_payload(entry))
            if entry.kind is FeedKind.CARD_VIEW and before != (after := self._standing(entry.key)):
                self._roll_calls.update({before[0], after[0]})

    def staff_of(self, branch_id: str) -> list[feed_wire.Staff]:
        """Return everybody of a branch."""
        return [one for one in list(self.staff.values()) if one.branch_id == branch_id]

    def cameras_of(self, box_id: str) -> tuple[wire.Camera, ...]:
        """Return the cameras of a box, in the order of their ids."""
        mine = (camera for camera in list(self.cameras.values()) if camera.box_id == box_id)
        return tuple(sorted(mine, key=lambda camera: camera.camera_id))

    def at_home(self, branch_id: str) -> list[feed_wire.CardView]:
        """Return the customers of a branch who may be recognised."""
        known = (self.card_views.get(customer_id) for customer_id in list(self._at_home.get(branch_id, ())))
        return [view for view in known if view is not None]

    def roll_call(self, branch_id: str) -> int:
        """Return a number that grows whenever the answers of `at_home` and `vector_of` for a branch may differ."""
        return self._roll_calls[branch_id]

    def count_at_home(self, branch_id: str, galleries: Iterable[str]) -> int:
        """Return how many customers of a branch are in `galleries`."""
        searched = frozenset(galleries)
        return sum(view.gallery in searched for view in self.at_home(branch_id))

    def vector_of(self, view: feed_wire.CardView) -> Vector | None:
        """Return what a customer is searched by in his gallery: unit fp32 (d,) in the city's domain."""
        index = self._galleries.get(view.gallery)
        return index.vector_of(view.customer_id) if index else None

    def to_city(self, box_id: str, key_id: str) -> Transform:
        """Return the map from a box's domain `key_id` to the city's, fp32 (d, d). Raises `BoxKeyRetired`."""
        known = self._to_city.get(box_id, {}).get(key_id)
        if known is None:
            raise BoxKeyRetired(f"the key of box {box_id} was renewed; put the bundle that was issued last on it")
        return known

    def raw_to_city(self, box_id: str) -> Transform | None:
        """Return R_city, fp32 (d, d), if the province allows this box to send pictures."""
        return self._raw_to_city.get(box_id)

    def search(self, probe: Vector, galleries: Iterable[str]) -> tuple[Hit | None, int]:
        """Return the best identity for a unit probe of the city's domain, fp32 (d,), and the number of templates."""
        hits: list[Hit] = []
        templates = 0
        for name in galleries:
            index = self._galleries.get(name)
            if index is None:
                continue
            templates += index.count
            hit = index.search(probe[None, :])[0]
            if hit is not None and hit.customer_id in self.card_views:
                hits.append(hit)
        return best_of(hits), templates

    def _learn(self, thing: object) -> None:
        match thing:
            case feed_wire.Branch():
                self.branches[thing.branch_id] = thing
            case wire.Camera():
                self.cameras[thing.camera_id] = thing
            case feed_wire.Staff():
                self.staff[thing.staff_id] = thing
            case feed_wire.CardView():
                self.card_views[thing.customer_id] = thing
                self._at_home.setdefault(thing.home_branch_id, set()).add(thing.customer_id)
            case feed_wire.Box():
                maps = {key_id: decode_transform(raw, self._dimension) for key_id, raw in thing.to_city.items()}
                self._to_city[thing.box_id] = maps
                if thing.raw_to_city:
                    self._raw_to_city[thing.box_id] = decode_transform(thing.raw_to_city, self._dimension)
                self.boxes[thing.box_id] = thing
            case feed_wire.Template():
                self._learn_template(thing)

    def _learn_template(self, template: feed_wire.Template) -> None:
        if template.pack_id != self._pack_id:  # another pack's vectors compare with nothing here
            log.warning("template_of_other_pack", template_id=template.template_id, pack_id=template.pack_id)
            return
        index = self._galleries.setdefault(template.gallery, CodeIndex(self._dimension))
        index.add(template.template_id, template.customer_id, decode_template(template.vector, self._dimension))
        self._place_of[template.template_id] = template.gallery, template.customer_id
        self._roll_calls[self._standing(template.customer_id)[0]] += 1

    def _standing(self, customer_id: str) -> tuple[str, str, tuple[str, ...]]:
        """Return (home branch, gallery, purposes) of a customer; empty for one who is not known."""
        view = self.card_views.get(customer_id)
        return (view.home_branch_id, view.gallery, view.purposes) if view else ("", "", ())

    def _forget(self, kind: FeedKind, key: str) -> None:
        match kind:
            case FeedKind.BRANCH:
                self.branches.pop(key, None)
            case FeedKind.CAMERA:
                self.cameras.pop(key, None)
            case FeedKind.STAFF:
                self.staff.pop(key, None)
            case FeedKind.CARD_VIEW:
                view = self.card_views.pop(key, None)
                if view is not None:
                    self._at_home[view.home_branch_id].discard(key)
            case FeedKind.BOX:
                self.boxes.pop(key, None)
                self._to_city.pop(key, None)
                self._raw_to_city.pop(key, None)
            case FeedKind.TEMPLATE:
                place = self._place_of.pop(key, None)
                if place is not None:
                    gallery, customer_id = place
                    self._galleries[gallery].remove(key)
                    self._roll_calls[self._standing(customer_id)[0]] += 1
