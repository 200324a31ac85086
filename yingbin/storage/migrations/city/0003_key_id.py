"""City: the replica of a domain. A replica of before is dropped; the province sends a snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "city_0003"
down_revision = "city_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("replica")
    op.drop_table("feed_position")
    op.create_table(
        "replica",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "kind", "key"),
    )
    op.create_table(
        "feed_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for table in ("replica", "feed_position"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("key_id")
