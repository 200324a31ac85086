"""Consent, one row a purpose (C1). Withdrawing what enrolment rests on removes the templates at once (C5)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.auth import Gate
from province_server.campaigns.candidates import strike
from province_server.cards import Cards, GuardianMissing, consents_in_force, gallery_of, is_minor, needed_for
from province_server.erasures import Erasure, Erasures
from province_server.feed import Notifier
from province_server.insights.facts import Facts
from province_server.lifecycle.receipts import Deleted, Receipt, Receipts, Withdrawn
from province_server.portraits.store import PortraitStore
from province_server.records import After, Body, Id, Label, Limit, next_cursor
from province_server.vault import TemplateVault
from yingbin.errors import NotFound
from yingbin.ids import new_id, now_ms
from yingbin.offers.profile import china_today
from yingbin.storage.database import Database
from yingbin.storage.province import ConsentRow, CustomerRow
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role, StaffToken


class Grant(Body):
    """Which notice the customer was shown, and what proves his consent (a document's id, say)."""

    notice_version: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    evidence: Label
    by_guardian: bool = Field(default=False, description="the guardian consented; needed under 14 (C6)")


class ConsentOut(BaseModel):
    """One consent: in force until `withdrawn_at_ms`."""

    consent_id: str
    purpose: Purpose
    notice_version: str
    evidence: str
    by_guardian: bool
    granted_by: str
    granted_at_ms: int
    withdrawn_at_ms: int | None


class ConsentPage(BaseModel):
    """A customer's consents in the order they were given, withdrawn ones too."""

    items: list[ConsentOut]
    next: str | None


class ConsentService:
    """Records consent and withdrawal; the history stays."""

    def __init__(
        self,
        database: Database,
        cards: Cards,
        vault: TemplateVault,
        notifier: Notifier,
        erasures: Erasures,
        receipts: Receipts,
        portraits: PortraitStore,
        facts: Facts,
    ) -> None:
        self._database = database
        self._cards = cards
        self._erasures = erasures
        self._vault = vault
        self._notifier = notifier
        self._receipts = receipts
        self._portraits = portraits
        self._facts = facts

    def grant(self, customer_id: str, purpose: Purpose, grant: Grant, staff_id: str) -> None:
        """Record consent; under the same notice again it changes nothing. Raises `NotFound`, `GuardianMissing`."""
        with self._vault.lock, self._database.write() as session:
            city_id = self.enter(session, customer_id, purpose, grant, staff_id)
        if city_id:
            self._notifier.wake(city_id)

    def enter(self, session: Session, customer_id: str, purpose: Purpose, grant: Grant, staff_id: str) -> str | None:
        """Record consent in the caller's transaction, who holds the vault's lock; return the city to wake, if any.

        Raises as `grant`.
        """
        _lock(session, customer_id)
        if is_minor(self._cards.customer(session, customer_id)) and not grant.by_guardian:
            raise GuardianMissing("a customer under 14 cannot consent himself: his guardian has to, `by_guardian`")
        present = _in_force(session, customer_id, purpose)
        if present is not None and present.notice_version == grant.notice_version:
            return None
        if present is not None:
            present.withdrawn_at_ms = now_ms()
            session.flush()
        session.add(
            ConsentRow(
                consent_id=new_id(),
                customer_id=customer_id,
                purpose=purpose,
                notice_version=grant.notice_version,
                evidence=grant.evidence,
                by_guardian=grant.by_guardian,
                granted_by=staff_id,
                granted_at_ms=now_ms(),
                withdrawn_at_ms=None,
            )
        )
        session.flush()
        return self._vault.publish_card(session, customer_id) if gallery_of(session, customer_id) else None

    def withdraw(
        self,
        customer_id: str,
        purposes: Sequence[Purpose],
        staff_id: str,
        number: int | None = None,
        receipt_id: str = "",
    ) -> str:
        """Withdraw consents in one step; safe to repeat. Return the receipt's id.

        `number` and `receipt_id`: of the log of erasures, if it comes from there. Raises `NotFound`.
        """
        cities: list[str] = []
        with self._vault.lock:
            with self._database.write() as session:
                row = _lock(session, customer_id)
                receipt_id = receipt_id or new_id()
                given = [one for p in purposes if (one := _in_force(session, customer_id, p)) is not None]
                for one in given:
                    one.withdrawn_at_ms = now_ms()
                session.flush()
                gallery = gallery_of(session, customer_id)
                ends = gallery is not None and not needed_for(gallery).isdisjoint(purposes)
                templates = 0
                if ends:
                    templates = self._vault.erase(session, customer_id)
                    cities = self._vault.recall(session, customer_id)
                elif gallery is not None:
                    cities = self._vault.publish_everywhere(session, customer_id)
                deleted = deleted_templates(templates)
                if self._portraits.restrict(session, customer_id, consents_in_force(session, customer_id)):
                    deleted.append(Deleted(what="portrait", where="identity_store", count=1))
                if Purpose.MARKETING in purposes and strike(session, customer_id):
                    deleted.append(Deleted(what="list", where="identity_store", count=1))
                ended = self._facts.withdrawn(session, customer_id, china_today())
                if ended.facts:
                    deleted.append(Deleted(what="insight", where="identity_store", count=ended.facts))
                also = self._vault.publish_others(session, ended.others)
                withdrawn = Withdrawn(customer_id, purposes, False, deleted, staff_id, receipt_id)
                self._receipts.issue(session, withdrawn, cities, row.home_branch_id)
                for one in given:
                    erasure = Erasure(customer_id, one.purpose, receipt_id=receipt_id)
                    self._erasures.note(session, erasure, number)
            if ends:
                self._vault.forget(customer_id)
        for city_id in {*cities, *also}:
            self._notifier.wake(city_id)
        return receipt_id

    def page(self, customer_id: str, after: str, limit: int) -> list[ConsentRow]:
        """Return a customer's consents by id, which is by time. Raises `NotFound`."""
        with self._database.read() as session:
            if session.get(CustomerRow, customer_id) is None:
                raise NotFound(f"there is no customer {customer_id}")
            found = select(ConsentRow).where(ConsentRow.customer_id == customer_id, ConsentRow.consent_id > after)
            return list(session.scalars(found.order_by(ConsentRow.consent_id).limit(limit)))


def deleted_templates(templates: int) -> list[Deleted]:
    """Return what went with so many templates. What the cities held of visits is not counted."""
    if not templates:
        return []
    return [
        Deleted(what="template_key", where="identity_store", count=templates),
        Deleted(what="template", where="template_store", count=templates),
        Deleted(what="template", where="cities", count=templates),
        Deleted(what="visit", where="cities", count=None),
    ]


def _lock(session: Session, customer_id: str) -> CustomerRow:
    row = session.get(CustomerRow, customer_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no customer {customer_id}")
    return row


def _in_force(session: Session, customer_id: str, purpose: Purpose) -> ConsentRow | None:
    return session.scalars(
        select(ConsentRow).where(
            ConsentRow.customer_id == customer_id,
            ConsentRow.purpose == purpose,
            ConsentRow.withdrawn_at_ms.is_(None),
        )
    ).one_or_none()


def routes(consents: ConsentService, receipts: Receipts, gate: Gate) -> APIRouter:
    """Return the routes of consents."""
    router = APIRouter(prefix="/v1/customers/{customer_id}/consents", tags=["consents"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))

    @router.get("", dependencies=[enroller])
    def list_consents(customer_id: Id, after: After = "", limit: Limit = 50) -> ConsentPage:
        """List what a customer consented to, when, under which notice, and what he withdrew."""
        rows = consents.page(customer_id, after, limit)
        items = [ConsentOut.model_validate(row, from_attributes=True) for row in rows]
        return ConsentPage(items=items, next=next_cursor([item.consent_id for item in items], limit))

    @router.put("/{purpose}", status_code=204)
    def grant_consent(customer_id: Id, purpose: Purpose, body: Grant, who: Annotated[StaffToken, enroller]) -> None:
        """Record that the customer consents to one purpose."""
        consents.grant(customer_id, purpose, body, who.staff_id)

    @router.delete("/{purpose}", status_code=204)
    def withdraw_consent(
        customer_id: Id, purpose: Purpose, who: Annotated[StaffToken, enroller], response: Response
    ) -> None:
        """Record that the customer withdraws; what rests on it ends at once. `Location` names the receipt."""
        receipt_id = consents.withdraw(customer_id, [purpose], who.staff_id)
        response.headers["Location"] = f"/v1/receipts/{receipt_id}"

    @router.delete("")
    def withdraw_all(customer_id: Id, who: Annotated[StaffToken, enroller]) -> Receipt:
        """Withdraw every purpose at once; answers with the receipt."""
        return receipts.get(consents.withdraw(customer_id, list(Purpose), who.staff_id))

    return router
