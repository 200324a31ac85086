"""Receipts of withdrawal and erasure (C5): what went, where, and since when each city has applied it.

A city proves that it has applied its feed up to a revision by asking for what follows. So nothing more is sent for a
receipt, and one that is offline shows as pending until it asks again.
"""

import hashlib
import hmac
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yingbin.errors import NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import ReceiptCityRow, ReceiptRow
from yingbin.storage.province import BranchRow, CameraRow, City

_REF_HEX = 16


class Deleted(BaseModel):
    """So many of these were deleted there; `count` is null where whatever there was went uncounted."""

    what: str
    where: str
    count: int | None


class CityState(BaseModel):
    """A city: pending until it has applied the deletion; `boxes_forget_by_ms` only where boxes hold templates."""

    city_id: str
    name: str
    confirmed_at_ms: int | None
    boxes_forget_by_ms: int | None


class Receipt(BaseModel):
    """A receipt. `customer_ref` is a keyed hash: after an erasure nothing here says who he was, but to who knows."""

    receipt_id: str
    customer_ref: str
    purposes: list[str]
    everything: bool
    made_at_ms: int
    deleted: list[Deleted]
    cities: list[CityState]
    complete: bool


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a receipt is to say. `receipt_id`: of one lost with the databases, which is issued again."""

    customer_id: str
    purposes: Sequence[str]
    everything: bool
    deleted: Sequence[Deleted]
    staff_id: str
    receipt_id: str = ""


class Receipts:
    """Issues receipts and keeps them up to date. `lease_ms`: how long a box that is cut off may hold a template."""

    def __init__(self, database: Database, key: bytes, lease_ms: int) -> None:
        self._database = database
        self._key = key
        self._lease_ms = lease_ms
        self._lock = threading.Lock()
        self._waiting: dict[str, int] | None = None

    def ref(self, customer_id: str) -> str:
        """Return how receipts name a customer."""
        return hmac.new(self._key, customer_id.encode(), hashlib.sha256).hexdigest()[:_REF_HEX]

    def issue(self, session: Session, withdrawn: Withdrawn, cities: Sequence[str], branch_id: str) -> str:
        """Record a receipt in the caller's transaction, after all he published; return its id.

        `cities`: those that were told. `branch_id`: the branch whose boxes may hold his template.
        """
        at_ms, receipt_id = now_ms(), withdrawn.receipt_id or new_id()
        before = session.get(ReceiptRow, receipt_id)
        session.merge(
            ReceiptRow(
                receipt_id=receipt_id,
                customer_ref=self.ref(withdrawn.customer_id),
                purposes=sorted({*withdrawn.purposes, *(before.purposes if before else ())}),
                everything=withdrawn.everything,
                deleted=[one.model_dump() for one in withdrawn.deleted],
                staff_id=withdrawn.staff_id,
                made_at_ms=at_ms,
            )
        )
        session.flush()
        local = select(CameraRow.camera_id).where(CameraRow.branch_id == branch_id, CameraRow.local_recognition)
        home = session.get_one(BranchRow, branch_id).city_id
        on_boxes = session.scalars(local.limit(1)).first() is not None
        told = session.scalars(select(City).where(City.city_id.in_(cities)).execution_options(populate_existing=True))
        revisions = {city.city_id: city.feed_revision for city in told}
        for city_id, revision in revisions.items():
            session.merge(
                ReceiptCityRow(
                    receipt_id=receipt_id,
                    city_id=city_id,
                    revision=revision,
                    confirmed_at_ms=None,
                    boxes_forget_by_ms=at_ms + self._lease_ms if on_boxes and city_id == home else None,
                )
            )
        session.flush()
        with self._lock:  # what waits is known before it is committed, and no city can be that far before
            waiting = self._waiting = self._read_waiting() if self._waiting is None else self._waiting
            for city_id, revision in revisions.items():
                waiting[city_id] = min(revision, waiting.get(city_id, revision))
        return receipt_id

    def applied(self, city_id: str, revision: int) -> None:
        """Take in that a city has applied its feed up to a revision. Costs nothing while no receipt waits for it."""
        with self._lock:
            if self._waiting is None:
                self._waiting = self._read_waiting()
            if revision < self._waiting.get(city_id, revision + 1):
                return
            self._waiting = None
        pending = (
            ReceiptCityRow.city_id == city_id,
            ReceiptCityRow.confirmed_at_ms.is_(None),
            ReceiptCityRow.revision <= revision,
        )
        with self._database.write() as session:
            for row in session.scalars(select(ReceiptCityRow).where(*pending)).all():
                row.confirmed_at_ms = now_ms()

    def get(self, receipt_id: str) -> Receipt:
        """Return a receipt as of now. Raises `NotFound`."""
        with self._database.read() as session:
            row = session.get(ReceiptRow, receipt_id)
            if row is None:
                raise NotFound(f"there is no receipt {receipt_id}")
            return self._receipt(session, row)

    def page(self, after: str, limit: int) -> list[Receipt]:
        """Return receipts by id."""
        found = select(ReceiptRow).where(ReceiptRow.receipt_id > after).order_by(ReceiptRow.receipt_id).limit(limit)
        with self._database.read() as session:
            return [self._receipt(session, row) for row in session.scalars(found).all()]

    @staticmethod
    def _receipt(session: Session, row: ReceiptRow) -> Receipt:
        of_receipt = ReceiptCityRow.receipt_id == row.receipt_id
        pairs = session.execute(
            select(ReceiptCityRow, City).join(City, City.city_id == ReceiptCityRow.city_id).where(of_receipt)
        ).all()
        cities = [
            CityState(
                city_id=city.city_id,
                name=city.name,
                confirmed_at_ms=state.confirmed_at_ms,
                boxes_forget_by_ms=state.boxes_forget_by_ms,
            )
            for state, city in sorted(pairs, key=lambda pair: pair[1].name)
        ]
        return Receipt(
            receipt_id=row.receipt_id,
            customer_ref=row.customer_ref,
            purposes=row.purposes,
            everything=row.everything,
            made_at_ms=row.made_at_ms,
            deleted=[Deleted.model_validate(one) for one in row.deleted],
            cities=cities,
            complete=all(city.confirmed_at_ms is not None for city in cities),
        )

    def _read_waiting(self) -> dict[str, int]:
        """Return the lowest revision that a receipt waits for, by city."""
        first = select(ReceiptCityRow.city_id, func.min(ReceiptCityRow.revision)).where(
            ReceiptCityRow.confirmed_at_ms.is_(None)
        )
        with self._database.read() as session:
            return {row[0]: row[1] for row in session.execute(first.group_by(ReceiptCityRow.city_id))}
