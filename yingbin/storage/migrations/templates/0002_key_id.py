"""Template store: which of the province's keys a row was made with. A row of before names none, and is of no use."""

import sqlalchemy as sa
from alembic import op

revision = "templates_0002"
down_revision = "templates_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_id", sa.String(length=64), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f("ix_templates_key_id"), ["key_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_templates_key_id"))
        batch_op.drop_column("key_id")
