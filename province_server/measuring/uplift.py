"""What personal offers bring beyond the list for everybody, with intervals; and no figure where there are too few."""

import threading
from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from province_server.analytics.view import K
from province_server.measuring.items import Days, visits
from yingbin.offers.decision.contact_policy import REFUSED
from yingbin.offers.learning.effect import Side, return_of, uplift_of
from yingbin.offers.learning.estimate import Estimate, Moments, proportion, share_of
from yingbin.storage.learning import SaleRow
from yingbin.storage.province import OutcomeRow

_REMEMBERED: Final = 8
State = Literal["measured", "too_few", "no_holdout", "no_sales"]


class Interval(BaseModel):
    """A figure with its 95 % interval."""

    value: float = Field(examples=[0.031])
    low: float = Field(examples=[0.012])
    high: float = Field(examples=[0.05])

    @classmethod
    def of(cls, found: Estimate) -> "Interval | None":
        """Return it, None where nothing is known."""
        return cls(value=found.value, low=found.low, high=found.high) if found.n else None


class Uplift(BaseModel):
    """Personal offers against the holdout, a visit. Figures are null unless `state` says what they rest on.

    `too_few`: fewer than `k` customers on a side. `no_sales`: no sale was put down to any visit, so margin and return
    are unknown. `accepted`: treated less held out; `margin_fen` likewise, of all that was bought within the window.
    """

    state: State = Field(examples=["measured"])
    treated_customers: int = Field(examples=[4120])
    held_out_customers: int = Field(examples=[84])
    treated_visits: int = Field(examples=[9025])
    held_out_visits: int = Field(examples=[177])
    treated: Interval | None
    held_out: Interval | None
    accepted: Interval | None
    margin_fen: Interval | None
    contact_cost_fen: int = Field(examples=[2000])
    roi: Interval | None = Field(description="(margin - cost) / cost, of all margin")
    incremental_roi: Interval | None = Field(description="the same, of the margin above the holdout's alone")


class Arm(BaseModel):
    """One arm of an experiment; left out below `k` customers."""

    experiment: str = Field(examples=["rules-alone"])
    arm: str = Field(examples=["as-now"])
    customers: int = Field(examples=[512])
    visits: int = Field(examples=[1030])
    accepted: Interval | None


class RefusalReason(BaseModel):
    """How often a product was declined for a reason, "" where nobody said why; left out below `k` customers."""

    product: str = Field(examples=["fund_mixed"])
    reason: str = Field(examples=["too_complex"])
    customers: int = Field(examples=[21])
    times: int = Field(examples=[25])


class Uplifts:
    """Measures uplift; the bootstrap of the same data is not drawn twice."""

    def __init__(self, contact_cost_fen: int) -> None:
        self._cost_fen = contact_cost_fen
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], Uplift] = {}

    def measured(self, session: Session, days: Days) -> Uplift:
        """Return what the visits of these days say."""
        key = (days, *_stamp(session, days))
        with self._lock:
            if key not in self._known:
                while len(self._known) >= _REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = self._measure(session, days)
            return self._known[key]

    def _measure(self, session: Session, days: Days) -> Uplift:
        visit = visits(days).c
        treated = _side(session, visit, visit.holdout == 0, visit.personal == 1)
        held_out = _side(session, visit, visit.holdout == 1)
        said = uplift_of(treated, held_out)
        back = return_of(treated, held_out, self._cost_fen)
        sold = session.scalars(select(visit.card_id).where(visit.margin_fen != 0).limit(1)).first() is not None
        n = len(held_out.visits)
        enough = min(n, len(treated.visits)) >= K
        state: State = "measured" if sold else "no_sales"
        if not enough:
            state = "too_few" if n else "no_holdout"

        def known(found: Estimate, when: bool) -> Interval | None:
            return Interval.of(found) if when else None

        return Uplift(
            state=state, treated_customers=len(treated.visits), held_out_customers=n,
            treated_visits=int(treated.visits.sum()), held_out_visits=int(held_out.visits.sum()),
            treated=known(said.treated, len(treated.visits) >= K), held_out=known(said.held_out, n >= K),
            accepted=known(said.accepted, enough), margin_fen=known(said.margin_fen, enough and sold),
            contact_cost_fen=self._cost_fen, roi=known(back.roi, len(treated.visits) >= K and sold),
            incremental_roi=known(back.incremental, enough and sold),
        )  # fmt: skip


def _stamp(session: Session, days: Days) -> tuple[int, int, int]:
    """Return what changes whenever outcomes or sales of these days do."""
    within = OutcomeRow.at_ms.between(days.first_ms, days.end_ms)
    outcomes = session.scalars(select(func.count()).select_from(OutcomeRow).where(within)).one()
    sales = select(func.count(), func.count().filter(SaleRow.card_id != "")).where(SaleRow.at_ms >= days.first_ms)
    return (outcomes, *session.execute(sales).one())


def arms(session: Session, days: Days) -> list[Arm]:
    """Return what came of the experiments, each arm by itself."""
    visit = visits(days).c
    his = (
        select(
            visit.experiment, visit.arm, visit.customer_id, func.sum(visit.taken).label("h"), func.count().label("t")
        )
        .where(visit.experiment != "").group_by(visit.experiment, visit.arm, visit.customer_id).subquery().c
    )  # fmt: skip
    found = session.execute(
        select(his.experiment, his.arm, *summed(his)).group_by(his.experiment, his.arm)
        .order_by(his.experiment, his.arm)
    )  # fmt: skip
    return [
        Arm(
            experiment=experiment, arm=arm, customers=sums[0], visits=int(sums[2]),
            accepted=Interval.of(proportion(share_of(Moments(*map(int, sums))))),
        )
        for experiment, arm, *sums in found
        if sums[0] >= K
    ]  # fmt: skip


def refusals(session: Session, days: Days) -> list[RefusalReason]:
    """Return why products were declined, the most frequent first."""
    of, customers = OutcomeRow, func.count(OutcomeRow.customer_id.distinct())
    found = session.execute(
        select(of.product, of.reason, customers, func.count())
        .where(of.kind.in_(tuple(REFUSED)), of.product != "", of.at_ms >= days.first_ms, of.at_ms < days.end_ms)
        .group_by(of.product, of.reason).having(customers >= K)
        .order_by(func.count().desc(), of.product, of.reason)
    )  # fmt: skip
    return [RefusalReason(product=row[0], reason=row[1], customers=row[2], times=row[3]) for row in found]


def summed(his: Any) -> tuple[ColumnElement[Any], ...]:
    """Return what `Moments` takes, of rows with hits `h` and trials `t` of one customer each."""
    return (
        func.count(), func.sum(his.h), func.sum(his.t), func.sum(his.h * his.h), func.sum(his.h * his.t),
        func.sum(his.t * his.t),
    )  # fmt: skip


def _side(session: Session, visit: Any, *whose: ColumnElement[bool]) -> Side:
    found = session.execute(
        select(func.count(), func.sum(visit.shown), func.sum(visit.taken), func.sum(visit.margin_fen))
        .where(*whose).group_by(visit.customer_id).order_by(visit.customer_id)
    )  # fmt: skip
    return Side.of([tuple(row) for row in found])
