"""Province: why offers are refused, which policy made a card, sales, which policy decided since when."""

import sqlalchemy as sa
from alembic import op

revision = "province_0013"
down_revision = "province_0012"
branch_labels = None
depends_on = None

_WORDS = {"reason": 32, "policy": 32, "experiment": 64, "arm": 64, "programme": 64, "learned": 64}


def upgrade() -> None:
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        for column, length in _WORDS.items():
            batch_op.add_column(sa.Column(column, sa.String(length=length), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("place", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("holdout", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("probability", sa.Double(), nullable=False, server_default="1"))
        batch_op.create_index(batch_op.f("ix_outcomes_at_ms"), ["at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_outcomes_card_id"), ["card_id"], unique=False)
    op.create_table(
        "sales",
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("margin_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("card_id", sa.String(length=64), nullable=False),
        sa.Column("was_shown", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_sales_customer_id")),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_sales")),
    )
    with op.batch_alter_table("sales", schema=None) as batch_op:
        for column in ("customer_id", "at_ms", "card_id"):
            batch_op.create_index(batch_op.f(f"ix_sales_{column}"), [column], unique=False)
    op.create_table(
        "policies_in_force",
        sa.Column("policy_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("declared", sa.JSON(), nullable=False),
        sa.Column("experiments", sa.JSON(), nullable=False),
        sa.Column("learned_version", sa.String(length=64), nullable=False),
        sa.Column("learned", sa.JSON(), nullable=False),
        sa.Column("announced_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_policies_in_force")),
    )


def downgrade() -> None:
    op.drop_table("policies_in_force")
    op.drop_table("sales")
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outcomes_card_id"))
        batch_op.drop_index(batch_op.f("ix_outcomes_at_ms"))
        for column in ("probability", "holdout", "place", *reversed(_WORDS)):
            batch_op.drop_column(column)
