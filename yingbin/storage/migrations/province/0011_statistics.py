"""Province: what branches did each day, and how many people were enrolled."""

import sqlalchemy as sa
from alembic import op

revision = "province_0011"
down_revision = "province_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branch_days",
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("wrong_person", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_branch_days_branch_id")),
        sa.PrimaryKeyConstraint("branch_id", "day", name=op.f("pk_branch_days")),
    )
    op.create_table(
        "gallery_days",
        sa.Column("gallery", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gallery", "day", name=op.f("pk_gallery_days")),
    )


def downgrade() -> None:
    op.drop_table("gallery_days")
    op.drop_table("branch_days")
