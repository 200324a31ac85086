"""What a city may see of a customer: only of one who is enrolled, which needs his consent (C1)."""

import json
from datetime import date
from typing import Final

import msgspec
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from province_server.catalogues.in_force import InForce
from province_server.insights.facts import Facts
from province_server.keys import Keys
from province_server.measuring.policies import Policies
from province_server.records import LAST_MS, Id, Label
from yingbin.errors import NotAllowed, NotFound, Unavailable
from yingbin.feed_wire import Basis, CardView
from yingbin.offers.brain import BRAIN
from yingbin.offers.card import build_card_view, plain_card_view
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import GUARDIAN_AGE, CustomerRecord
from yingbin.offers.decision.contact_policy import Event, History, history
from yingbin.offers.decision.context import Context
from yingbin.offers.decision.record import DecisionRecord, record_whole
from yingbin.offers.insights.effects import SoftFact
from yingbin.offers.profile import china_day, china_today
from yingbin.storage.province import BranchRow, ConsentRow, CustomerRow, OutcomeRow, TemplateLink
from yingbin.trust.consent import AT_A_CAMERA, GALLERY_PURPOSE, Gallery, Purpose
from yingbin.trust.seal import SealBroken

_NEWEST_OUTCOMES: Final = 1000
"""Read of a customer; the contact policy looks back half a year."""


class Guardian(BaseModel):
    """Who consents for a child under 14, and the document that shows it (PIPL art. 31)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    full_name: Label
    relation: Label
    evidence: Label


class Customer(CustomerRecord):
    """A customer's record with his guardian, when he needs one."""

    customer_id: Id
    guardian: Guardian | None = None


class GuardianMissing(NotAllowed):
    """The customer is under 14 and his guardian is not recorded, or has not consented himself (C6)."""

    code = "guardian_missing"


def is_minor(customer: CustomerRecord) -> bool:
    """Return whether a guardian consents for this customer today, in China."""
    return customer.age_on(china_today()) < GUARDIAN_AGE


def require_guardian(customer: Customer) -> None:
    """Raise `GuardianMissing` for a customer under 14 without a guardian (C6)."""
    if is_minor(customer) and customer.guardian is None:
        raise GuardianMissing(f"a customer under {GUARDIAN_AGE} needs a `guardian`, who consents for him")


def needed_for(gallery: Gallery) -> frozenset[Purpose]:
    """Return the consents without which no template may be in a gallery of the province.

    Watch lists are no galleries: there the basis is a written order, never consent (`province_server.watch`).
    """
    return frozenset({GALLERY_PURPOSE[gallery], Purpose.CENTRAL_STORAGE})


def consents_in_force(session: Session, customer_id: str) -> frozenset[Purpose]:
    """Return the purposes a customer consents to now."""
    rows = session.scalars(
        select(ConsentRow.purpose).where(ConsentRow.customer_id == customer_id, ConsentRow.withdrawn_at_ms.is_(None))
    )
    return frozenset(Purpose(purpose) for purpose in rows)


def gallery_of(session: Session, customer_id: str) -> Gallery | None:
    """Return the gallery a customer's searchable templates are in, None when he has none."""
    linked = (TemplateLink.customer_id == customer_id, TemplateLink.state == "linked")
    found = session.scalars(select(TemplateLink.gallery).where(*linked).limit(1)).first()
    return Gallery(found) if found else None


def city_of(session: Session, branch_id: str) -> str:
    """Return the city a branch belongs to."""
    return session.scalars(select(BranchRow.city_id).where(BranchRow.branch_id == branch_id)).one()


class Cards:
    """Opens customers' records and makes card views of them, with the catalogue in force."""

    def __init__(
        self, keys: Keys, catalogue: InForce, policies: Policies | None = None, facts: Facts | None = None
    ) -> None:
        self._keys = keys
        self._facts = facts
        self._catalogue = catalogue
        self._policies = policies

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self._catalogue.newest

    def customer(self, session: Session, customer_id: str) -> Customer:
        """Return the record, in a session for reading. Raises `NotFound`."""
        try:
            record = self._record(session, customer_id)
        except SealBroken:  # the key was renewed since this session began: look at the row as it is now
            session.rollback()
            record = self._record(session, customer_id)
        return Customer.model_validate_json(record)

    def _record(self, session: Session, customer_id: str) -> bytes:
        row = session.get(CustomerRow, customer_id)
        if row is None:
            raise NotFound(f"there is no customer {customer_id}")
        return self._keys.open_record(customer_id, row.record_sealed)

    def card_view(self, session: Session, customer_id: str) -> CardView | None:
        """Return the card view as of now, None for somebody who may not be recognised."""
        gallery = gallery_of(session, customer_id)
        purposes = consents_in_force(session, customer_id)
        if gallery is None or not needed_for(gallery) <= purposes:
            return None
        try:
            view = self._decided(session, customer_id, gallery, purposes)
        except (DBAPIError, Unavailable, NotFound, SealBroken):  # the store, not the brain
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a record or the catalogue
            BRAIN.failed("card_view", error, customer_id=customer_id)
            view = self._plain(session, customer_id, gallery, purposes)
        return msgspec.structs.replace(view, purposes=tuple(sorted(AT_A_CAMERA & purposes)))

    def whole_decision(self, session: Session, customer_id: str, context: Context, at_ms: int) -> DecisionRecord:
        """Decide as for a visit now, with a reason for every product. Raises `NotFound`, `NotAllowed`."""
        customer = self.customer(session, customer_id)
        gallery, purposes = gallery_of(session, customer_id), consents_in_force(session, customer_id)
        if gallery is None or not needed_for(gallery) <= purposes:
            raise NotAllowed("this customer may not be recognised, so no visit of his is decided")
        catalogue, contacts, basis, learned, soft = self._inputs(session, customer, china_day(at_ms))
        return record_whole(customer, gallery, purposes, catalogue, context, at_ms, contacts, learned, basis, soft)

    def _decided(self, session: Session, customer_id: str, gallery: Gallery, purposes: frozenset[Purpose]) -> CardView:
        today, record = china_today(), self.customer(session, customer_id)
        catalogue, contacts, basis, learned, soft = self._inputs(session, record, today)
        return build_card_view(record, gallery, purposes, catalogue, today, contacts, learned, basis, soft)

    def _inputs(
        self, session: Session, record: Customer, today: date
    ) -> tuple[Catalogue, History, Basis, dict[str, float], tuple[SoftFact, ...]]:
        """Return what a decision looks at beside the record."""
        catalogue, contacts = self._catalogue(session), self.contacts(session, record.customer_id)
        basis, learned = Basis(), dict[str, float]()
        if self._policies is not None:
            basis, learned = self._policies.of(record.customer_id, record.profile, catalogue, today)
        return catalogue, contacts, basis, learned, self.soft_facts(session, record.customer_id, today)

    def _plain(self, session: Session, customer_id: str, gallery: Gallery, purposes: frozenset[Purpose]) -> CardView:
        """Return face and name, with the list for everybody if there is one: the brain has failed (DESIGN 9)."""
        said = json.loads(self._record(session, customer_id))
        branch_id = session.get_one(CustomerRow, customer_id).home_branch_id
        return plain_card_view(customer_id, said, branch_id, gallery, purposes, self._catalogue.last_good)

    def soft_facts(self, session: Session, customer_id: str, day: date) -> tuple[SoftFact, ...]:
        """Return what insights say of a customer on a day in China, as offers may use it (C14)."""
        return self._facts.soft_facts(session, customer_id, day) if self._facts else ()

    def contacts(self, session: Session, customer_id: str, before_ms: int = LAST_MS) -> History:
        """Return what came of raising products with a customer lately, in every city; or lately before an instant."""
        newest = (
            select(OutcomeRow.kind, OutcomeRow.product, OutcomeRow.card_id, OutcomeRow.at_ms)
            .where(OutcomeRow.customer_id == customer_id, OutcomeRow.at_ms < before_ms)
            .order_by(OutcomeRow.at_ms.desc(), OutcomeRow.outcome_id)
            .limit(_NEWEST_OUTCOMES)
        )
        events = (Event(kind, product, card, at_ms) for kind, product, card, at_ms in session.execute(newest))
        products = self._catalogue(session).products
        return history(events, {code: product.category for code, product in products.items()})
