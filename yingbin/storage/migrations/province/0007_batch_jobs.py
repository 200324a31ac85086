"""Province: batch jobs and what became of each row; an index of links that are not `linked` in place of one of all."""

import sqlalchemy as sa
from alembic import op

revision = "province_0007"
down_revision = "province_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch_jobs",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("list_digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_batch_jobs")),
    )
    with op.batch_alter_table("batch_jobs", schema=None) as batch_op:
        batch_op.create_index("ix_batch_jobs_list", ["kind", "list_digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_jobs_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_jobs_created_at_ms"), ["created_at_ms"], unique=False)
    op.create_table(
        "batch_rows",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["batch_jobs.job_id"], name=op.f("fk_batch_rows_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "row", "field", name=op.f("pk_batch_rows")),
    )
    with op.batch_alter_table("batch_rows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_rows_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_rows_digest"), ["digest"], unique=False)
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_links_state"))
        batch_op.create_index(
            "ix_template_links_unsettled",
            ["state"],
            unique=False,
            sqlite_where=sa.text("state != 'linked'"),
            postgresql_where=sa.text("state != 'linked'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_index("ix_template_links_unsettled")
        batch_op.create_index(batch_op.f("ix_template_links_state"), ["state"], unique=False)
    op.drop_table("batch_rows")
    op.drop_table("batch_jobs")
