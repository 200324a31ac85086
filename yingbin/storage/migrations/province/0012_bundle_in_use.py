"""Province: which bundle a box connected with last, as its city says."""

import sqlalchemy as sa
from alembic import op

revision = "province_0012"
down_revision = "province_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("boxes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_id_in_use", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("connected_at_ms", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("boxes", schema=None) as batch_op:
        batch_op.drop_column("connected_at_ms")
        batch_op.drop_column("key_id_in_use")
