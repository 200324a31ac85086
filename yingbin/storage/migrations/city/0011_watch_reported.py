"""City: whether the province was told how soon an alert was acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "city_0011"
down_revision = "city_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("watch_alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reported", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("watch_alerts", schema=None) as batch_op:
        batch_op.drop_column("reported")
