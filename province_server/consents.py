"""Consent, one row a purpose (C1). Withdrawing what enrolment rests on removes the templates at once (C5)."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.auth import Gate
from province_server.cards import gallery_of, needed_for
from province_server.erasures import Erasure, Erasures
from province_server.feed import Notifier
from province_server.records import Body, Id, Label
from province_server.vault import TemplateVault
from yingbin.errors import NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.province import ConsentRow, CustomerRow
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role, StaffToken


class Grant(Body):
    """Which notice the customer was shown, and what proves his consent (a document's id, say)."""

    notice_version: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    evidence: Label


class ConsentService:
    """Records consent and withdrawal; the history stays."""

    def __init__(self, database: Database, vault: TemplateVault, notifier: Notifier, erasures: Erasures) -> None:
        self._database = database
        self._erasures = erasures
        self._vault = vault
        self._notifier = notifier

    def grant(self, customer_id: str, purpose: Purpose, grant: Grant, staff_id: str) -> None:
        """Record consent; under the same notice again it changes nothing. Raises `NotFound`."""
        with self._database.write() as session:
            _lock(session, customer_id)
            present = _in_force(session, customer_id, purpose)
            if present is not None and present.notice_version == grant.notice_version:
                return
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
                    granted_by=staff_id,
                    granted_at_ms=now_ms(),
                    withdrawn_at_ms=None,
                )
            )
            session.flush()
            city_id = self._refresh_card(session, customer_id)
        if city_id:
            self._notifier.wake(city_id)

    def withdraw(self, customer_id: str, purpose: Purpose, number: int | None = None) -> None:
        """Withdraw consent; safe to repeat. `number`: of the log of erasures, if it comes from there.

        Raises `NotFound`.
        """
        with self._vault.lock:
            with self._database.write() as session:
                _lock(session, customer_id)
                present = _in_force(session, customer_id, purpose)
                if present is not None:
                    present.withdrawn_at_ms = now_ms()
                    session.flush()
                gallery = gallery_of(session, customer_id)
                ends = gallery is not None and purpose in needed_for(gallery)
                city_id = self._refresh_card(session, customer_id)
                if ends:
                    self._vault.erase(session, customer_id)
                if present is not None:
                    self._erasures.note(session, Erasure(customer_id, purpose), number)
            if ends:
                self._vault.forget(customer_id)
        if city_id:
            self._notifier.wake(city_id)

    def _refresh_card(self, session: Session, customer_id: str) -> str | None:
        return self._vault.publish_card(session, customer_id) if gallery_of(session, customer_id) else None


def _lock(session: Session, customer_id: str) -> None:
    if session.get(CustomerRow, customer_id, with_for_update=True) is None:
        raise NotFound(f"there is no customer {customer_id}")


def _in_force(session: Session, customer_id: str, purpose: Purpose) -> ConsentRow | None:
    return session.scalars(
        select(ConsentRow).where(
            ConsentRow.customer_id == customer_id,
            ConsentRow.purpose == purpose,
            ConsentRow.withdrawn_at_ms.is_(None),
        )
    ).one_or_none()


def routes(consents: ConsentService, gate: Gate) -> APIRouter:
    """Return the routes of consents."""
    router = APIRouter(prefix="/v1/customers/{customer_id}/consents", tags=["consents"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))

    @router.put("/{purpose}", status_code=204)
    def grant(customer_id: Id, purpose: Purpose, body: Grant, who: Annotated[StaffToken, enroller]) -> None:
        """Record that the customer consents to one purpose."""
        consents.grant(customer_id, purpose, body, who.staff_id)

    @router.delete("/{purpose}", status_code=204, dependencies=[enroller])
    def withdraw(customer_id: Id, purpose: Purpose) -> None:
        """Record that the customer withdraws; what rests on it ends at once."""
        consents.withdraw(customer_id, purpose)

    return router
