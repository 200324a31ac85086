"""The first tables of a city."""

import sqlalchemy as sa
from alembic import op

revision = "city_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branch_sequences",
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id"),
    )
    op.create_table(
        "feed_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", sa.String(length=64), nullable=False),
        sa.Column("card_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("forwarded_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("outcome_id"),
    )
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outcomes_forwarded_at_ms"), ["forwarded_at_ms"], unique=False)

    op.create_table(
        "replica",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_table(
        "seen_events",
        sa.Column("event_id", sa.String(length=300), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("want_photo", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    with op.batch_alter_table("seen_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seen_events_at_ms"), ["at_ms"], unique=False)

    op.create_table(
        "visits",
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("open_key", sa.String(length=401), nullable=True),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("wrong_person", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("visit_id"),
        sa.UniqueConstraint("open_key"),
    )
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visits_closed_at_ms"), ["closed_at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_visits_last_seen_at_ms"), ["last_seen_at_ms"], unique=False)

    op.create_table(
        "cards",
        sa.Column("card_id", sa.String(length=36), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("routed_to", sa.String(length=200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("rings", sa.Boolean(), nullable=False),
        sa.Column("escalate_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("card_id"),
        sa.UniqueConstraint("visit_id"),
    )
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.create_index("ix_cards_branch_seq", ["branch_id", "seq"], unique=True)
        batch_op.create_index(batch_op.f("ix_cards_escalate_at_ms"), ["escalate_at_ms"], unique=False)

    op.create_table(
        "photos",
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("visit_id"),
    )
    op.create_table(
        "visit_tracks",
        sa.Column("track_key", sa.String(length=300), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("photo_wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track_key"),
    )
    with op.batch_alter_table("visit_tracks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_tracks_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "rings",
        sa.Column("card_id", sa.String(length=36), nullable=False),
        sa.Column("staff_id", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["cards.card_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("card_id", "staff_id"),
    )
    with op.batch_alter_table("rings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rings_staff_id"), ["staff_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("rings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rings_staff_id"))

    op.drop_table("rings")
    with op.batch_alter_table("visit_tracks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_tracks_visit_id"))

    op.drop_table("visit_tracks")
    op.drop_table("photos")
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cards_escalate_at_ms"))
        batch_op.drop_index("ix_cards_branch_seq")

    op.drop_table("cards")
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visits_last_seen_at_ms"))
        batch_op.drop_index(batch_op.f("ix_visits_closed_at_ms"))

    op.drop_table("visits")
    with op.batch_alter_table("seen_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seen_events_at_ms"))

    op.drop_table("seen_events")
    op.drop_table("replica")
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outcomes_forwarded_at_ms"))

    op.drop_table("outcomes")
    op.drop_table("feed_position")
    op.drop_table("branch_sequences")
