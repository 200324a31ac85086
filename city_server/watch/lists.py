"""The watch lists in memory, each in a domain of its own, and the search of one look. Disposable, like `Memory`."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from yingbin import feed_wire
from yingbin.faces.scores import ScoreModel
from yingbin.feed_wire import FeedKind
from yingbin.galleries import decide
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.protect import Transform, Vector, apply, decode_template, decode_transform, normalise
from yingbin.log import get_logger
from yingbin.wire import Outcome

log = get_logger()


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found: entries, and whether a further look might find more."""

    entry_ids: tuple[str, ...] = ()
    undecided: bool = False


NOTHING = Looked()


@lru_cache(maxsize=256)
def _limit(model: ScoreModel, templates: int) -> float:
    return decide.threshold(model, templates)


class WatchLists:
    """Maps and entries as the feed has them. One index for a list and branch; branch empty: every branch."""

    def __init__(self, pack_id: str, dimension: int) -> None:
        self._pack_id = pack_id
        self._dimension = dimension
        self._lock = threading.Lock()
        self._from_city: dict[str, Transform] = {}
        self._indices: dict[tuple[str, str], CodeIndex] = {}
        self.maps: dict[str, feed_wire.WatchMap] = {}
        self.entries: dict[str, feed_wire.WatchEntry] = {}

    def learn(self, thing: feed_wire.WatchMap | feed_wire.WatchEntry) -> None:
        """Take in what the feed says. Raises `BadVector`."""
        if isinstance(thing, feed_wire.WatchMap):
            self._from_city[thing.watch_list] = decode_transform(thing.from_city, self._dimension)
            self.maps[thing.watch_list] = thing
        elif thing.pack_id != self._pack_id:
            log.warning("watch_entry_of_other_pack", entry_id=thing.entry_id, pack_id=thing.pack_id)
        else:
            vector = decode_template(thing.vector, self._dimension)
            with self._lock:
                index = self._indices.setdefault((thing.watch_list, thing.branch_id), CodeIndex(self._dimension))
                index.add(thing.entry_id, thing.entry_id, vector)
                self.entries[thing.entry_id] = thing

    def forget(self, kind: FeedKind, key: str) -> None:
        """Drop a map or an entry, if it is here."""
        if kind is FeedKind.WATCH_MAP:
            self._from_city.pop(key, None)
            self.maps.pop(key, None)
        elif kind is FeedKind.WATCH_ENTRY:
            with self._lock:
                entry = self.entries.pop(key, None)
                if entry is not None:
                    self._indices[entry.watch_list, entry.branch_id].remove(key)

    def look(
        self, probe: Vector, look: int, watch_lists: Iterable[str], branch_id: str, model: ScoreModel, at_ms: int
    ) -> Looked:
        """Compare a unit probe of the city's domain, fp32 (d,), with these lists. Expired orders count no more.

        Each list has the error budget of one search stage to itself: a stranger's track is told to somebody at most
        that often.
        """
        found, undecided = [], False
        for watch_list in watch_lists:
            from_city = self._from_city.get(watch_list)
            if from_city is None:
                continue
            there = normalise(apply(from_city, probe))
            for place in ("", branch_id):
                index = self._indices.get((watch_list, place))
                hit = index.search(there[None, :])[0] if index is not None and index.count else None
                if index is None or hit is None:
                    continue
                outcome = decide.judge(hit, _limit(model, index.count), look)
                entry = self.entries.get(hit.customer_id)
                if outcome is Outcome.MATCHED and entry is not None and at_ms < entry.valid_until_ms:
                    found.append(entry.entry_id)
                undecided |= outcome is Outcome.BETTER_SHOT
        return Looked(tuple(found), undecided)
