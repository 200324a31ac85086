"""Wrong scores of searches with a known outcome, for calibration."""

import sqlalchemy as sa
from alembic import op

revision = "city_0002"
down_revision = "city_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "impostor_scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("templates", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "visit_scores",
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("runner_up", sa.Double(), nullable=False),
        sa.Column("templates", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("visit_id"),
    )


def downgrade() -> None:
    op.drop_table("visit_scores")
    op.drop_table("impostor_scores")
