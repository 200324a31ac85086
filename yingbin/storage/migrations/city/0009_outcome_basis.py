"""City: an outcome says why it was refused, where the product stood on the card, and which policy made the card."""

import sqlalchemy as sa
from alembic import op

revision = "city_0009"
down_revision = "city_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason", sa.String(length=32), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("basis", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        for column in ("basis", "place", "reason"):
            batch_op.drop_column(column)
