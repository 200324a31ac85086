"""City: of which model pack a wrong score is. Those of before name none, and are no longer counted."""

import sqlalchemy as sa
from alembic import op

revision = "city_0004"
down_revision = "city_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("impostor_scores", "visit_scores"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("pack_id", sa.String(length=120), nullable=False, server_default=""))


def downgrade() -> None:
    for table in ("impostor_scores", "visit_scores"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("pack_id")
