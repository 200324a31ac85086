"""Province: when a box was last seen; how soon alerts of watch lists were acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "province_0017"
down_revision = "province_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boxes_seen",
        sa.Column("box_id", sa.String(length=64), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.box_id"], name=op.f("fk_boxes_seen_box_id")),
        sa.PrimaryKeyConstraint("box_id", name=op.f("pk_boxes_seen")),
    )
    op.create_table(
        "watch_responses",
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("watch_list", sa.String(length=32), nullable=False),
        sa.Column("raised_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_watch_responses_branch_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_watch_responses")),
    )
    with op.batch_alter_table("watch_responses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_responses_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_watch_responses_raised_at_ms"), ["raised_at_ms"], unique=False)


def downgrade() -> None:
    op.drop_table("watch_responses")
    op.drop_table("boxes_seen")
