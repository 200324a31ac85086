"""Numbers over time: what branches did, how many people are enrolled. Counts only. Of the tree `province`."""

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from yingbin.storage.province import ID_LENGTH, Base


class BranchDayRow(Base):
    """What a branch did on a day of China's clock, as its city told it last (`feed_wire.BranchDay`)."""

    __tablename__ = "branch_days"

    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    changes: Mapped[int]
    visits: Mapped[int]
    confirmed: Mapped[int]
    wrong_person: Mapped[int]
    answered: Mapped[list[int]] = mapped_column(JSON)


class GalleryDayRow(Base):
    """How many customers a gallery held when a day was last counted."""

    __tablename__ = "gallery_days"

    gallery: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    customers: Mapped[int]
