"""From import to deletion: receipts, the filing clock, retention, candidates and campaigns. Of the tree `province`."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class ReceiptRow(Base):
    """What was deleted when somebody withdrew or was erased (C5). Names him by a keyed hash alone.

    `purposes`: those withdrawn; `everything`: his record went too. `deleted`: list of {what, where, count}.
    """

    __tablename__ = "receipts"

    receipt_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_ref: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    purposes: Mapped[list[str]]
    everything: Mapped[bool]
    deleted: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    made_at_ms: Mapped[int] = mapped_column(index=True)


class ReceiptCityRow(Base):
    """That a city has to apply its feed up to `revision` for a receipt, and when it said it had.

    `boxes_forget_by_ms`: by when a box there that recognises by itself, and is cut off, has forgotten (its lease ends).
    """

    __tablename__ = "receipt_cities"
    __table_args__ = (Index("ix_receipt_cities_pending", "city_id", "confirmed_at_ms"),)

    receipt_id: Mapped[str] = mapped_column(ForeignKey("receipts.receipt_id", ondelete="CASCADE"), primary_key=True)
    city_id: Mapped[str] = mapped_column(ForeignKey("cities.city_id"), primary_key=True)
    revision: Mapped[int]
    confirmed_at_ms: Mapped[int | None]
    boxes_forget_by_ms: Mapped[int | None]


class FilingRow(Base):
    """The clock of the filing duty of a legal entity (C7); once started it never goes back by itself."""

    __tablename__ = "filing"

    legal_entity: Mapped[str] = mapped_column(String(120), primary_key=True)
    alerted_at_ms: Mapped[int | None]
    crossed_at_ms: Mapped[int | None]
    filed_at_ms: Mapped[int | None]
    filing_number: Mapped[str] = mapped_column(String(120), default="")


class RetentionRow(Base):
    """A time limit that was changed from its default (C18)."""

    __tablename__ = "retention_limits"

    kind: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    days: Mapped[int]
    changed_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    changed_at_ms: Mapped[int]


class RetentionRunRow(Base):
    """What one run of the retention job deleted: `gone` is kind -> count."""

    __tablename__ = "retention_runs"

    run_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    at_ms: Mapped[int]
    gone: Mapped[dict[str, int]] = mapped_column(JSON)


class CandidateRow(Base):
    """That a customer might become more, why, and by which source. No template: that takes his consent."""

    __tablename__ = "candidates"

    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id", ondelete="CASCADE"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(120))
    added_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    added_at_ms: Mapped[int]
    expires_at_ms: Mapped[int] = mapped_column(index=True)


class CampaignRow(Base):
    """A list of customers to speak to about one thing, until it expires."""

    __tablename__ = "campaigns"

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    created_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    created_at_ms: Mapped[int]
    expires_at_ms: Mapped[int] = mapped_column(index=True)


class CampaignMemberRow(Base):
    """A customer on a campaign list."""

    __tablename__ = "campaign_members"

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.campaign_id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customers.customer_id", ondelete="CASCADE"), primary_key=True, index=True
    )
