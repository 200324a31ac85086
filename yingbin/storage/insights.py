"""What was concluded about customers (C14). Of the tree `province`."""

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class FactRow(Base):
    """A soft fact and where it is in its life (`yingbin.offers.insights.life_cycle`).

    What it says, of whom else, and on which evidence is in `content_sealed`, under the key of customers' records; empty
    once a consent is gone or the customer denied it. `key_ref` (customer, insight, other, subject) and `other_ref` (the
    other customer of a relation, else empty) are keyed hashes: they find a row again and name nobody. `answer_id` and
    `answered_at_ms`: what the customer last said of it.
    """

    __tablename__ = "insight_facts"

    fact_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    other_ref: Mapped[str] = mapped_column(String(64), index=True)
    key_ref: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    expires_on: Mapped[date] = mapped_column(index=True)
    silent_until: Mapped[date | None]
    answer_id: Mapped[str] = mapped_column(String(ID_LENGTH), default="")
    answered_at_ms: Mapped[int | None]
    content_sealed: Mapped[bytes]
