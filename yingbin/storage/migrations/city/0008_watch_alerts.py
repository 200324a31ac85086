"""City: alerts of watch lists (C13)."""

import sqlalchemy as sa
from alembic import op

revision = "city_0008"
down_revision = "city_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watch_alerts",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("watch_list", sa.String(length=32), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("camera_id", sa.String(length=200), nullable=False),
        sa.Column("told_staff_id", sa.String(length=200), nullable=False),
        sa.Column("raised_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=False),
        sa.Column("webhook_due_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("webhook_attempts", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    with op.batch_alter_table("watch_alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_alerts_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_alerts_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_alerts_raised_at_ms"), ["raised_at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_alerts_webhook_due_at_ms"), ["webhook_due_at_ms"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("watch_alerts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_watch_alerts_webhook_due_at_ms"))
        batch_op.drop_index(batch_op.f("ix_watch_alerts_raised_at_ms"))
        batch_op.drop_index(batch_op.f("ix_watch_alerts_entry_id"))
        batch_op.drop_index(batch_op.f("ix_watch_alerts_branch_id"))

    op.drop_table("watch_alerts")
