"""Province: wrong scores of searches with a known outcome, for calibration."""

import sqlalchemy as sa
from alembic import op

revision = "province_0008"
down_revision = "province_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "impostor_scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pack_id", sa.String(length=120), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("templates", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impostor_scores")),
    )


def downgrade() -> None:
    op.drop_table("impostor_scores")
