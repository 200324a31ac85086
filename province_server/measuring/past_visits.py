"""Past visits as whole decision records, for trying a changed catalogue on them before it is released.

What came of a visit is stored, what it was decided from is not: the record says the visit's day, branch and policy, and
the customer as his record is now. So old and new catalogue are compared on the same, present customers.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from province_server.cards import Cards, consents_in_force, gallery_of
from province_server.measuring.items import Days, visits
from province_server.measuring.policies import Policies
from yingbin.errors import NotFound
from yingbin.ids import now_ms
from yingbin.offers.decision.context import Context
from yingbin.offers.decision.record import DecisionRecord, record_whole
from yingbin.offers.profile import china_day
from yingbin.storage.database import Database

MAX_VISITS: Final = 5_000
_DAY_MS: Final = 86_400_000


class PastVisits:
    """Makes records of the visits whose policy is known."""

    def __init__(self, database: Database, cards: Cards, policies: Policies) -> None:
        self._database = database
        self._cards = cards
        self._policies = policies

    def records(self, days: int = 90, at_most: int = MAX_VISITS) -> Iterator[DecisionRecord]:
        """Yield the newest visits of the last `days`, decided with the catalogue in force; the holdout is left out.

        For `yingbin.offers.learning.simulation.simulate`. Of somebody who was erased, or may not be recognised any
        more, nothing is yielded.
        """
        at_ms = now_ms()
        visit = visits(Days(at_ms - days * _DAY_MS, at_ms + _DAY_MS)).c
        newest = (
            select(visit.customer_id, visit.branch_id, visit.at_ms)
            .where(visit.holdout == 0).order_by(visit.at_ms.desc(), visit.card_id).limit(at_most)
        )  # fmt: skip
        with self._database.read() as session:
            found = session.execute(newest).all()
        for customer_id, branch_id, seen_ms in found:
            record = self._record(customer_id, branch_id, seen_ms)
            if record is not None:
                yield record

    def _record(self, customer_id: str, branch_id: str, at_ms: int) -> DecisionRecord | None:
        with self._database.read() as session:
            try:
                customer = self._cards.customer(session, customer_id)
            except NotFound:
                return None
            gallery, purposes = gallery_of(session, customer_id), consents_in_force(session, customer_id)
            contacts = self._cards.contacts(session, customer_id, before_ms=at_ms)
            soft = self._cards.soft_facts(session, customer_id, china_day(at_ms))
        if gallery is None:
            return None
        catalogue = self._cards.catalogue
        basis, learned = self._policies.of(customer_id, customer.profile, catalogue, china_day(at_ms))
        context = Context(branch_id=branch_id)
        return record_whole(customer, gallery, purposes, catalogue, context, at_ms, contacts, learned, basis, soft)
