"""Numbers over time: what branches did, how many people are enrolled. Counts only. Of the tree `province`."""

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class BranchDayRow(Base):
    """What a branch did on a day of China's clock, as its city told it last (`report_wire.BranchDay`)."""

    __tablename__ = "branch_days"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    changes: Mapped[int]
    visits: Mapped[int]
    confirmed: Mapped[int]
    wrong_person: Mapped[int]
    answered: Mapped[list[int]] = mapped_column(JSON)


class BoxSeenRow(Base):
    """When a box's line to its city was last known to be alive, as the city says."""

    __tablename__ = "boxes_seen"

    box_id: Mapped[str] = mapped_column(ForeignKey("boxes.box_id"), primary_key=True)
    last_seen_at_ms: Mapped[int]


class WatchResponseRow(Base):
    """How soon an alert of a watch list was acknowledged (`report_wire.WatchAnswered`). Names nobody."""

    __tablename__ = "watch_responses"

    alert_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    watch_list: Mapped[str] = mapped_column(String(32))
    raised_at_ms: Mapped[int] = mapped_column(index=True)
    took_ms: Mapped[int]


class GalleryDayRow(Base):
    """How many customers a gallery held when a day was last counted."""

    __tablename__ = "gallery_days"

    gallery: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    customers: Mapped[int]
