"""Brings records up to date, many in one commit: new ones entered, changed ones replaced, equal ones left alone.

What the source has no column for stays as it is: a guardian, say, or that somebody opted out of automated decisions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.batch.fields import Fault, customer_of, row_of
from province_server.cards import Customer, GuardianMissing
from province_server.consents import ConsentService
from province_server.customers import Changed, CustomerService
from province_server.feed import Notifier
from province_server.imports.mapping import CHECKED_ONLY
from province_server.imports.quality import contradictions
from province_server.keys import Keys
from province_server.vault import TemplateVault
from yingbin.errors import Conflict
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, CustomerRow, StaffRow

Note = Callable[[Session, Sequence["Upserted"]], None]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row of the source in our columns; `faults`: known before it is looked at here."""

    number: int
    row: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a row: `created`, `updated`, `unchanged`, `unknown` or `refused` with its faults.

    `unknown`: a row without a name of somebody who is not registered here, which is no fault.
    """

    number: int
    customer_id: str
    outcome: str
    faults: list[Fault]


class Upserter:
    """Writes batches of rows."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        customers: CustomerService,
        consents: ConsentService,
        vault: TemplateVault,
        notifier: Notifier,
    ) -> None:
        self._database = database
        self._keys = keys
        self._customers = customers
        self._consents = consents
        self._vault = vault
        self._notifier = notifier

    def upsert(self, rows: Sequence[Numbered], staff_id: str, note: Note, *, dry_run: bool) -> list[Upserted]:
        """Write what can be and `note` it in the same transaction; with `dry_run` only find out what would be."""
        changed: list[Changed] = []
        done = []
        with self._vault.lock, self._database.write() as session:
            ids = [one.row.get("customer_id", "") for one in rows]
            # Held here, they are not asked for one by one below.
            present = list(session.scalars(select(CustomerRow).where(CustomerRow.customer_id.in_(ids))))
            known = {one.customer_id: self._opened(one) for one in present}
            branches = list(
                session.scalars(select(BranchRow).where(BranchRow.branch_id.in_(_cells(rows, "home_branch_id"))))
            )
            staff = list(session.scalars(select(StaffRow).where(StaffRow.staff_id.in_(_cells(rows, "rm_staff_id")))))
            places = {one.branch_id for one in branches}, {one.staff_id for one in staff}
            for one in rows:
                registered = known.get(one.row.get("customer_id", ""))
                if registered is None and one.row.get("customer_id") and "full_name" not in one.row:
                    done.append(Upserted(one.number, one.row["customer_id"][:64], "unknown", []))
                    continue
                customer, faults = self._checked(one, registered, *places)
                outcome = "refused"
                if customer is not None:
                    try:
                        outcome = self._write(session, customer, known, changed, dry_run=dry_run)
                    except GuardianMissing:
                        faults = [Fault("birth_date", GuardianMissing.code)]
                    except (Conflict, IntegrityError):
                        faults = [Fault("home_branch_id", "moves_city")]
                done.append(Upserted(one.number, one.row.get("customer_id", "")[:64], outcome, faults))
            cities = self._customers.tell(session, changed)
            note(session, done)
        for city_id in cities:
            self._notifier.wake(city_id)
        for one_changed in changed:
            if one_changed.void:
                self._consents.withdraw(one_changed.customer_id, one_changed.void, staff_id)
        return done

    def _opened(self, row: CustomerRow) -> Customer:
        return Customer.model_validate_json(self._keys.open_record(row.customer_id, row.record_sealed))

    @staticmethod
    def _checked(
        one: Numbered, present: Customer | None, branches: set[str], staff: set[str]
    ) -> tuple[Customer | None, list[Fault]]:
        """Return the record that is to be kept, or every fault of the row."""
        cells = {name: cell for name, cell in one.row.items() if name not in CHECKED_ONLY}
        customer, faults = customer_of({**row_of(present), **cells} if present else cells)
        faults = [*one.faults, *contradictions(one.row), *faults]
        if cells.get("home_branch_id") and cells["home_branch_id"] not in branches:
            faults.append(Fault("home_branch_id", "unknown_branch"))
        if cells.get("rm_staff_id") and cells["rm_staff_id"] not in staff:
            faults.append(Fault("rm_staff_id", "unknown_manager"))
        if customer and present and customer.profile.as_of < present.profile.as_of:
            faults.append(Fault("as_of", "stale"))
        return (None, _once(faults)) if faults else (customer, [])

    def _write(
        self,
        session: Session,
        customer: Customer,
        known: dict[str, Customer],
        changed: list[Changed],
        *,
        dry_run: bool,
    ) -> str:
        present = known.get(customer.customer_id)
        if present == customer:
            return "unchanged"
        with session.begin_nested() as savepoint:
            if present is None:
                self._customers.enter(session, customer)
            else:
                replaced = self._customers.change(session, customer)
            if dry_run:
                savepoint.rollback()
                return "created" if present is None else "updated"
        known[customer.customer_id] = customer
        if present is None:
            audit.note(session, "customer_imported", "customer", customer.customer_id)
            return "created"
        audit.note(session, "customer_updated", "customer", customer.customer_id)
        changed.append(replaced)
        return "updated"


def _cells(rows: Sequence[Numbered], name: str) -> set[str]:
    return {one.row[name] for one in rows if one.row.get(name)}


def _once(faults: Sequence[Fault]) -> list[Fault]:
    """Return the first fault of each field."""
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.field, fault)
    return list(first.values())
