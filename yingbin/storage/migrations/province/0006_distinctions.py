"""Province: decisions that two customers who look alike are two people."""

import sqlalchemy as sa
from alembic import op

revision = "province_0006"
down_revision = "province_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "distinctions",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("other_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.customer_id"],
            name=op.f("fk_distinctions_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["customers.customer_id"], name=op.f("fk_distinctions_other_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer_id", "other_id", name=op.f("pk_distinctions")),
    )
    with op.batch_alter_table("distinctions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_distinctions_other_id"), ["other_id"], unique=False)


def downgrade() -> None:
    op.drop_table("distinctions")
