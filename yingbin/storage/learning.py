"""What offers do: sales out of the core system, and which policy decided since when. Of the tree `province`."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class SaleRow(Base):
    """A product that a customer bought, as the core system says. `card_id`: the visit it is put down to, "" for none.

    `was_shown`: the product was on that visit's card.
    """

    __tablename__ = "sales"

    sale_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    product: Mapped[str] = mapped_column(String(ID_LENGTH))
    amount_fen: Mapped[int]
    margin_fen: Mapped[int]
    at_ms: Mapped[int] = mapped_column(index=True)
    card_id: Mapped[str] = mapped_column(String(ID_LENGTH), default="", index=True)
    was_shown: Mapped[bool] = mapped_column(default=False)


class PolicyRow(Base):
    """What decided which offers from `at_ms` on: the programme of tests and what was learned. Names nobody.

    `experiments`: those running then. `learned`: product -> `learning.learned.Move`. `announced_at_ms`: when every view
    was on its way anew, None while that is still to be done.
    """

    __tablename__ = "policies_in_force"

    policy_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    at_ms: Mapped[int]
    programme: Mapped[str] = mapped_column(String(ID_LENGTH))
    declared: Mapped[dict[str, Any]] = mapped_column(JSON)
    experiments: Mapped[list[str]]
    learned_version: Mapped[str] = mapped_column(String(ID_LENGTH))
    learned: Mapped[dict[str, Any]] = mapped_column(JSON)
    announced_at_ms: Mapped[int | None]
