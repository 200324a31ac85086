"""What the city knows, in memory: the directory of things and one index a gallery. Disposable."""

import hashlib
from collections.abc import Iterable

import msgspec

from yingbin import wire
from yingbin.galleries.decide import Hit
from yingbin.galleries.index import FlatIndex
from yingbin.galleries.protect import Transform, Vector, decode_template, decode_transform
from yingbin.log import get_logger
from yingbin.wire import FeedEntry, FeedKind

log = get_logger()


def checksum(entries: tuple[FeedEntry, ...]) -> bytes:
    """Return SHA-256 over the msgpack of `entries`, as `FeedPage.checksum` holds it."""
    return hashlib.sha256(msgspec.msgpack.encode(entries)).digest()


class Memory:
    """One consistent picture of the feed. `apply` may run in a worker thread while others read."""

    def __init__(self, pack_id: str, dimension: int) -> None:
        self._pack_id = pack_id
        self._dimension = dimension
        self.branches: dict[str, wire.Branch] = {}
        self.boxes: dict[str, wire.Box] = {}
        self.cameras: dict[str, wire.Camera] = {}
        self.staff: dict[str, wire.Staff] = {}
        self.card_views: dict[str, wire.CardView] = {}
        self._to_city: dict[str, Transform] = {}
        self._raw_to_city: dict[str, Transform] = {}
        self._galleries: dict[str, FlatIndex] = {}
        self._gallery_of: dict[str, str] = {}

    def apply(self, entries: Iterable[FeedEntry]) -> None:
        """Bring the picture up to date. Raises `BadMessage` or `BadVector` for a payload that cannot be used."""
        for entry in entries:
            self._forget(entry.kind, entry.key)
            if entry.payload is not None:
                self._learn(wire.feed_payload(entry))

    def staff_of(self, branch_id: str) -> list[wire.Staff]:
        """Return everybody of a branch."""
        return [one for one in list(self.staff.values()) if one.branch_id == branch_id]

    def cameras_of(self, box_id: str) -> tuple[wire.Camera, ...]:
        """Return the cameras of a box, in the order of their ids."""
        mine = (camera for camera in list(self.cameras.values()) if camera.box_id == box_id)
        return tuple(sorted(mine, key=lambda camera: camera.camera_id))

    def to_city(self, box_id: str) -> Transform:
        """Return the map from a box's domain to the city's, fp32 (d, d). Raises `KeyError`."""
        return self._to_city[box_id]

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
        return _best(hits), templates

    def _learn(self, thing: object) -> None:
        match thing:
            case wire.Branch():
                self.branches[thing.branch_id] = thing
            case wire.Camera():
                self.cameras[thing.camera_id] = thing
            case wire.Staff():
                self.staff[thing.staff_id] = thing
            case wire.CardView():
                self.card_views[thing.customer_id] = thing
            case wire.Box():
                self._to_city[thing.box_id] = decode_transform(thing.to_city, self._dimension)
                if thing.raw_to_city:
                    self._raw_to_city[thing.box_id] = decode_transform(thing.raw_to_city, self._dimension)
                self.boxes[thing.box_id] = thing
            case wire.Template():
                self._learn_template(thing)

    def _learn_template(self, template: wire.Template) -> None:
        if template.pack_id != self._pack_id:  # another pack's vectors compare with nothing here
            log.warning("template_of_other_pack", template_id=template.template_id, pack_id=template.pack_id)
            return
        index = self._galleries.setdefault(template.gallery, FlatIndex(self._dimension))
        index.add(template.template_id, template.customer_id, decode_template(template.vector, self._dimension))
        self._gallery_of[template.template_id] = template.gallery

    def _forget(self, kind: FeedKind, key: str) -> None:
        match kind:
            case FeedKind.BRANCH:
                self.branches.pop(key, None)
            case FeedKind.CAMERA:
                self.cameras.pop(key, None)
            case FeedKind.STAFF:
                self.staff.pop(key, None)
            case FeedKind.CARD_VIEW:
                self.card_views.pop(key, None)
            case FeedKind.BOX:
                self.boxes.pop(key, None)
                self._to_city.pop(key, None)
                self._raw_to_city.pop(key, None)
            case FeedKind.TEMPLATE:
                gallery = self._gallery_of.pop(key, None)
                if gallery is not None:
                    self._galleries[gallery].remove(key)


def _best(hits: list[Hit]) -> Hit | None:
    """Fuse one hit a gallery: the best identity, and the best score of anybody else."""
    if not hits:
        return None
    best = max(hits, key=lambda hit: hit.score)
    others = [hit.score for hit in hits if hit.customer_id != best.customer_id]
    return Hit(best.customer_id, best.score, max([best.runner_up, *others]))
