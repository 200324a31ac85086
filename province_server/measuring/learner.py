"""The chore between trainings: what the log says of each product moves its propensity, once a day at most."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from province_server.cards import Cards
from province_server.measuring.items import Days, items
from province_server.measuring.policies import Policies
from yingbin.errors import NotFound
from yingbin.ids import now_ms
from yingbin.offers.learning.learned import Move, differs, learn, propensities
from yingbin.offers.learning.posterior import Forgetting, Impression
from yingbin.offers.profile import china_today
from yingbin.storage.database import Database

EVERY_S: Final = 3600.0
DAY_MS: Final = 86_400_000
_LOOK_BACK_MS: Final = 400 * DAY_MS
_SAMPLE: Final = 2_000
"""Customers whose rules are looked at to know what the rules expected."""


class Learner:
    """Learns from who was shown what by a policy of persons; the general list says nothing of them."""

    def __init__(self, database: Database, cards: Cards, policies: Policies, forgetting: Forgetting) -> None:
        self._database = database
        self._cards = cards
        self._policies = policies
        self._forgetting = forgetting

    def job(self) -> None:
        """Learn, begin and end experiments, and send what changed."""
        at_ms = now_ms()
        moves = self._policies.moves
        if at_ms - self._policies.learned_at_ms >= DAY_MS:
            found = self.learned(at_ms)
            if differs(moves, found):
                moves = found
        self._policies.settle(moves)
        self._policies.announce()

    def learned(self, at_ms: int) -> dict[str, Move]:
        """Return what the log says by `at_ms` (UTC ms)."""
        seen = items(Days(at_ms - _LOOK_BACK_MS, at_ms + DAY_MS)).c
        day = seen.at_ms // DAY_MS  # one object: PostgreSQL must see the same parameter in both places
        by_day = (
            select(seen.product, day, func.count(), func.sum(seen.taken))
            .where(seen.personal == 1)
            .group_by(seen.product, day)
        )
        lately = (
            select(seen.customer_id).where(seen.personal == 1).group_by(seen.customer_id)
            .order_by(func.max(seen.at_ms).desc(), seen.customer_id).limit(_SAMPLE)
        )  # fmt: skip
        impressions: defaultdict[str, list[Impression]] = defaultdict(list)
        with self._database.read() as session:
            for product, on_day, shown, taken in session.execute(by_day):
                impressions[product].append(Impression(int(on_day) * DAY_MS, int(taken), int(shown)))
            sample = session.scalars(lately).all() if impressions else []
            expected = self._expected(sample)
        return learn(expected, impressions, at_ms, self._forgetting)

    def _expected(self, sample: Sequence[str]) -> dict[str, float]:
        """Return the rules' mean propensity of each product, over those of the sample whom they offer it."""
        today = china_today()
        found: defaultdict[str, list[float]] = defaultdict(list)
        with self._database.read() as session:
            for customer_id in sample:
                try:
                    profile = self._cards.customer(session, customer_id).profile
                except NotFound:  # erased since
                    continue
                for product, propensity in propensities(profile, self._cards.catalogue, today).items():
                    found[product].append(propensity)
        return {product: sum(values) / len(values) for product, values in found.items()}
