"""Province: watch lists, receipts, the filing clock, retention, candidates and campaigns."""

import sqlalchemy as sa
from alembic import op

revision = "province_0010"
down_revision = "province_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaigns")),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaigns_expires_at_ms"), ["expires_at_ms"], unique=False)

    op.create_table(
        "filing",
        sa.Column("legal_entity", sa.String(length=120), nullable=False),
        sa.Column("alerted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("crossed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("filed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("filing_number", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("legal_entity", name=op.f("pk_filing")),
    )
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("customer_ref", sa.String(length=64), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("everything", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.JSON(), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_receipts")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipts_customer_ref"), ["customer_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_receipts_made_at_ms"), ["made_at_ms"], unique=False)

    op.create_table(
        "retention_limits",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_limits")),
    )
    op.create_table(
        "retention_runs",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_retention_runs")),
    )
    op.create_table(
        "watch_entries",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("watch_list", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("document_number", sa.String(length=120), nullable=False),
        sa.Column("issuer", sa.String(length=120), nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("told_staff_id", sa.String(length=64), nullable=True),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_watch_entries")),
    )
    with op.batch_alter_table("watch_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_entries_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_entries_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_entries_watch_list"), ["watch_list"], unique=False)

    op.create_table(
        "receipt_cities",
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("city_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("boxes_forget_by_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name=op.f("fk_receipt_cities_city_id")),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.receipt_id"], name=op.f("fk_receipt_cities_receipt_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("receipt_id", "city_id", name=op.f("pk_receipt_cities")),
    )
    with op.batch_alter_table("receipt_cities", schema=None) as batch_op:
        batch_op.create_index("ix_receipt_cities_pending", ["city_id", "confirmed_at_ms"], unique=False)

    op.create_table(
        "campaign_members",
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_campaign_members_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.customer_id"], name=op.f("fk_campaign_members_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "customer_id", name=op.f("pk_campaign_members")),
    )
    with op.batch_alter_table("campaign_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_members_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "candidates",
        sa.Column("candidate_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.customer_id"], name=op.f("fk_candidates_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_candidates_customer_id")),
    )
    with op.batch_alter_table("candidates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_candidates_expires_at_ms"), ["expires_at_ms"], unique=False)

    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_guardian", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_column("by_guardian")

    with op.batch_alter_table("candidates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_candidates_expires_at_ms"))

    op.drop_table("candidates")
    with op.batch_alter_table("campaign_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_members_customer_id"))

    op.drop_table("campaign_members")
    with op.batch_alter_table("receipt_cities", schema=None) as batch_op:
        batch_op.drop_index("ix_receipt_cities_pending")

    op.drop_table("receipt_cities")
    with op.batch_alter_table("watch_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_watch_entries_watch_list"))
        batch_op.drop_index(batch_op.f("ix_watch_entries_state"))
        batch_op.drop_index(batch_op.f("ix_watch_entries_customer_id"))

    op.drop_table("watch_entries")
    op.drop_table("retention_runs")
    op.drop_table("retention_limits")
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipts_made_at_ms"))
        batch_op.drop_index(batch_op.f("ix_receipts_customer_ref"))

    op.drop_table("receipts")
    op.drop_table("filing")
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaigns_expires_at_ms"))

    op.drop_table("campaigns")
