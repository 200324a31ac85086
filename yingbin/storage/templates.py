"""The province's template store: sealed vectors under a rotating id, and nothing that says whose they are (C8)."""

from sqlalchemy import LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Tables of the Alembic tree `templates`."""

    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s"})


class TemplateRow(Base):
    """One template, fp32, in the province's domain `key_id`, sealed under a key that only the identity store has."""

    __tablename__ = "templates"

    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(120))
    key_id: Mapped[str] = mapped_column(String(64), index=True)
    vector_sealed: Mapped[bytes] = mapped_column(LargeBinary)


class WatchTemplateRow(Base):
    """The template of an entry of a watch list, in that list's own domain, sealed under a key of its own (C13)."""

    __tablename__ = "watch_templates"

    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(120))
    key_id: Mapped[str] = mapped_column(String(64))
    vector_sealed: Mapped[bytes] = mapped_column(LargeBinary)
