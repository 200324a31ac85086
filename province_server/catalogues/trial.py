"""A version tried before its release: what it would have offered at past visits, or would to a sample of the enrolled.

Counts only, by product; no row of a customer leaves this module.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Literal

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.cards import Cards
from province_server.catalogues.versions import existing, usable
from province_server.measuring.past_visits import PastVisits
from yingbin.errors import InvalidInput, NotAllowed
from yingbin.ids import now_ms
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.decision.context import Context
from yingbin.offers.decision.record import DecisionRecord
from yingbin.offers.learning.simulation import anew, simulate
from yingbin.offers.suitability import assessment_valid
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, TemplateLink

SAMPLE: Final = 1000
"""Visits, the newest; or customers, spread evenly over all who are enrolled."""
TriedOn = Literal["visits", "enrolled"]


class Shift(BaseModel):
    """Offers of one product over the sample: so many now and then; `gained` customers would have it who have not."""

    product: str = Field(examples=["time_deposit"])
    before: int = Field(examples=[310])
    after: int = Field(examples=[342])
    gained: int = Field(examples=[40])
    lost: int = Field(examples=[8])


class Trial(BaseModel):
    """What would change for `customers` (of visits: for so many visits).

    `changed` get other offers, `reordered` the same in another order.
    `unsuitable`: offers above the customer's tolerance or without a valid assessment, which must be 0 (C11).
    """

    tried_on: TriedOn = Field(examples=["visits"])
    customers: int = Field(examples=[1000])
    changed: int = Field(examples=[48])
    reordered: int = Field(examples=[12])
    without_offer_before: int = Field(examples=[0])
    without_offer_after: int = Field(examples=[0])
    unsuitable: int = Field(examples=[0])
    products: list[Shift]


class CatalogueTrial:
    """Decides for the same customers with both catalogues, all else being as it is now."""

    def __init__(self, database: Database, cards: Cards, past_visits: PastVisits) -> None:
        self._database = database
        self._cards = cards
        self._past_visits = past_visits

    def run(self, catalogue_id: str, of: TriedOn) -> Trial:
        """Compare a version with the one in force.

        Raises `NotFound`, `InvalidInput` (mistakes in it, or nobody to try it on).
        """
        with self._database.read() as session:
            tried = usable(existing(session, catalogue_id))
        records = list(self._past_visits.records(at_most=SAMPLE) if of == "visits" else self._enrolled())
        if not records:
            nobody = "there was no visit in the last 90 days: try it on the enrolled customers"
            raise InvalidInput(nobody if of == "visits" else "nobody is enrolled, so there is nobody to try it on")
        found = simulate(None, tried, records)
        shifts = [
            Shift(product=one.name, before=one.before, after=one.after, gained=one.gained, lost=one.lost)
            for one in found.by_product
        ]
        return Trial(
            tried_on=of,
            customers=found.visits,
            changed=found.changed,
            reordered=found.reordered,
            without_offer_before=found.without_offer_before,
            without_offer_after=found.without_offer_after,
            unsuitable=sum(unsuitable(record, tried) for record in records),
            products=shifts,
        )

    def _enrolled(self) -> Iterator[DecisionRecord]:
        at_ms = now_ms()
        with self._database.read() as session:
            for customer_id in _sample(session):
                context = Context(branch_id=session.get_one(CustomerRow, customer_id).home_branch_id)
                with suppress(NotAllowed):  # who may not be recognised now is not offered anything
                    yield self._cards.whole_decision(session, customer_id, context, at_ms)


def unsuitable(record: DecisionRecord, catalogue: Catalogue) -> int:
    """Return how many offers of a visit decided with `catalogue` do not suit, counted without the filter's own code."""
    made = record.inputs.made_from
    if made is None:
        return 0
    decided = anew(record, made, catalogue)
    view = decided.inputs.view
    valid = assessment_valid(view.risk_tolerance, view.risk_valid_until_ms, record.inputs.at_ms)
    offered = (catalogue.products[offer.product] for offer in decided.output.offers)
    return sum(one.risk_level > 0 and (not valid or one.risk_level > view.risk_tolerance) for one in offered)


def _sample(session: Session) -> list[str]:
    """Return up to `SAMPLE` enrolled customers, every n-th by id."""
    linked = select(TemplateLink.customer_id).where(TemplateLink.state == "linked").distinct().subquery()
    total = session.scalars(select(func.count()).select_from(linked)).one()
    place = func.row_number().over(order_by=linked.c.customer_id).label("place")
    numbered = select(linked.c.customer_id, place).subquery()
    chosen = select(numbered.c.customer_id).where(numbered.c.place % max(1, total // SAMPLE) == 0)
    return list(session.scalars(chosen.order_by(numbered.c.customer_id).limit(SAMPLE)))
