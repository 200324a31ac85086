"""Templates: those of the watch lists, apart (C13)."""

import sqlalchemy as sa
from alembic import op

revision = "templates_0003"
down_revision = "templates_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watch_templates",
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("pack_id", sa.String(length=120), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("vector_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_watch_templates")),
    )


def downgrade() -> None:
    op.drop_table("watch_templates")
