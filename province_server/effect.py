"""What the offers do, /v1/effect: shown, taken up, declined and sold by product, branch and week. Counts only.

An impression is a product that a manager had before him on a card he greeted somebody with; cards of the wrong person
do not count. Groups of fewer than `K` customers are left out: nobody can be told from a count.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Integer, case, cast, func, select
from sqlalchemy.orm import Session

from province_server.analytics.view import K
from province_server.auth import Gate
from yingbin.errors import InvalidInput
from yingbin.offers.decision.contact_policy import CONTACT, REFUSED
from yingbin.offers.learning.estimate import Moments, proportion, share_of
from yingbin.offers.profile import CHINA_TIME
from yingbin.storage.database import Database
from yingbin.storage.province import OutcomeRow
from yingbin.trust.staff import Role

MAX_DAYS: Final = 400
_TAKEN: Final = ("accepted", "sold")
_WEEK_MS: Final = 7 * 86_400_000
_MONDAY_MS: Final = -3 * 86_400_000 - 8 * 3_600_000
"""A Monday, midnight in China: 1969-12-29."""


class Figures(BaseModel):
    """Sums of one product, branch or week. `rate`: taken up of shown, with its 95 % interval by customer."""

    name: str = Field(description="product, branch id, or Monday of the week", examples=["time_deposit"])
    customers: int = Field(examples=[120])
    shown: int = Field(examples=[310])
    taken: int = Field(examples=[42])
    refused: int = Field(examples=[88])
    sold: int = Field(examples=[30])
    rate: float = Field(examples=[0.135])
    rate_low: float = Field(examples=[0.1])
    rate_high: float = Field(examples=[0.18])


class Effect(BaseModel):
    """In order of the names. `left_out`: how many products, branches and weeks have fewer than `k` customers."""

    products: list[Figures]
    branches: list[Figures]
    weeks: list[Figures]
    left_out: int = Field(examples=[2])
    k: int = Field(examples=[K])


class EffectService:
    """Sums outcomes up in the database; no row of a customer leaves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def between(self, first: date, last: date) -> Effect:
        """Return the days from `first` to `last`, both included. Raises `InvalidInput`."""
        if not 0 <= (last - first).days < MAX_DAYS:
            raise InvalidInput(f"`last` must not lie before `first`, nor {MAX_DAYS} days or more after it")
        span = (OutcomeRow.at_ms >= _midnight_ms(first), OutcomeRow.at_ms < _midnight_ms(last + timedelta(days=1)))
        week = cast((func.min(OutcomeRow.at_ms) - _MONDAY_MS) // _WEEK_MS, Integer)
        with self._database.read() as session:
            products, few = _figures(session, OutcomeRow.product, *span)
            branches, fewer = _figures(session, OutcomeRow.branch_id, *span)
            weeks, fewest = _figures(session, week, *span)
        for one in weeks:
            monday = datetime.fromtimestamp((int(one.name) * _WEEK_MS + _MONDAY_MS) / 1000, CHINA_TIME)
            one.name = monday.date().isoformat()
        return Effect(products=products, branches=branches, weeks=weeks, left_out=few + fewer + fewest, k=K)


def _figures(session: Session, by: Any, *span: ColumnElement[bool]) -> tuple[list[Figures], int]:
    """Return the groups that are large enough, and how many are not."""
    mistaken = select(OutcomeRow.card_id).where(OutcomeRow.kind == "wrong_person", *span)
    items = (
        select(
            by.label("name"), OutcomeRow.customer_id, _any(_TAKEN).label("taken"),
            _any(tuple(REFUSED)).label("refused"), _any(("sold",)).label("sold"),
        )
        .where(OutcomeRow.product != "", OutcomeRow.kind.in_(CONTACT), OutcomeRow.card_id.not_in(mistaken), *span)
        .group_by(OutcomeRow.card_id, OutcomeRow.product, OutcomeRow.customer_id, OutcomeRow.branch_id)
        .subquery()
    )  # fmt: skip
    of = items.c
    person = (
        select(
            of.name, func.sum(of.taken).label("h"), func.count().label("t"), func.sum(of.refused).label("refused"),
            func.sum(of.sold).label("sold"),
        )
        .group_by(of.name, of.customer_id)
        .subquery()
    )  # fmt: skip
    his = person.c
    sums = select(
        his.name, func.count(), func.sum(his.h), func.sum(his.t), func.sum(his.h * his.h), func.sum(his.h * his.t),
        func.sum(his.t * his.t), func.sum(his.refused), func.sum(his.sold),
    ).group_by(his.name).order_by(his.name)  # fmt: skip
    found, few = [], 0
    for name, customers, *numbers in session.execute(sums):
        h, t, hh, ht, tt, refused, sold = map(int, numbers)
        if customers < K:
            few += 1
            continue
        rate = proportion(share_of(Moments(customers, h, t, hh, ht, tt)))
        found.append(
            Figures(
                name=str(name), customers=customers, shown=t, taken=h, refused=refused, sold=sold,
                rate=rate.value, rate_low=rate.low, rate_high=rate.high,
            )
        )  # fmt: skip
    return found, few


def _any(kinds: tuple[str, ...]) -> ColumnElement[int]:
    return func.max(case((OutcomeRow.kind.in_(kinds), 1), else_=0))


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time.min, CHINA_TIME).timestamp() * 1000)


def routes(effect: EffectService, gate: Gate) -> APIRouter:
    """Return the route of effect."""
    router = APIRouter(prefix="/v1/effect", tags=["statistics"])

    @router.get("", dependencies=[Depends(gate.requires(Role.PRODUCT_MANAGER, Role.ANALYST, Role.AUDITOR))])
    def get_effect(
        first: Annotated[date, Query(description="First day, China's clock")],
        last: Annotated[date, Query(description=f"Last day; fewer than {MAX_DAYS} days in all")],
    ) -> Effect:
        """Tell what came of the offers: how often each was shown, taken up, declined and sold."""
        return effect.between(first, last)

    return router
