"""Province: what was concluded about customers."""

import sqlalchemy as sa
from alembic import op

revision = "province_0015"
down_revision = "province_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insight_facts",
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("other_ref", sa.String(length=64), nullable=False),
        sa.Column("key_ref", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("silent_until", sa.Date(), nullable=True),
        sa.Column("answer_id", sa.String(length=64), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_insight_facts_customer_id")),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_insight_facts")),
        sa.UniqueConstraint("key_ref", name=op.f("uq_insight_facts_key_ref")),
    )
    for column in ("customer_id", "other_ref", "expires_on"):
        op.create_index(op.f(f"ix_insight_facts_{column}"), "insight_facts", [column])


def downgrade() -> None:
    for column in ("expires_on", "other_ref", "customer_id"):
        op.drop_index(op.f(f"ix_insight_facts_{column}"), table_name="insight_facts")
    op.drop_table("insight_facts")
