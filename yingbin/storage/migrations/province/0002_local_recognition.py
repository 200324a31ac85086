"""Province: cameras whose box recognises by itself, and assessments that cover it."""

import sqlalchemy as sa
from alembic import op

revision = "province_0002"
down_revision = "province_0001"
branch_labels = None
depends_on = None

_TABLES = ("assessments", "cameras")


def upgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("local_recognition", sa.Boolean(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("local_recognition")
