"""Customers: register, read, change, erase."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from province_server.auth import Gate
from province_server.batch.jobs import forget_rows
from province_server.cards import Cards, Customer, city_of, consents_in_force, gallery_of, is_minor, require_guardian
from province_server.consents import ConsentService, deleted_templates
from province_server.erasures import Erasure, Erasures
from province_server.feed import Notifier
from province_server.insights.facts import Facts
from province_server.keys import Keys
from province_server.lifecycle.receipts import Deleted, Receipts, Withdrawn
from province_server.records import After, Id, Limit, existing, insert, next_cursor
from province_server.vault import TemplateVault
from province_server.watch.entries import WatchService
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.offers.rules import risk_of
from yingbin.storage.database import Database
from yingbin.storage.learning import SaleRow
from yingbin.storage.lifecycle import CampaignMemberRow, CandidateRow
from yingbin.storage.portraits import PortraitRow
from yingbin.storage.province import BranchRow, ConsentRow, CustomerRow, OutcomeRow, StaffRow, TemplateLink
from yingbin.trust.consent import Gallery, Purpose
from yingbin.trust.staff import Role, StaffToken


class CustomerCreated(BaseModel):
    """A new customer."""

    customer_id: str


class CustomerOut(BaseModel):
    """A customer's record, since when, the purposes consented to, how many templates are searchable and in what."""

    record: Customer
    created_at_ms: int
    consents: list[Purpose]
    templates: int
    gallery: Gallery | None


class CustomerLine(BaseModel):
    """A customer in a list."""

    customer_id: str
    home_branch_id: str
    created_at_ms: int


class CustomerPage(BaseModel):
    """Customers by id."""

    items: list[CustomerLine]
    next: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that was replaced. `void`: consents that have to be withdrawn after the commit (C6)."""

    customer_id: str
    home_city_id: str
    enrolled: bool
    void: list[Purpose]


class CustomerService:
    """Keeps customers' records sealed. `has_met`: whether a city was told of a customer lately."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        cards: Cards,
        vault: TemplateVault,
        notifier: Notifier,
        erasures: Erasures,
        receipts: Receipts,
        consents: ConsentService,
        watch: WatchService,
        facts: Facts,
        has_met: Callable[[str, str], bool],
    ) -> None:
        self._database = database
        self._receipts = receipts
        self._consents = consents
        self._watch = watch
        self._facts = facts
        self._has_met = has_met
        self._erasures = erasures
        self._keys = keys
        self._cards = cards
        self._vault = vault
        self._notifier = notifier

    def add(self, customer: Customer) -> None:
        """Register a customer. Raises `GuardianMissing`, `InvalidInput`, `Conflict`."""
        taken = f"customer {customer.customer_id} is registered already"
        with self._vault.lock, insert(self._database, taken) as session:  # renewal must not pass between seal and row
            self.enter(session, customer)

    def enter(self, session: Session, customer: Customer) -> None:
        """Register a customer in the caller's transaction, who holds the vault's lock. Raises as `add`."""
        self._check(session, customer)
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
                created_at_ms=session.get_one(CustomerRow, customer_id).created_at_ms,
                gallery=gallery_of(session, customer_id),
                consents=sorted(consents_in_force(session, customer_id)),
                templates=len(session.scalars(links).all()),
            )

    def update(self, customer: Customer, staff_id: str) -> None:
        """Replace a customer's record. If he turns out to be under 14, what he consented to himself is void (C6).

        Raises `GuardianMissing`, `InvalidInput`, `NotFound`, or `Conflict` for a move of an enrolled customer to
        another city: templates do not move, he is enrolled again there.
        """
        with self._vault.lock, self._database.write() as session:
            session.get(CustomerRow, customer.customer_id, with_for_update=True)
            before = self._cards.customer(session, customer.customer_id)
            changed = self.change(session, customer)
            cities = self.tell(session, [changed], everywhere=_less_may_be_offered(before, customer))
        for city_id in cities:
            self._notifier.wake(city_id)
        if changed.void:
            self._consents.withdraw(customer.customer_id, changed.void, staff_id)

    def tell(self, session: Session, changed: Sequence[Changed], *, everywhere: bool = False) -> list[str]:
        """Send the views of changed records, each once, in their transaction; return the cities to wake.

        To the city at home, and to those that met him lately for a visit that is open there; `everywhere`: also to
        those of which that is not known, which then show no offers of before.
        """
        homes = {one.customer_id: one.home_city_id for one in changed if one.enrolled}
        return self._vault.publish_views(session, homes, (lambda *_: True) if everywhere else self._has_met)

    def change(self, session: Session, customer: Customer) -> Changed:
        """Replace a record in the caller's transaction, who holds the vault's lock and then calls `tell`.

        Raises as `update`.
        """
        row = session.get(CustomerRow, customer.customer_id, with_for_update=True)
        if row is None:
            raise NotFound(f"there is no customer {customer.customer_id}")
        self._check(session, customer)
        enrolled = gallery_of(session, customer.customer_id) is not None
        before = city_of(session, row.home_branch_id)
        if enrolled and before != city_of(session, customer.home_branch_id):
            raise Conflict("he is enrolled in another city: withdraw, change his branch, enrol again")
        row.home_branch_id = customer.home_branch_id
        row.record_sealed = self._keys.seal_record(row.customer_id, customer.model_dump_json().encode())
        session.flush()
        return Changed(customer.customer_id, before, enrolled, self._void(session, customer))

    def erase(self, customer_id: str, staff_id: str, number: int | None = None, receipt_id: str = "") -> str:
        """Delete everything of a customer; every city is told through the feed (C5). Return the receipt's id.

        `number` and `receipt_id`: of the log of erasures, if it comes from there. Raises `NotFound`.
        """
        with self._vault.lock:
            with self._database.write() as session:
                row = session.get(CustomerRow, customer_id, with_for_update=True)
                if row is None:
                    raise NotFound(f"there is no customer {customer_id}")
                branch_id, receipt_id = row.home_branch_id, receipt_id or new_id()
                deleted = self._counted(session, customer_id, self._vault.erase(session, customer_id))
                cities = self._vault.recall(session, customer_id)
                self._watch.customer_erased(session, customer_id)
                session.flush()
                ended = self._facts.erased(session, customer_id)
                deleted.append(Deleted(what="insight", where="identity_store", count=ended.facts))
                self._vault.publish_others(session, ended.others)
                for kind in (ConsentRow, OutcomeRow, CandidateRow, CampaignMemberRow, PortraitRow, SaleRow):
                    session.execute(delete(kind).where(kind.customer_id == customer_id))
                forget_rows(session, customer_id)
                session.delete(row)
                withdrawn = Withdrawn(customer_id, list(Purpose), True, deleted, staff_id, receipt_id)
                self._receipts.issue(session, withdrawn, cities, branch_id)
                self._erasures.note(session, Erasure(customer_id, receipt_id=receipt_id), number)
            self._vault.forget(customer_id)
        for city_id in cities:
            self._notifier.wake(city_id)
        return receipt_id

    @staticmethod
    def _check(session: Session, customer: Customer) -> None:
        require_guardian(customer)
        existing(session, BranchRow, customer.home_branch_id, "branch")
        if customer.rm_staff_id:
            existing(session, StaffRow, customer.rm_staff_id, "member of staff")

    @staticmethod
    def _void(session: Session, customer: Customer) -> list[Purpose]:
        """Return the purposes a child consented to himself."""
        if not is_minor(customer):
            return []
        by_himself = select(ConsentRow.purpose).where(
            ConsentRow.customer_id == customer.customer_id,
            ConsentRow.withdrawn_at_ms.is_(None),
            ConsentRow.by_guardian.is_(False),
        )
        return [Purpose(purpose) for purpose in session.scalars(by_himself)]

    @staticmethod
    def _counted(session: Session, customer_id: str, templates: int) -> list[Deleted]:
        """Return what is about to be deleted of a customer."""

        def count(
            *kinds: type[ConsentRow | OutcomeRow | CandidateRow | CampaignMemberRow | PortraitRow | SaleRow],
        ) -> int:
            found = (select(func.count()).where(kind.customer_id == customer_id) for kind in kinds)
            return sum(session.scalars(one).one() for one in found)

        return [
            Deleted(what="record", where="identity_store", count=1),
            Deleted(what="consent", where="identity_store", count=count(ConsentRow)),
            Deleted(what="outcome", where="identity_store", count=count(OutcomeRow)),
            Deleted(what="sale", where="identity_store", count=count(SaleRow)),
            Deleted(what="list", where="identity_store", count=count(CandidateRow, CampaignMemberRow)),
            Deleted(what="portrait", where="identity_store", count=count(PortraitRow)),
            *deleted_templates(templates),
        ]

    def page(self, after: str, limit: int) -> list[CustomerRow]:
        """Return customers by id."""
        with self._database.read() as session:
            found = select(CustomerRow).where(CustomerRow.customer_id > after).order_by(CustomerRow.customer_id)
            return list(session.scalars(found.limit(limit)))


def _less_may_be_offered(before: Customer, after: Customer) -> bool:
    """Return whether a card that is open may show what is not allowed any more (C10, C11)."""
    (tolerance, until_ms), (now_tolerance, now_until_ms) = risk_of(before.profile), risk_of(after.profile)
    opts_out = after.opted_out_of_automated_decisions and not before.opted_out_of_automated_decisions
    return opts_out or now_tolerance < tolerance or now_until_ms < until_ms


def routes(customers: CustomerService, gate: Gate) -> APIRouter:
    """Return the routes of customers."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])
    staff = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))
    enroller = [staff]

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

    @router.put("/{customer_id}", status_code=204)
    def update_customer(customer_id: Id, body: Customer, who: Annotated[StaffToken, staff]) -> None:
        """Replace a customer's record."""
        if body.customer_id != customer_id:
            raise InvalidInput("`customer_id` of the body is not that of the address")
        customers.update(body, who.staff_id)

    @router.delete("/{customer_id}", status_code=204)
    def erase_customer(customer_id: Id, who: Annotated[StaffToken, staff], response: Response) -> None:
        """Erase everything held on a customer. `Location` names the receipt."""
        response.headers["Location"] = f"/v1/receipts/{customers.erase(customer_id, who.staff_id)}"

    return router
