"""Sales out of the core system, each put down to the visit it may have come of; matched by time, nothing more."""

from collections.abc import Sequence
from typing import Final

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import Cards
from province_server.records import Body, Id, InstantMs
from yingbin.offers.decision.contact_policy import CONTACT
from yingbin.offers.profile import MAX_AMOUNT_FEN
from yingbin.storage.database import Database
from yingbin.storage.learning import SaleRow
from yingbin.storage.province import CustomerRow, OutcomeRow

MAX_SALES: Final = 1000
_DAY_MS: Final = 86_400_000


class Sale(Body):
    """One purchase, as in the table `purchases`; without `margin_fen` the catalogue's usual one counts."""

    sale_id: Id = Field(description="the core system's own id; one that is here already is left as it is")
    customer_id: Id
    product: Id = Field(examples=["time_deposit"])
    amount_fen: int = Field(ge=0, le=MAX_AMOUNT_FEN, examples=[5_000_000])
    margin_fen: int | None = Field(default=None, ge=-MAX_AMOUNT_FEN, le=MAX_AMOUNT_FEN, examples=[12_000])
    at_ms: InstantMs = Field(examples=[1_795_000_000_000])


class SalesTaken(Body):
    """What became of a list: `matched` of those `stored` were put down to a visit, `shown` of these had been shown."""

    stored: int
    known: int = Field(description="were here already")
    no_customer: int = Field(description="of customers who are not here; nothing is kept of them")
    matched: int
    shown: int


class Sales:
    """Keeps sales. `window_days`: how long after a visit a sale is put down to it."""

    def __init__(self, database: Database, cards: Cards, window_days: int) -> None:
        self._database = database
        self._cards = cards
        self._window_ms = window_days * _DAY_MS

    def store(self, sales: Sequence[Sale]) -> SalesTaken:
        """Store what is new."""
        news = {sale.sale_id: sale for sale in sales}
        with self._database.write() as session:
            known = set(session.scalars(select(SaleRow.sale_id).where(SaleRow.sale_id.in_(news))))
            of = {sale.customer_id for sale in sales}
            here = set(session.scalars(select(CustomerRow.customer_id).where(CustomerRow.customer_id.in_(of))))
            rows = [
                self._attributed(session, sale)
                for sale_id, sale in news.items()
                if sale_id not in known and sale.customer_id in here
            ]
            session.add_all(rows)
            return SalesTaken(
                stored=len(rows),
                known=len(known),
                no_customer=sum(sale.customer_id not in here and sale.sale_id not in known for sale in news.values()),
                matched=sum(bool(row.card_id) for row in rows),
                shown=sum(row.was_shown for row in rows),
            )

    def attribute_anew(self, session: Session, customer_id: str, since_ms: int) -> None:
        """Look again at a customer's sales, since a visit at `since_ms` or later was told of, or was not his."""
        later = (SaleRow.customer_id == customer_id, SaleRow.at_ms > since_ms - self._window_ms)
        for row in session.scalars(select(SaleRow).where(*later)):
            row.card_id, row.was_shown = self._visit_of(session, customer_id, row.product, row.at_ms)

    def _attributed(self, session: Session, sale: Sale) -> SaleRow:
        product = self._cards.catalogue.products.get(sale.product)
        usual_fen = product.margin_fen if product else 0
        card_id, was_shown = self._visit_of(session, sale.customer_id, sale.product, sale.at_ms)
        return SaleRow(
            sale_id=sale.sale_id, customer_id=sale.customer_id, product=sale.product, amount_fen=sale.amount_fen,
            margin_fen=usual_fen if sale.margin_fen is None else sale.margin_fen, at_ms=sale.at_ms,
            card_id=card_id, was_shown=was_shown,
        )  # fmt: skip

    def _visit_of(self, session: Session, customer_id: str, product: str, at_ms: int) -> tuple[str, bool]:
        """Return the newest visit within the window on which the product was shown, else the newest one at all."""
        of = OutcomeRow
        within = (of.customer_id == customer_id, of.at_ms <= at_ms, of.at_ms > at_ms - self._window_ms)
        mistaken = select(of.card_id).where(of.customer_id == customer_id, of.kind == "wrong_person")
        cards = (
            select(of.card_id).where(*within, of.kind.in_(CONTACT), of.card_id.not_in(mistaken))
            .order_by(of.at_ms.desc(), of.card_id).limit(1)
        )  # fmt: skip
        shown = session.scalars(cards.where(of.product == product)).first()
        if shown is not None:
            return shown, True
        return session.scalars(cards).first() or "", False
