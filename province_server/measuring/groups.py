"""Who is offered less, or nothing at all: looked at afterwards from the bank's own records, never decided by.

Gender and age come from the identity document in the record; nothing comes from a face (C17), and no rule has them.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final, Literal

import msgspec
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.analytics.view import K
from province_server.keys import Keys
from province_server.measuring.items import Days, items, visits
from province_server.measuring.uplift import Interval
from province_server.records import AN_ID
from yingbin.errors import Unavailable
from yingbin.offers.learning.estimate import Moments, Share, share_of
from yingbin.offers.learning.fairness import Attribute, GroupRate, age_band, compared
from yingbin.offers.learning.underserved import MIN_VISITS, Underserved, Visit, underserved
from yingbin.offers.profile import china_today
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow
from yingbin.trust.seal import SealBroken

ATTRIBUTES: Final[tuple[Attribute, ...]] = ("gender", "age_band", "branch")
_AT_ONCE: Final = 500


class GroupFigure(BaseModel):
    """How often a group was offered a product (of its visits), or took it up (of those it was shown).

    `ratio`: to the group with the highest rate, null where a rate is 0. `verdict`: `met` or `below` four fifths only
    where the whole interval says so, else `not_shown`.
    """

    attribute: Literal["gender", "age_band", "branch"]
    group: str = Field(description="for `branch` its id", examples=["45-59"])
    product: str = Field(examples=["time_deposit"])
    measure: Literal["offered", "accepted"]
    customers: int = Field(examples=[240])
    rate: Interval | None
    ratio: Interval | None
    verdict: Literal["met", "below", "not_shown", "too_few"]


class Groups(BaseModel):
    """Groups of fewer than `k` customers are left out."""

    figures: list[GroupFigure]
    k: int = Field(examples=[K])


class UnderservedOf(BaseModel):
    """How many customers of a branch were never shown anything; branches with fewer than `k` are `elsewhere`."""

    branch_id: str = Field(examples=[AN_ID])
    customers: int = Field(examples=[14])


class UnderservedCount(BaseModel):
    """Customers who may be addressed personally, came `least_visits` times or more, and were never shown anything."""

    customers: int = Field(examples=[23])
    least_visits: int = Field(examples=[MIN_VISITS])
    branches: list[UnderservedOf]
    elsewhere: int = Field(examples=[9])
    k: int = Field(examples=[K])


class UnderservedCustomer(BaseModel):
    """One of them: how often he came, where and when last."""

    customer_id: str = Field(examples=["C-1001"])
    visits: int = Field(examples=[5])
    branch_id: str = Field(examples=[AN_ID])
    last_at_ms: int = Field(examples=[1_795_000_000_000])


class _Person(msgspec.Struct, frozen=True):
    """What is read of a record; the rest stays unread."""

    birth_date: date
    gender: str
    home_branch_id: str


class GroupService:
    """Compares groups, and finds who goes without."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._one_at_a_time = threading.Lock()

    def compared(self, days: Days) -> Groups:
        """Return the rates of every group and product. Raises `Unavailable` while records are being sealed anew."""
        with self._one_at_a_time, self._database.read() as session:
            came, shown = self._log(session, days)
            people = dict(self._people(session, came))
        found: list[GroupRate] = []
        for attribute in ATTRIBUTES:
            found += _compared(attribute, came, shown, people)
        return Groups(figures=[_figure(one) for one in found if one.customers >= K], k=K)

    def going_without(self, days: Days) -> list[Underserved]:
        """Return who came often and was never shown anything; the most frequent visitor first."""
        visit = visits(days).c
        none_shown = (
            select(visit.customer_id).where(visit.personal == 1, visit.holdout == 0).group_by(visit.customer_id)
            .having(func.sum(visit.shown) == 0, func.count() >= MIN_VISITS)
        )  # fmt: skip
        his = select(visit.customer_id, visit.branch_id, visit.at_ms, visit.personal, visit.shown)
        with self._database.read() as session:
            found = session.execute(his.where(visit.customer_id.in_(none_shown)))
            return underserved(
                Visit(customer, branch, at_ms, bool(personal), shown)
                for customer, branch, at_ms, personal, shown in found
            )

    def counted(self, days: Days) -> UnderservedCount:
        """Return how many go without, by the branch where they came last."""
        of: defaultdict[str, int] = defaultdict(int)
        found = self.going_without(days)
        for one in found:
            of[one.branch_id] += 1
        told = [UnderservedOf(branch_id=branch, customers=n) for branch, n in sorted(of.items()) if n >= K]
        return UnderservedCount(
            customers=len(found), least_visits=MIN_VISITS, branches=told,
            elsewhere=len(found) - sum(one.customers for one in told), k=K,
        )  # fmt: skip

    def _log(self, session: Session, days: Days) -> tuple[dict[str, int], dict[tuple[str, str], tuple[int, int]]]:
        """Return visits by customer; and by customer and product how often it was shown, and taken up."""
        visit, item = visits(days).c, items(days).c
        mine = (visit.personal == 1, visit.holdout == 0)
        came = select(visit.customer_id, func.count()).where(*mine).group_by(visit.customer_id)
        shown = (
            select(item.customer_id, item.product, func.count(), func.sum(item.taken))
            .where(item.personal == 1, item.holdout == 0).group_by(item.customer_id, item.product)
        )  # fmt: skip
        of = {(customer, product): (int(n), int(taken)) for customer, product, n, taken in session.execute(shown)}
        return {customer: int(n) for customer, n in session.execute(came)}, of

    def _people(self, session: Session, wanted: Iterable[str]) -> Iterator[tuple[str, dict[Attribute, str]]]:
        today = china_today()
        ids = sorted(wanted)
        for first in range(0, len(ids), _AT_ONCE):
            some = CustomerRow.customer_id.in_(ids[first : first + _AT_ONCE])
            for customer_id, sealed in session.execute(
                select(CustomerRow.customer_id, CustomerRow.record_sealed).where(some)
            ):
                try:
                    one = msgspec.json.decode(self._keys.open_record(customer_id, sealed), type=_Person)
                except SealBroken as error:
                    raise Unavailable("the records' key is being renewed; try again") from error
                born = one.birth_date
                years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
                yield customer_id, {"gender": one.gender, "age_band": age_band(years), "branch": one.home_branch_id}


def _compared(
    attribute: Attribute,
    came: dict[str, int],
    shown: dict[tuple[str, str], tuple[int, int]],
    people: dict[str, dict[Attribute, str]],
) -> list[GroupRate]:
    products = {product for _, product in shown}
    sizes: defaultdict[str, int] = defaultdict(int)
    offered: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 6)
    accepted: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 6)
    for customer, person in people.items():
        group = person[attribute]
        sizes[group] += 1
        for product in products:
            times, taken = shown.get((customer, product), (0, 0))
            _add(offered[product, group], times, came[customer])
            if times:
                _add(accepted[product, group], taken, times)
    return compared(attribute, _shares(offered), _shares(accepted), sizes)


def _add(sums: list[int], h: int, t: int) -> None:
    for at, more in enumerate((1, h, t, h * h, h * t, t * t)):
        sums[at] += more


def _shares(sums: dict[tuple[str, str], list[int]]) -> dict[tuple[str, str], Share]:
    return {key: share_of(Moments(*of)) for key, of in sums.items()}


def _figure(one: GroupRate) -> GroupFigure:
    said: dict[str, Any] = {"attribute": one.attribute}
    return GroupFigure(
        **said, group=one.group, product=one.product, measure=one.measure, customers=one.customers,
        rate=Interval.of(one.rate), ratio=Interval.of(one.ratio), verdict=one.verdict,
    )  # fmt: skip
