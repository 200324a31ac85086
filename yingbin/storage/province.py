"""The province's identity store: registry, staff, customers, consents, and which template belongs to whom.

The vectors are in another database (`yingbin.storage.templates`). `TemplateLink` is the only join between the two, and
the only place of the keys, so neither database says anything about anybody without the other and the key store (C8).
Instants are UTC milliseconds.
"""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 64

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}


class Base(DeclarativeBase):
    """Tables of the Alembic tree `province`."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {int: BigInteger, bytes: LargeBinary, list[str]: JSON}  # noqa: RUF012  # SQLAlchemy's protocol


class City(Base):
    """A city server, known by its Ed25519 public key (32 bytes). `feed_revision` is the head of its feed."""

    __tablename__ = "cities"

    city_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    public_key: Mapped[bytes] = mapped_column(unique=True)
    feed_revision: Mapped[int] = mapped_column(default=0)


class BranchRow(Base):
    """A branch of a city."""

    __tablename__ = "branches"

    branch_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    city_id: Mapped[str] = mapped_column(ForeignKey("cities.city_id"), index=True)
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))


class BoxRow(Base):
    """A camera box; its transform is in the key store."""

    __tablename__ = "boxes"

    box_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    public_key: Mapped[bytes] = mapped_column(unique=True)
    revoked: Mapped[bool]


class AssessmentRow(Base):
    """An impact assessment (C3): values of `CameraRole`, `CameraMode`, `Gallery` it covers, and templates on boxes."""

    __tablename__ = "assessments"

    assessment_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    expires_at_ms: Mapped[int]
    roles: Mapped[list[str]]
    modes: Mapped[list[str]]
    galleries: Mapped[list[str]]
    local_recognition: Mapped[bool]


class CameraRow(Base):
    """A camera at a box. Without an assessment it may not be used. `local_recognition`: its box decides who it is.

    `min_face_px`: height from which a face in its pictures is worth a look.
    """

    __tablename__ = "cameras"

    camera_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    box_id: Mapped[str] = mapped_column(ForeignKey("boxes.box_id"), index=True)
    role: Mapped[str] = mapped_column(String(32))
    mode: Mapped[str] = mapped_column(String(32))
    assessment_id: Mapped[str | None] = mapped_column(ForeignKey("assessments.assessment_id"), index=True)
    local_recognition: Mapped[bool]
    min_face_px: Mapped[int]


class StaffRow(Base):
    """Somebody who signs in: at a tablet of `branch_id` with a PIN, or, without one, here with a password."""

    __tablename__ = "staff"

    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(32))
    branch_id: Mapped[str | None] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(200))
    on_duty: Mapped[bool]


class CustomerRow(Base):
    """A customer; `record_sealed` is his record under the key `identity`."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    home_branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    record_sealed: Mapped[bytes]
    created_at_ms: Mapped[int]


class ConsentRow(Base):
    """Consent to one purpose (C1). A withdrawn row stays as history; at most one row a purpose is in force."""

    __tablename__ = "consents"
    __table_args__ = (
        Index(
            "uq_consents_in_force",
            "customer_id",
            "purpose",
            unique=True,
            sqlite_where=text("withdrawn_at_ms IS NULL"),
            postgresql_where=text("withdrawn_at_ms IS NULL"),
        ),
    )

    consent_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    purpose: Mapped[str] = mapped_column(String(32))
    notice_version: Mapped[str] = mapped_column(String(64))
    evidence: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[str] = mapped_column(String(ID_LENGTH))
    granted_at_ms: Mapped[int]
    withdrawn_at_ms: Mapped[int | None]


class TemplateLink(Base):
    """Whose template the row `subject_id` of the template store is, and the sealed key that opens it.

    `state`: `pending` until that row is known to be stored, then `linked` (searchable), and `erased` (the key is gone)
    until that row is deleted. Renewal gives a template a new row under a new id and key, by a second link: `pending`,
    then `linked` in the transaction that erases the first. `customer_id` is no foreign key: an erased link outlives its
    customer for a moment.
    """

    __tablename__ = "template_links"

    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    gallery: Mapped[str] = mapped_column(String(32))
    key_sealed: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(16), index=True)


class ErasureMark(Base):
    """One row: how far the log of erasures (`province_server.erasures`) is carried out in this database."""

    __tablename__ = "erasure_mark"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    applied: Mapped[int]


class FeedRow(Base):
    """That the state of (kind, key) changed for a city at `revision`; what it is now is read when the feed is read."""

    __tablename__ = "feed_entries"

    city_id: Mapped[str] = mapped_column(ForeignKey("cities.city_id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(ID_LENGTH))

    __table_args__ = (Index("uq_feed_entries_key", "city_id", "kind", "key", unique=True),)


class OutcomeRow(Base):
    """What came of a card, as reported by a city."""

    __tablename__ = "outcomes"

    outcome_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    card_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(32))
    product: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int]
