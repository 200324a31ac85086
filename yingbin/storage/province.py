"""The province's identity store: registry, staff, customers, consents, and which template belongs to whom.

The vectors are in another database (`yingbin.storage.templates`). `TemplateLink` joins the two and is the only place of
the keys: neither says anything of anybody without the other and the key store (C8). Instants are UTC milliseconds.
"""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from yingbin.storage.audit import audit_tables

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
    """A camera box; its transform is in the key store. `key_id_in_use`: of the bundle it used last, or empty."""

    __tablename__ = "boxes"

    box_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    public_key: Mapped[bytes] = mapped_column(unique=True)
    revoked: Mapped[bool]
    key_id_in_use: Mapped[str] = mapped_column(String(64), default="")
    connected_at_ms: Mapped[int] = mapped_column(default=0)


class AssessmentRow(Base):
    """An impact assessment (C3): values of `CameraRole`, `CameraMode`, `Gallery` it covers, and templates on boxes.

    From `revoked_at_ms` on it covers nothing, whatever `expires_at_ms` says.
    """

    __tablename__ = "assessments"

    assessment_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    expires_at_ms: Mapped[int]
    roles: Mapped[list[str]]
    modes: Mapped[list[str]]
    galleries: Mapped[list[str]]
    local_recognition: Mapped[bool]
    revoked_at_ms: Mapped[int | None]


class CameraRow(Base):
    """A camera at a box. Without an assessment it may not be used. `local_recognition`: its box decides who it is.

    `min_face_px`: height from which a face in its pictures is worth a look. A retired one no city is told of.
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
    retired_at_ms: Mapped[int | None]


class StaffRow(Base):
    """Somebody who signs in: at a tablet of `branch_id` with a PIN, or, without one, here with a password.

    `on_duty` and `duty_branch_id` are what the cities were told last: `ShiftRow` says what should hold, and
    `province_server.rota` brings the two together. Every token names `token_version`; counting it up ends them all.
    """

    __tablename__ = "staff"

    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(32))
    branch_id: Mapped[str | None] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(200))
    on_duty: Mapped[bool]
    duty_branch_id: Mapped[str | None] = mapped_column(ForeignKey("branches.branch_id"))
    active: Mapped[bool] = mapped_column(default=True)
    token_version: Mapped[int] = mapped_column(default=0)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until_ms: Mapped[int] = mapped_column(default=0)


class ShiftRow(Base):
    """The duty rota: somebody works at a branch from `from_ms` until `until_ms`, open-ended without one."""

    __tablename__ = "shifts"

    shift_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.staff_id"), index=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    from_ms: Mapped[int]
    until_ms: Mapped[int | None]


class AnswerRow(Base):
    """The answer to a write that carried an idempotency key, sealed; none while it is being worked on by `process_id`.

    `digest` is of the request, so that a key is not used twice for different things.
    """

    __tablename__ = "answers"

    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    key: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    digest: Mapped[bytes]
    process_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    begun_at_ms: Mapped[int] = mapped_column(index=True)
    answer_sealed: Mapped[bytes | None]


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
    by_guardian: Mapped[bool] = mapped_column(default=False)
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
    __table_args__ = (
        Index("ix_template_links_members", "gallery", "state", "customer_id"),
        # Nearly all are `linked`, so an index of them all would be taken where it does harm.
        Index(
            "ix_template_links_unsettled",
            "state",
            sqlite_where=text("state != 'linked'"),
            postgresql_where=text("state != 'linked'"),
        ),
    )

    subject_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    gallery: Mapped[str] = mapped_column(String(32))
    key_sealed: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(16))


class DistinctionRow(Base):
    """That two customers who look alike are two people, how one knows, and who decided. Gone with either of them."""

    __tablename__ = "distinctions"

    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[str] = mapped_column(
        ForeignKey("customers.customer_id", ondelete="CASCADE"), primary_key=True, index=True
    )
    reason: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    at_ms: Mapped[int]


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
    """What came of a card, as reported by a city, and which policy made the card (`feed_wire.Basis`)."""

    __tablename__ = "outcomes"

    outcome_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    card_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("branches.branch_id"), index=True)
    staff_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(32))
    product: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(32), default="", server_default="")
    place: Mapped[int] = mapped_column(default=0, server_default="0")
    policy: Mapped[str] = mapped_column(String(32), default="", server_default="")
    holdout: Mapped[bool] = mapped_column(default=False, server_default=false())
    experiment: Mapped[str] = mapped_column(String(ID_LENGTH), default="", server_default="")
    arm: Mapped[str] = mapped_column(String(ID_LENGTH), default="", server_default="")
    probability: Mapped[float] = mapped_column(default=1.0, server_default="1")
    programme: Mapped[str] = mapped_column(String(ID_LENGTH), default="", server_default="")
    learned: Mapped[str] = mapped_column(String(ID_LENGTH), default="", server_default="")


AUDIT = audit_tables(Base.metadata)


class ImpostorScore(Base):
    """Pack and best wrong cosine of a search with a known outcome, and how many templates were wrong. Names nobody."""

    __tablename__ = "impostor_scores"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(120))
    score: Mapped[float]
    templates: Mapped[int]


# At the end, since they rest on `Base`: whoever imports this tree has all of its tables.
from yingbin.storage import (  # noqa: E402
    batch,  # noqa: F401
    catalogues,  # noqa: F401
    insights,  # noqa: F401
    learning,  # noqa: F401
    lifecycle,  # noqa: F401
    portraits,  # noqa: F401
    statistics,  # noqa: F401
    watch,  # noqa: F401
)
