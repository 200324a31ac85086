"""Which bundle each box uses and when it was last seen, as its city says."""

from collections.abc import Sequence

from yingbin.errors import InvalidInput
from yingbin.report_wire import BundleInUse
from yingbin.storage.database import Database
from yingbin.storage.province import BoxRow, BranchRow
from yingbin.storage.statistics import BoxSeenRow

MAX_BUNDLES = 1000
_KEY_ID_LENGTH = 64


class BundleService:
    """Keeps the newest report of each box."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, city_id: str, bundles: Sequence[BundleInUse]) -> None:
        """Keep what a city says of its own boxes; what it says of others is ignored. Raises `InvalidInput`."""
        if len(bundles) > MAX_BUNDLES or any(len(one.key_id) > _KEY_ID_LENGTH for one in bundles):
            raise InvalidInput(f"at most {MAX_BUNDLES} bundles in a request, key ids of at most {_KEY_ID_LENGTH}")
        with self._database.write() as session:
            for one in bundles:
                row = session.get(BoxRow, one.box_id)
                branch = session.get(BranchRow, row.branch_id) if row else None
                if row is None or branch is None or branch.city_id != city_id:
                    continue
                if one.at_ms > row.connected_at_ms:
                    row.key_id_in_use, row.connected_at_ms = one.key_id, one.at_ms
                seen = session.get(BoxSeenRow, one.box_id)
                last_ms = max(one.at_ms, one.seen_at_ms, seen.last_seen_at_ms if seen else 0)
                session.merge(BoxSeenRow(box_id=one.box_id, last_seen_at_ms=last_ms))
