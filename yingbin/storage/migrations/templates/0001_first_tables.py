"""Template store: first tables."""

import sqlalchemy as sa
from alembic import op

revision = "templates_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "templates",
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("pack_id", sa.String(length=120), nullable=False),
        sa.Column("vector_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_templates")),
    )


def downgrade() -> None:
    op.drop_table("templates")
