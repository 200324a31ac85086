"""Which bundle each box connected with last, until the province knows: it shows who may finish a box's renewal when."""

from collections.abc import Sequence

from yingbin.feed_wire import BundleInUse
from yingbin.ids import now_ms


class Bundles:
    """In memory: after a restart of the city every box connects again."""

    def __init__(self) -> None:
        self._untold: dict[str, BundleInUse] = {}

    def connected(self, box_id: str, key_id: str) -> None:
        """Note a connection."""
        self._untold[box_id] = BundleInUse(box_id, key_id, now_ms())

    def untold(self) -> list[BundleInUse]:
        """Return what the province does not know yet."""
        return list(self._untold.values())

    def told(self, bundles: Sequence[BundleInUse]) -> None:
        """Note that the province has these; a later connection of the same box still waits."""
        for one in bundles:
            if self._untold.get(one.box_id) == one:
                del self._untold[one.box_id]
