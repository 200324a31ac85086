"""What the offers do, /v1/effect: by product, branch and week; what they bring beyond the holdout. Counts only.

An impression is a product that a manager had before him on a card he greeted somebody with; cards of the wrong person
do not count. Groups of fewer than `K` customers are left out: nobody can be told from a count.
"""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from province_server.analytics.view import K
from province_server.auth import Gate
from province_server.measuring.items import MAX_DAYS, Days, items
from province_server.measuring.policies import Policies
from province_server.measuring.uplift import Arm, RefusalReason, Uplift, Uplifts, arms, refusals, summed
from province_server.records import AN_ID, After, Limit, next_cursor
from yingbin.offers.learning.estimate import Moments, proportion, share_of
from yingbin.offers.profile import CHINA_TIME
from yingbin.storage.database import Database
from yingbin.trust.staff import Role

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


class Learned(BaseModel):
    """What the log did to a product (`yingbin.offers.learning`): the rules' propensity, and the posterior in force."""

    product: str = Field(examples=["time_deposit"])
    rules: float = Field(examples=[0.2])
    learned: float = Field(examples=[0.16])
    low: float = Field(examples=[0.13])
    high: float = Field(examples=[0.19])
    impressions: float = Field(description="what the outcomes are worth, older ones less", examples=[180.0])


class Effect(BaseModel):
    """In order of the names, the holdout left out. `left_out`: how many groups have fewer than `k` customers."""

    products: list[Figures]
    branches: list[Figures]
    weeks: list[Figures]
    left_out: int = Field(examples=[2])
    k: int = Field(examples=[K])
    uplift: Uplift
    arms: list[Arm]
    refusals: list[RefusalReason]
    learned_version: str = Field(description="empty while nothing is learned", examples=["5f0c2ab91e7d4410"])
    learned: list[Learned]


class EffectService:
    """Sums outcomes up in the database; no row of a customer leaves it."""

    def __init__(self, database: Database, policies: Policies, contact_cost_fen: int) -> None:
        self._database = database
        self._policies = policies
        self._uplifts = Uplifts(contact_cost_fen)

    def between(self, first: date, last: date) -> Effect:
        """Return the days from `first` to `last`, both included. Raises `InvalidInput`."""
        days = Days.of(first, last)
        item = items(days).c
        with self._database.read() as session:
            products, few = _figures(session, item, item.product)
            branches, fewer = _figures(session, item, item.branch_id)
            weeks, fewest = _figures(session, item, cast((item.at_ms - _MONDAY_MS) // _WEEK_MS, Integer))
            uplift = self._uplifts.measured(session, days)
            of_arms, reasons = arms(session, days), refusals(session, days)
        for one in weeks:
            monday = datetime.fromtimestamp((int(one.name) * _WEEK_MS + _MONDAY_MS) / 1000, CHINA_TIME)
            one.name = monday.date().isoformat()
        return Effect(
            products=products, branches=branches, weeks=weeks, left_out=few + fewer + fewest, k=K, uplift=uplift,
            arms=of_arms, refusals=reasons, learned_version=self._policies.version,
            learned=[
                Learned(product=product, rules=move.before, learned=move.after, low=move.low, high=move.high,
                        impressions=move.weight)
                for product, move in sorted(self._policies.moves.items())
            ],
        )  # fmt: skip


def _figures(session: Session, item: Any, by: Any) -> tuple[list[Figures], int]:
    """Return the groups that are large enough, and how many are not."""
    his = (
        select(
            by.label("name"), func.sum(item.taken).label("h"), func.count().label("t"),
            func.sum(item.refused).label("refused"), func.sum(item.sold).label("sold"),
        )
        .where(item.holdout == 0)
        .group_by(by, item.customer_id)
        .subquery()
        .c
    )  # fmt: skip
    sums = select(his.name, *summed(his), func.sum(his.refused), func.sum(his.sold))
    found, few = [], 0
    for name, customers, *numbers in session.execute(sums.group_by(his.name).order_by(his.name)):
        *spread, refused, sold = map(int, numbers)
        if customers < K:
            few += 1
            continue
        rate = proportion(share_of(Moments(customers, *spread)))
        found.append(
            Figures(
                name=str(name), customers=customers, shown=spread[1], taken=spread[0], refused=refused, sold=sold,
                rate=rate.value, rate_low=rate.low, rate_high=rate.high,
            )
        )  # fmt: skip
    return found, few


class PolicyInForce(BaseModel):
    """What decided which offers from an instant on. `declared`: the whole programme of tests, as it was loaded."""

    policy_id: str = Field(examples=[AN_ID])
    at_ms: int = Field(examples=[1_795_000_000_000])
    programme: str = Field(description="SHA-256 of what was declared", examples=["9f2c4f0a51b7d3e86c1d0a4be2f97c35"])
    declared: dict[str, Any] = Field(examples=[{"holdout": {"share": 0.02}, "experiment": []}])
    experiments: list[str] = Field(description="those running", examples=[[]])
    learned_version: str = Field(examples=[""])
    announced_at_ms: int | None = Field(description="when every view was on its way to the cities, null until then")


class PolicyPage(BaseModel):
    """Policies, the newest first."""

    items: list[PolicyInForce]
    next: str | None = Field(examples=[None])


def routes(effect: EffectService, policies: Policies, gate: Gate) -> APIRouter:
    """Return the routes of effect."""
    router = APIRouter(prefix="/v1/effect", tags=["statistics"])
    reader = [Depends(gate.requires(Role.PRODUCT_MANAGER, Role.ANALYST, Role.AUDITOR))]

    @router.get("", dependencies=reader)
    def get_effect(
        first: Annotated[date, Query(description="First day, China's clock")],
        last: Annotated[date, Query(description=f"Last day; fewer than {MAX_DAYS} days in all")],
    ) -> Effect:
        """Tell what came of the offers, and what they bring beyond the list that the holdout gets."""
        return effect.between(first, last)

    @router.get("/policies", dependencies=reader)
    def list_policies(after: After = "", limit: Limit = 50) -> PolicyPage:
        """List which holdout, experiments and learned values decided since when."""
        rows = policies.page(after, limit)
        items = [PolicyInForce.model_validate(row, from_attributes=True) for row in rows]
        return PolicyPage(items=items, next=next_cursor([one.policy_id for one in items], limit))

    return router
