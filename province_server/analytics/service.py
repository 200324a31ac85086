"""Reads desensitised rows, page by page; small groups are left out."""

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.analytics.view import AnalystRow, Group, K, Read, analyst_row, group_of, pseudonym_of, read
from province_server.auth import Gate
from province_server.keys import Keys
from province_server.records import Limit
from yingbin.errors import InvalidInput, Unavailable
from yingbin.ids import now_ms
from yingbin.offers.profile import china_today
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, City, CustomerRow, ErasureMark
from yingbin.trust.seal import SealBroken, Sealer
from yingbin.trust.staff import Role

_COUNTED_FOR_S: Final = 600.0
_BATCH: Final = 1000
_LOOKED_AT: Final = 5_000
"""Customers a page looks at, at most; where many are left out it may come back short, or empty with a `next`."""
_CONTEXT: Final = "analytics-cursor"

Cursor = Annotated[
    str,
    Query(max_length=200, pattern=r"^[A-Za-z0-9_=-]*$", description="`next` of the page before; empty for the first"),
]


class AnalystPage(BaseModel):
    """Rows in no meaningful order. Groups were counted at `counted_at_ms`; fewer than `k` are left out."""

    items: list[AnalystRow]
    next: str | None = Field(examples=[None])
    k: int = Field(examples=[K])
    counted_at_ms: int = Field(examples=[1_795_000_000_000])


class Analytics:
    """The analysts' view of all customers."""

    def __init__(self, database: Database, keys: Keys, key: bytes) -> None:
        self._database = database
        self._keys = keys
        self._key = key
        self._sealer = Sealer(key)
        self._lock = threading.Lock()
        self._groups: Counter[Group] = Counter()
        self._counted: tuple[int, float] | None = None
        self._counted_at_ms = 0

    def page(self, cursor: str, limit: int) -> AnalystPage:
        """Return the next rows. Raises `InvalidInput` for a cursor that is not ours, `Unavailable`."""
        after = self._opened(cursor) if cursor else ""
        groups, counted_at_ms = self._count()
        items: list[AnalystRow] = []
        looked = 0
        with self._database.read() as session:
            cities = self._cities(session)
            for customer_id, customer in self._customers(session, after):
                city_id, city = cities[customer.home_branch_id]
                group = group_of(customer, city_id, china_today())
                looked, after = looked + 1, customer_id
                if group is not None and groups[group] >= K:
                    items.append(analyst_row(customer, group, city, pseudonym_of(self._key, customer_id)))
                if len(items) == limit or looked == _LOOKED_AT:
                    break
            else:
                after = ""
        return AnalystPage(items=items, next=self._cursor(after), k=K, counted_at_ms=counted_at_ms)

    def _count(self) -> tuple[Counter[Group], int]:
        """Return how many there are in each group, at most ten minutes old and never from before an erasure."""
        with self._lock:
            with self._database.read() as session:
                mark = session.get(ErasureMark, 1)
                erased = mark.applied if mark else 0
                known = self._counted
                if known and known[0] == erased and time.monotonic() - known[1] < _COUNTED_FOR_S:
                    return self._groups, self._counted_at_ms
                cities, groups = self._cities(session), Counter[Group]()
                self._counted_at_ms = now_ms()
                for _, customer in self._customers(session, ""):
                    group = group_of(customer, cities[customer.home_branch_id][0], china_today())
                    if group is not None:
                        groups[group] += 1
            self._groups, self._counted = groups, (erased, time.monotonic())
            return groups, self._counted_at_ms

    def _customers(self, session: Session, after: str) -> Iterator[tuple[str, Read]]:
        """Yield customers by id, a batch in memory at a time."""
        columns = select(CustomerRow.customer_id, CustomerRow.record_sealed).order_by(CustomerRow.customer_id)
        while rows := session.execute(columns.where(CustomerRow.customer_id > after).limit(_BATCH)).all():
            for customer_id, sealed in rows:
                try:
                    yield customer_id, read(self._keys.open_record(customer_id, sealed))
                except SealBroken as error:
                    raise Unavailable("the records' key is being renewed; try again") from error
            after = rows[-1].customer_id

    @staticmethod
    def _cities(session: Session) -> dict[str, tuple[str, str]]:
        """Return id and name of the city of each branch."""
        found = select(BranchRow.branch_id, City.city_id, City.name).join_from(BranchRow, City)
        return {branch_id: (city_id, name) for branch_id, city_id, name in session.execute(found)}

    def _cursor(self, after: str) -> str | None:
        """Seal a position: it is a customer's id."""
        return base64.urlsafe_b64encode(self._sealer.seal(after.encode(), _CONTEXT)).decode() if after else None

    def _opened(self, cursor: str) -> str:
        try:
            return self._sealer.open(base64.urlsafe_b64decode(cursor), _CONTEXT).decode()
        except (SealBroken, ValueError) as error:
            raise InvalidInput("`after` must be the `next` of a page") from error


def routes(analytics: Analytics, gate: Gate) -> APIRouter:
    """Return the route for analysts."""
    router = APIRouter(prefix="/v1/analytics", tags=["analytics"])

    @router.get("/customers", dependencies=[Depends(gate.requires(Role.ANALYST))])
    def list_desensitised_customers(after: Cursor = "", limit: Limit = 50) -> AnalystPage:
        """List customers as analysts may see them: no name, no id, no exact amount, no group of fewer than ten."""
        return analytics.page(after, limit)

    return router
