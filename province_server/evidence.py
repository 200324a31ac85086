"""What the cities' managers teach about strangers' scores: the best wrong cosine of a search here and N, never whose.

A match waits in memory for its outcome: a manager who asks for the portrait has confirmed the customer, so the next
identity was somebody else; "not this person" says that the best one was. `yingbin gallery calibrate` reads the scores.
"""

import threading

from yingbin.errors import YingbinError
from yingbin.galleries.decide import Hit
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import ImpostorScore

log = get_logger()


class Evidence:
    """Counts one search a city, customer and `keep_h` hours: the last before its outcome was known."""

    def __init__(self, database: Database, pack_id: str, keep_h: float) -> None:
        self._database = database
        self._pack_id = pack_id
        self._keep_ms = round(keep_h * 3_600_000)
        self._waiting: dict[tuple[str, str], tuple[int, Hit | None, int]] = {}
        self._lock = threading.Lock()

    def note(self, city_id: str, hit: Hit, templates: int) -> None:
        """Keep what a search for a city found among `templates` until its outcome is known."""
        now, pair = now_ms(), (city_id, hit.customer_id)
        with self._lock:
            self._waiting = {pair: one for pair, one in self._waiting.items() if one[0] > now}
            settled = pair in self._waiting and self._waiting[pair][1] is None
            if not settled:
                self._waiting[pair] = (now + self._keep_ms, hit, templates)

    def was_right(self, city_id: str, customer_id: str) -> None:
        """Settle a match, once: the next identity was somebody else."""
        hit, templates = self._settle(city_id, customer_id)
        if hit is not None and templates > 1:
            self._keep(hit.runner_up, templates - 1)

    def was_wrong(self, city_id: str, customer_id: str) -> None:
        """Settle a match, once: the best identity was somebody else."""
        hit, templates = self._settle(city_id, customer_id)
        if hit is not None:
            self._keep(hit.score, templates)

    def _settle(self, city_id: str, customer_id: str) -> tuple[Hit | None, int]:
        with self._lock:
            until_ms, hit, templates = self._waiting.get((city_id, customer_id), (0, None, 0))
            if hit is not None:
                self._waiting[city_id, customer_id] = (until_ms, None, 0)
        return hit, templates

    def _keep(self, score: float, templates: int) -> None:
        try:
            with self._database.write() as session:
                session.add(ImpostorScore(pack_id=self._pack_id, score=score, templates=templates))
        except YingbinError as error:  # who asks waits for something else
            log.warning("score_not_kept", code=error.code, error_id=error.error_id)
