"""Province: from which height on a face in a camera's pictures is worth a look."""

import sqlalchemy as sa
from alembic import op

revision = "province_0003"
down_revision = "province_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.add_column(sa.Column("min_face_px", sa.BigInteger(), nullable=False, server_default="40"))


def downgrade() -> None:
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_column("min_face_px")
