"""Tables of a city: visits, cards, outcomes. What a person could be known by is sealed.

Column `sealed` holds AES-GCM under the city's record key; the context is `<table>/<primary key>`. Instants are UTC ms.
No table has a column for a probe: of somebody who is not enrolled only the id of the event stays (C2). What the feed
says is not here but in a sealed folder.
"""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from yingbin.storage.audit import audit_tables


class Base(DeclarativeBase):
    """Everything in the city's tree of migrations."""


class FeedPosition(Base):
    """One row: how far the replica's folder was at least. A folder that is not so far was put back from an old copy."""

    __tablename__ = "feed_position"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str] = mapped_column(String(64))
    up_to: Mapped[int] = mapped_column(BigInteger)


class SeenEvent(Base):
    """An event that was answered, so that a replay is answered the same; kept 24 h."""

    __tablename__ = "seen_events"
    event_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16))
    want_photo: Mapped[bool]
    at_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class VisitRow(Base):
    """A visit. `open_key` is `<branch>/<customer>` while it is open, so that there is never a second one."""

    __tablename__ = "visits"
    visit_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    branch_id: Mapped[str] = mapped_column(String(200))
    customer_id: Mapped[str] = mapped_column(String(200))
    open_key: Mapped[str | None] = mapped_column(String(401), unique=True)
    opened_at_ms: Mapped[int] = mapped_column(BigInteger)
    last_seen_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    closed_at_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)
    wrong_person: Mapped[bool] = mapped_column(default=False)


class VisitScore(Base):
    """What the search that opened a visit found here: pack, cosine of the best identity and of the next one, N.

    Waits for a manager to say whether it was right, then becomes an `ImpostorScore`; goes with the visit.
    """

    __tablename__ = "visit_scores"
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.visit_id", ondelete="CASCADE"), primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(120))
    score: Mapped[float]
    runner_up: Mapped[float]
    templates: Mapped[int]


class ImpostorScore(Base):
    """Pack and best wrong cosine of a search with a known outcome, and how many templates were wrong. Names nobody."""

    __tablename__ = "impostor_scores"
    id: Mapped[int] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(120))
    score: Mapped[float]
    templates: Mapped[int]


class VisitTrack(Base):
    """Which visit a recognised track belongs to. The photo is taken only from the track it was asked of."""

    __tablename__ = "visit_tracks"
    track_key: Mapped[str] = mapped_column(String(300), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.visit_id", ondelete="CASCADE"), index=True)
    photo_wanted: Mapped[bool]


class CardRow(Base):
    """The card of a visit; every change takes the next `seq` of its branch."""

    __tablename__ = "cards"
    card_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.visit_id", ondelete="CASCADE"), unique=True)
    branch_id: Mapped[str] = mapped_column(String(200))
    seq: Mapped[int] = mapped_column(BigInteger)
    routed_to: Mapped[str] = mapped_column(String(200))
    level: Mapped[int]
    rings: Mapped[bool]
    escalate_at_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)
    sealed: Mapped[bytes]

    __table_args__ = (Index("ix_cards_branch_seq", "branch_id", "seq", unique=True),)


class BranchSequence(Base):
    """The last `seq` a branch has used."""

    __tablename__ = "branch_sequences"
    branch_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class PhotoRow(Base):
    """The one scene photo of a visit."""

    __tablename__ = "photos"
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.visit_id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes]


class Ring(Base):
    """A tablet of this person has confirmed the ringing card; it never rings for him again."""

    __tablename__ = "rings"
    card_id: Mapped[str] = mapped_column(ForeignKey("cards.card_id", ondelete="CASCADE"), primary_key=True)
    staff_id: Mapped[str] = mapped_column(String(200), primary_key=True, index=True)


class OutcomeRow(Base):
    """What a manager reported; stays until the province has it. `basis`: `feed_wire.Basis` as JSON."""

    __tablename__ = "outcomes"
    outcome_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    card_id: Mapped[str] = mapped_column(String(36))
    customer_id: Mapped[str] = mapped_column(String(200))
    branch_id: Mapped[str] = mapped_column(String(200))
    staff_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    product: Mapped[str] = mapped_column(String(200))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(32), server_default="")
    place: Mapped[int] = mapped_column(server_default="0")
    basis: Mapped[str] = mapped_column(Text, server_default="{}")
    forwarded_at_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)


class InsightAnswerRow(Base):
    """What a customer said of a question on his portrait; stays until the province has it."""

    __tablename__ = "insight_answers"
    answer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    card_id: Mapped[str] = mapped_column(String(36))
    customer_id: Mapped[str] = mapped_column(String(200), index=True)
    staff_id: Mapped[str] = mapped_column(String(200))
    fact_id: Mapped[str] = mapped_column(String(64))
    confirmed: Mapped[bool]
    at_ms: Mapped[int] = mapped_column(BigInteger)
    forwarded_at_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)


class BranchDayRow(Base):
    """What a branch did on a day (`report_wire.BranchDay`); `reported`: the `changes` that the province was told of."""

    __tablename__ = "branch_days"
    branch_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    visits: Mapped[int]
    confirmed: Mapped[int]
    wrong_person: Mapped[int]
    answered: Mapped[list[int]] = mapped_column(JSON)
    changes: Mapped[int]
    reported: Mapped[int]


class WatchAlertRow(Base):
    """Somebody of a watch list was seen (C13). `sealed`: who it is; `told_staff_id`: the one who may know, if named.

    `webhook_due_at_ms`: when the security desk is to be told by HTTP again; None when it knows or there is none.
    `reported`: whether the province was told how soon it was acknowledged.
    """

    __tablename__ = "watch_alerts"
    alert_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    watch_list: Mapped[str] = mapped_column(String(32))
    entry_id: Mapped[str] = mapped_column(String(64), index=True)
    branch_id: Mapped[str] = mapped_column(String(200), index=True)
    camera_id: Mapped[str] = mapped_column(String(200))
    told_staff_id: Mapped[str] = mapped_column(String(200))
    raised_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    last_seen_at_ms: Mapped[int] = mapped_column(BigInteger)
    acknowledged_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    acknowledged_by: Mapped[str] = mapped_column(String(200), default="")
    webhook_due_at_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)
    webhook_attempts: Mapped[int] = mapped_column(default=0)
    reported: Mapped[bool] = mapped_column(default=False)
    sealed: Mapped[bytes]


AUDIT = audit_tables(Base.metadata)
