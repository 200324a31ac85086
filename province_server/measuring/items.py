"""The log as the database sums it up: an item is a product on a card, a visit is a card; of the wrong person neither.

Only outcomes that mean a contact count (`contact_policy.CONTACT`). A sale is put down to a visit when it is stored
(`sales.py`).
"""

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Subquery, and_, case, func, or_, select

from yingbin.errors import InvalidInput
from yingbin.offers.card import ARBITRATE, RULES
from yingbin.offers.decision.contact_policy import CONTACT, REFUSED
from yingbin.offers.profile import china_midnight_ms
from yingbin.storage.learning import SaleRow
from yingbin.storage.province import OutcomeRow

MAX_DAYS: Final = 400
PERSONAL: Final = (ARBITRATE, RULES)
TAKEN: Final = ("accepted", "sold")


class Days(NamedTuple):
    """From an instant until before another, UTC ms."""

    first_ms: int
    end_ms: int

    @classmethod
    def of(cls, first: date, last: date) -> "Days":
        """Return the days in China from `first` to `last`, both included. Raises `InvalidInput`."""
        if not 0 <= (last - first).days < MAX_DAYS:
            raise InvalidInput(f"`last` must not lie before `first`, nor {MAX_DAYS} days or more after it")
        return cls(china_midnight_ms(first), china_midnight_ms(last + timedelta(days=1)))


def flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 1 if the condition holds for any row of a group, else 0."""
    return func.max(case((condition, 1), else_=0))


def items(days: Days) -> Subquery:
    """Return one row a product of a card: card_id, customer_id, branch_id, product, at_ms.

    0 or 1: taken, refused, sold, holdout, personal (made by a policy that is not the general list).
    """
    of = OutcomeRow
    bought = select(SaleRow.card_id, SaleRow.product).where(SaleRow.was_shown).distinct().subquery()
    sale = bought.c.card_id.is_not(None)
    return (
        select(
            of.card_id, of.customer_id, of.branch_id, of.product, func.min(of.at_ms).label("at_ms"),
            flag(or_(of.kind.in_(TAKEN), sale)).label("taken"), flag(of.kind.in_(tuple(REFUSED))).label("refused"),
            flag(or_(of.kind == "sold", sale)).label("sold"), flag(of.holdout.is_(True)).label("holdout"),
            flag(of.policy.in_(PERSONAL)).label("personal"),
        )
        .outerjoin(bought, and_(bought.c.card_id == of.card_id, bought.c.product == of.product))
        .where(of.product != "", *_contacts(days))
        .group_by(of.card_id, of.customer_id, of.branch_id, of.product)
        .subquery()
    )  # fmt: skip


def visits(days: Days) -> Subquery:
    """Return one row a card whose policy is known: card_id, customer_id, branch_id, at_ms, experiment, arm, margin_fen.

    0 or 1: shown, taken, holdout, personal. The margin is of all that was bought after it, shown or not.
    """
    of = OutcomeRow
    bought = (
        select(
            SaleRow.card_id, func.sum(SaleRow.margin_fen).label("margin_fen"),
            func.max(case((SaleRow.was_shown, 1), else_=0)).label("sold"),
        )
        .where(SaleRow.card_id != "").group_by(SaleRow.card_id).subquery()
    )  # fmt: skip
    cards = (
        select(
            of.card_id, of.customer_id, of.branch_id, func.min(of.at_ms).label("at_ms"),
            func.max(of.experiment).label("experiment"), func.max(of.arm).label("arm"),
            flag(of.product != "").label("shown"), flag(of.kind.in_(TAKEN)).label("taken"),
            flag(of.holdout.is_(True)).label("holdout"), flag(of.policy.in_(PERSONAL)).label("personal"),
        )
        .where(of.policy != "", *_contacts(days))
        .group_by(of.card_id, of.customer_id, of.branch_id)
        .subquery()
    )  # fmt: skip
    its, sale = cards.c, bought.c
    taken = case((or_(its.taken == 1, sale.sold == 1), 1), else_=0).label("taken")
    kept: list[Any] = [column for column in its if column.name != "taken"]
    margin = func.coalesce(sale.margin_fen, 0).label("margin_fen")
    return select(*kept, taken, margin).outerjoin(bought, sale.card_id == its.card_id).subquery()


def _contacts(days: Days) -> tuple[ColumnElement[bool], ...]:
    of = OutcomeRow
    mistaken = select(of.card_id).where(of.kind == "wrong_person", of.at_ms >= days.first_ms)
    within = (of.at_ms >= days.first_ms, of.at_ms < days.end_ms)
    return (of.kind.in_(CONTACT), of.card_id.not_in(mistaken), *within)
