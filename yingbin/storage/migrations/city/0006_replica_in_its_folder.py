"""City: the replica is in its sealed folder alone. What was here is dropped; the province sends a snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "city_0006"
down_revision = "city_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("replica")
    op.execute("DELETE FROM feed_position")
    with op.batch_alter_table("feed_position", schema=None) as batch_op:
        batch_op.drop_column("lease_until_ms")


def downgrade() -> None:
    op.create_table(
        "replica",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "kind", "key"),
    )
    op.execute("DELETE FROM feed_position")
    with op.batch_alter_table("feed_position", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lease_until_ms", sa.BigInteger(), nullable=False))
