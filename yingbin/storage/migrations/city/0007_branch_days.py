"""City: what each branch did on each day, for the province's statistics."""

import sqlalchemy as sa
from alembic import op

revision = "city_0007"
down_revision = "city_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branch_days",
        sa.Column("branch_id", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("wrong_person", sa.Integer(), nullable=False),
        sa.Column("answered", sa.JSON(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "day", name=op.f("pk_branch_days")),
    )


def downgrade() -> None:
    op.drop_table("branch_days")
