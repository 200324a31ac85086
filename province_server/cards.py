"""What a city may see of a customer: only of one who is enrolled, which needs his consent (C1)."""

from datetime import datetime
from typing import Final

import msgspec
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.keys import Keys
from province_server.records import Id, Label
from yingbin.errors import NotAllowed, NotFound
from yingbin.feed_wire import CardView
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import GUARDIAN_AGE, CustomerRecord
from yingbin.offers.decision.contact_policy import Event, History, history
from yingbin.offers.profile import CHINA_TIME
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
    return customer.age_on(datetime.now(CHINA_TIME).date()) < GUARDIAN_AGE


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
    """Opens customers' records and makes card views of them."""

    def __init__(self, keys: Keys, catalogue: Catalogue) -> None:
        self._keys = keys
        self._catalogue = catalogue

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
        today = datetime.now(CHINA_TIME).date()
        contacts = self.contacts(session, customer_id)
        view = build_card_view(self.customer(session, customer_id), gallery, purposes, self._catalogue, today, contacts)
        return msgspec.structs.replace(view, purposes=tuple(sorted(AT_A_CAMERA & purposes)))

    def contacts(self, session: Session, customer_id: str) -> History:
        """Return what came of raising products with a customer lately, in every city."""
        newest = (
            select(OutcomeRow.kind, OutcomeRow.product, OutcomeRow.card_id, OutcomeRow.at_ms)
            .where(OutcomeRow.customer_id == customer_id)
            .order_by(OutcomeRow.at_ms.desc(), OutcomeRow.outcome_id)
            .limit(_NEWEST_OUTCOMES)
        )
        events = (Event(kind, product, card, at_ms) for kind, product, card, at_ms in session.execute(newest))
        return history(events, {code: product.category for code, product in self._catalogue.products.items()})
