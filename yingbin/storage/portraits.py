"""Portraits, sealed. Of the tree `province`."""

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class PortraitRow(Base):
    """The newest portrait of a customer, and the tags he was last shown with, each sealed as his record is.

    From `expires_at_ms` on nothing of it may be shown.
    """

    __tablename__ = "portraits"

    customer_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("customers.customer_id", ondelete="CASCADE"), primary_key=True
    )
    as_of: Mapped[date]
    expires_at_ms: Mapped[int] = mapped_column(index=True)
    sealed: Mapped[bytes]
    shown_sealed: Mapped[bytes | None]
