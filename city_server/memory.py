"""What the city knows, in memory: the directory of things and one index a gallery. Disposable."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec
import numpy as np

from city_server.card_views import CardViews
from city_server.watch.lists import WatchLists
from yingbin import feed_wire, wire
from yingbin.errors import NotAllowed
from yingbin.feed_wire import FeedEntry, FeedKind
from yingbin.galleries import snapshot
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.decide import Hit, best_of
from yingbin.galleries.protect import Transform, Vector, decode_template, decode_transform
from yingbin.log import get_logger

log = get_logger()
_THINGS: Final = ""
"""The name, in a snapshot, of all that is no gallery."""
_AT_ONCE: Final = 200


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

    def __init__(self, pack_id: str, dimension: int, key_id: str = "") -> None:
        self.key_id = key_id
        self._pack_id = pack_id
        self._dimension = dimension
        self.branches: dict[str, feed_wire.Branch] = {}
        self.boxes: dict[str, feed_wire.Box] = {}
        self.cameras: dict[str, wire.Camera] = {}
        self.staff: dict[str, feed_wire.Staff] = {}
        self.card_views = CardViews()
        self._to_city: dict[str, dict[str, Transform]] = {}
        self._raw_to_city: dict[str, Transform] = {}
        self._galleries: dict[str, CodeIndex] = {}
        self.watch = WatchLists(pack_id, dimension)
        self._at_home: dict[str, dict[str, str]] = {}
        self._roll_calls: Counter[str] = Counter()

    def apply(self, entries: Iterable[FeedEntry]) -> None:
        """Bring the picture up to date. Raises `BadMessage` or `BadVector` for a payload that cannot be used.

        Taking in again what it has already changes nothing.
        """
        templates: dict[str, feed_wire.Template] = {}
        for entry in entries:
            if entry.kind is FeedKind.GUEST_VIEW:  # for open cards alone
                continue
            before = self._standing(entry.key)
            self._forget(entry.kind, entry.key)
            if entry.kind is FeedKind.TEMPLATE:
                templates.pop(entry.key, None)
            thing = None if entry.payload is None else feed_wire.feed_payload(entry)
            if isinstance(thing, feed_wire.Template):
                templates[entry.key] = thing
            elif thing is not None:
                self._learn(thing)
            if entry.kind is FeedKind.CARD_VIEW and before != (after := self._standing(entry.key)):
                self._roll_calls.update({before[0], after[0]})
        self._learn_templates(templates.values())

    def snapshot(self, closing: Callable[[FeedEntry], FeedEntry]) -> Iterator[bytes | memoryview]:
        """Yield everything as `restore` takes it. Use each chunk before the next; nobody may write meanwhile.

        `closing` makes of an entry of the feed what is stored of it.
        """
        indices = ((name, index.snapshot()) for name, index in self._galleries.items())
        return snapshot.named([(_THINGS, self._things(closing)), *indices])

    def restore(self, chunks: Iterator[bytes], opening: Callable[[FeedEntry], FeedEntry]) -> None:
        """Take in what `snapshot` of such a memory yielded, when empty; `opening` undoes `closing`.

        Raises `SnapshotUnusable` or `BadMessage`, and what `opening` raises.
        """
        for name, part in snapshot.by_name(chunks):
            if name == _THINGS:
                for chunk in part:
                    for entry in snapshot.decode(chunk, list[FeedEntry]):
                        if entry.kind is FeedKind.CARD_VIEW and entry.payload is not None:
                            standing = self.card_views.put(entry.key, entry.payload)
                            self._at_home.setdefault(standing.home_branch_id, {})[entry.key] = standing.gallery
                        else:
                            self._learn(feed_wire.feed_payload(opening(entry)))
            else:
                self._galleries[name] = CodeIndex(self._dimension)
                self._galleries[name].restore(part)

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
        return sum(gallery in searched for gallery in list(self._at_home.get(branch_id, {}).values()))

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
                self._at_home.setdefault(thing.home_branch_id, {})[thing.customer_id] = thing.gallery
            case feed_wire.WatchMap() | feed_wire.WatchEntry():
                self.watch.learn(thing)
            case feed_wire.Box():
                maps = {key_id: decode_transform(raw, self._dimension) for key_id, raw in thing.to_city.items()}
                self._to_city[thing.box_id] = maps
                if thing.raw_to_city:
                    self._raw_to_city[thing.box_id] = decode_transform(thing.raw_to_city, self._dimension)
                self.boxes[thing.box_id] = thing

    def _learn_templates(self, templates: Iterable[feed_wire.Template]) -> None:
        of_gallery: dict[str, list[feed_wire.Template]] = {}
        for template in templates:
            if template.pack_id == self._pack_id:
                of_gallery.setdefault(template.gallery, []).append(template)
            else:  # another pack's vectors compare with nothing here
                log.warning("template_of_other_pack", template_id=template.template_id, pack_id=template.pack_id)
        for gallery, some in of_gallery.items():
            index = self._galleries.setdefault(gallery, CodeIndex(self._dimension))
            vectors = np.stack([decode_template(template.vector, self._dimension) for template in some])
            index.add_many([one.template_id for one in some], [one.customer_id for one in some], vectors)
            self._roll_calls.update(self._standing(template.customer_id)[0] for template in some)

    def _things(self, closing: Callable[[FeedEntry], FeedEntry]) -> Iterator[bytes]:
        """Yield the directory, some entries of the feed at a time."""
        kinds: tuple[tuple[FeedKind, Mapping[str, msgspec.Struct]], ...] = (
            (FeedKind.BRANCH, self.branches), (FeedKind.CAMERA, self.cameras), (FeedKind.STAFF, self.staff),
            (FeedKind.BOX, self.boxes),
            (FeedKind.WATCH_MAP, self.watch.maps), (FeedKind.WATCH_ENTRY, self.watch.entries),
        )  # fmt: skip
        encoded = (FeedEntry(0, kind, key, wire.encode(one)) for kind, things in kinds for key, one in things.items())
        views = (FeedEntry(0, FeedKind.CARD_VIEW, key, payload) for key, payload in self.card_views.payloads())
        entries = itertools.chain(encoded, views)
        while some := list(map(closing, itertools.islice(entries, _AT_ONCE))):
            yield msgspec.msgpack.encode(some)

    def _standing(self, customer_id: str) -> tuple[str, str, tuple[str, ...]]:
        """Return (home branch, gallery, purposes) of a customer; empty for one who is not known."""
        known = self.card_views.standing(customer_id)
        return (known.home_branch_id, known.gallery, known.purposes) if known else ("", "", ())

    def _forget(self, kind: FeedKind, key: str) -> None:
        match kind:
            case FeedKind.BRANCH:
                self.branches.pop(key, None)
            case FeedKind.CAMERA:
                self.cameras.pop(key, None)
            case FeedKind.STAFF:
                self.staff.pop(key, None)
            case FeedKind.WATCH_MAP | FeedKind.WATCH_ENTRY:
                self.watch.forget(kind, key)
            case FeedKind.CARD_VIEW:
                standing = self.card_views.standing(key)
                if standing is not None:
                    del self.card_views[key]
                    del self._at_home[standing.home_branch_id][key]
            case FeedKind.BOX:
                self.boxes.pop(key, None)
                self._to_city.pop(key, None)
                self._raw_to_city.pop(key, None)
            case FeedKind.TEMPLATE:
                for index in self._galleries.values():
                    customer_id = index.owner_of(key)
                    if customer_id is not None:
                        index.remove(key)
                        self._roll_calls[self._standing(customer_id)[0]] += 1
