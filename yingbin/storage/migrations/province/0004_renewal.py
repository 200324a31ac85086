"""Province: a template may have a second link while its key is renewed; the mark of the erasure log."""

import sqlalchemy as sa
from alembic import op

revision = "province_0004"
down_revision = "province_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_constraint("pk_template_links", type_="primary")
        batch_op.drop_constraint("uq_template_links_subject_id", type_="unique")
        batch_op.create_primary_key("pk_template_links", ["subject_id"])
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_links_template_id"), ["template_id"], unique=False)
    op.create_table(
        "erasure_mark",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_mark")),
    )


def downgrade() -> None:
    op.drop_table("erasure_mark")
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_links_template_id"))
        batch_op.drop_constraint("pk_template_links", type_="primary")
        batch_op.create_primary_key("pk_template_links", ["template_id"])
        batch_op.create_unique_constraint("uq_template_links_subject_id", ["subject_id"])
