"""Batch work at the province: jobs and what became of each row of their lists. Of the tree `province`."""

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class BatchJob(Base):
    """A list that is worked through row by row. `list_digest` recognises the same list when it comes again.

    `state`: `running`, `done`, `cancelled`, `failed` or `interrupted`, the latter by the end of the process.
    `findings`: JSON of the kind's own, such as a report on data quality. `problem`: why it failed.
    """

    __tablename__ = "batch_jobs"
    __table_args__ = (Index("ix_batch_jobs_list", "kind", "list_digest"),)

    job_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16), index=True)
    dry_run: Mapped[bool]
    list_digest: Mapped[str] = mapped_column(String(ID_LENGTH))
    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    created_at_ms: Mapped[int] = mapped_column(index=True)
    finished_at_ms: Mapped[int | None]
    total: Mapped[int]
    done: Mapped[int]
    problem: Mapped[str] = mapped_column(Text)
    findings: Mapped[str] = mapped_column(Text)


class BatchRow(Base):
    """What became of a row: `outcome`, and the `code` of the reason. `digest` is of its content, under a key.

    `field` says which column a finding is about, empty when it is about the whole row. Erasing a customer erases what
    is here of him, so `customer_id` is no foreign key: most who are refused were never registered.
    """

    __tablename__ = "batch_rows"

    job_id: Mapped[str] = mapped_column(ForeignKey("batch_jobs.job_id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    digest: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(40))
