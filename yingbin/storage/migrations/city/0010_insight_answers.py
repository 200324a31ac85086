"""City: what customers said of questions on their portrait."""

import sqlalchemy as sa
from alembic import op

revision = "city_0010"
down_revision = "city_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insight_answers",
        sa.Column("answer_id", sa.String(length=64), nullable=False),
        sa.Column("card_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.String(length=200), nullable=False),
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("forwarded_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("answer_id"),
    )
    with op.batch_alter_table("insight_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_insight_answers_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_insight_answers_forwarded_at_ms"), ["forwarded_at_ms"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("insight_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_insight_answers_forwarded_at_ms"))
        batch_op.drop_index(batch_op.f("ix_insight_answers_customer_id"))
    op.drop_table("insight_answers")
