"""Customers: register, read, erase."""

from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import delete, select

from province_server.auth import Gate
from province_server.cards import Cards, Customer, city_of, consents_in_force
from province_server.erasures import Erasure, Erasures
from province_server.feed import Notifier
from province_server.keys import Keys
from province_server.records import After, Id, Limit, existing, insert, next_cursor
from province_server.vault import TemplateVault
from yingbin.errors import NotAllowed, NotFound
from yingbin.ids import now_ms
from yingbin.offers.customer import GUARDIAN_AGE
from yingbin.offers.profile import CHINA_TIME
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, ConsentRow, CustomerRow, OutcomeRow, StaffRow, TemplateLink
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role


class GuardianMissing(NotAllowed):
    """The customer is under 14 and no guardian is recorded (C6)."""

    code = "guardian_missing"


class CustomerCreated(BaseModel):
    """A new customer."""

    customer_id: str


class CustomerOut(BaseModel):
    """A customer's record, the purposes consented to, and how many templates are searchable."""

    record: Customer
    consents: list[Purpose]
    templates: int


class CustomerLine(BaseModel):
    """A customer in a list."""

    customer_id: str
    home_branch_id: str
    created_at_ms: int


class CustomerPage(BaseModel):
    """Customers by id."""

    items: list[CustomerLine]
    next: str | None


class CustomerService:
    """Keeps customers' records sealed."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        cards: Cards,
        vault: TemplateVault,
        notifier: Notifier,
        erasures: Erasures,
    ) -> None:
        self._database = database
        self._erasures = erasures
        self._keys = keys
        self._cards = cards
        self._vault = vault
        self._notifier = notifier

    def add(self, customer: Customer) -> None:
        """Register a customer. Raises `GuardianMissing`, `InvalidInput`, `Conflict`."""
        if customer.age_on(datetime.now(CHINA_TIME).date()) < GUARDIAN_AGE and customer.guardian is None:
            raise GuardianMissing(f"a customer under {GUARDIAN_AGE} needs a `guardian`, who consents for him")
        taken = f"customer {customer.customer_id} is registered already"
        with self._vault.lock, insert(self._database, taken) as session:  # renewal must not pass between seal and row
            existing(session, BranchRow, customer.home_branch_id, "branch")
            if customer.rm_staff_id:
                existing(session, StaffRow, customer.rm_staff_id, "member of staff")
            session.add(
                CustomerRow(
                    customer_id=customer.customer_id,
                    home_branch_id=customer.home_branch_id,
                    record_sealed=self._keys.seal_record(customer.customer_id, customer.model_dump_json().encode()),
                    created_at_ms=now_ms(),
                )
            )

    def get(self, customer_id: str) -> CustomerOut:
        """Return all that is kept of a customer. Raises `NotFound`."""
        with self._database.read() as session:
            record = self._cards.customer(session, customer_id)
            links = select(TemplateLink.template_id).where(
                TemplateLink.customer_id == customer_id, TemplateLink.state == "linked"
            )
            return CustomerOut(
                record=record,
                consents=sorted(consents_in_force(session, customer_id)),
                templates=len(session.scalars(links).all()),
            )

    def erase(self, customer_id: str, number: int | None = None) -> None:
        """Delete everything of a customer; his city is told through the feed (C5).

        `number`: of the log of erasures, if it comes from there. Raises `NotFound`.
        """
        with self._vault.lock:
            with self._database.write() as session:
                row = session.get(CustomerRow, customer_id, with_for_update=True)
                if row is None:
                    raise NotFound(f"there is no customer {customer_id}")
                city_id = city_of(session, row.home_branch_id)
                self._vault.erase(session, customer_id)
                session.flush()
                session.execute(delete(ConsentRow).where(ConsentRow.customer_id == customer_id))
                session.execute(delete(OutcomeRow).where(OutcomeRow.customer_id == customer_id))
                session.delete(row)
                self._erasures.note(session, Erasure(customer_id), number)
            self._vault.forget(customer_id)
        self._notifier.wake(city_id)

    def page(self, after: str, limit: int) -> list[CustomerRow]:
        """Return customers by id."""
        with self._database.read() as session:
            found = select(CustomerRow).where(CustomerRow.customer_id > after).order_by(CustomerRow.customer_id)
            return list(session.scalars(found.limit(limit)))


def routes(customers: CustomerService, gate: Gate) -> APIRouter:
    """Return the routes of customers."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])
    enroller = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))]

    @router.post("", status_code=201, dependencies=enroller)
    def add_customer(body: Customer) -> CustomerCreated:
        """Register a customer."""
        customers.add(body)
        return CustomerCreated(customer_id=body.customer_id)

    @router.get("", dependencies=enroller)
    def list_customers(after: After = "", limit: Limit = 50) -> CustomerPage:
        """List customers."""
        items = [CustomerLine.model_validate(row, from_attributes=True) for row in customers.page(after, limit)]
        return CustomerPage(items=items, next=next_cursor([item.customer_id for item in items], limit))

    @router.get("/{customer_id}", dependencies=enroller)
    def get_customer(customer_id: Id) -> CustomerOut:
        """Read a customer's record."""
        return customers.get(customer_id)

    @router.delete("/{customer_id}", status_code=204, dependencies=enroller)
    def erase_customer(customer_id: Id) -> None:
        """Erase everything held on a customer."""
        customers.erase(customer_id)

    return router
