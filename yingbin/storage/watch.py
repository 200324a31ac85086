"""The province's watch lists (C13): who is on them, by whose order, and who decided. Part of the tree `province`.

The vectors are in the template store, in a table of their own (`templates.WatchTemplateRow`).
"""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class WatchEntryRow(Base):
    """An entry; it stays as history. `state`: proposed, in_force, refused, removed, or lapsed.

    `subject_sealed`: who it is, for those who are told. `customer_id`, `told_staff_id`: of overdue. `key_sealed` opens
    the template; empty once the entry has ended.
    """

    __tablename__ = "watch_entries"

    entry_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    watch_list: Mapped[str] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    document_number: Mapped[str] = mapped_column(String(120))
    issuer: Mapped[str] = mapped_column(String(120))
    valid_until_ms: Mapped[int]
    subject_sealed: Mapped[bytes]
    customer_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    told_staff_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    key_sealed: Mapped[bytes]
    proposed_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    proposed_at_ms: Mapped[int]
    confirmed_by: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    confirmed_at_ms: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    ended_at_ms: Mapped[int | None]
    end_reason: Mapped[str] = mapped_column(Text, default="")
