"""Province: duty rota, revocable tokens, retired cameras, revoked assessments, answers to repeated writes."""

import sqlalchemy as sa
from alembic import op

revision = "province_0005"
down_revision = "province_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("process_id", sa.String(length=64), nullable=False),
        sa.Column("begun_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("staff_id", "key", name=op.f("pk_answers")),
    )
    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answers_begun_at_ms"), ["begun_at_ms"], unique=False)
    op.create_table(
        "shifts",
        sa.Column("shift_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_shifts_branch_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"], name=op.f("fk_shifts_staff_id")),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_shifts")),
    )
    with op.batch_alter_table("shifts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shifts_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shifts_staff_id"), ["staff_id"], unique=False)
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retired_at_ms", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("duty_branch_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
        for name in ("token_version", "failed_sign_ins", "locked_until_ms"):
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.create_foreign_key(
            batch_op.f("fk_staff_duty_branch_id"), "branches", ["duty_branch_id"], ["branch_id"]
        )
    # Who is on duty by the old flag stays so until somebody writes his rota.
    op.execute(
        "INSERT INTO shifts (shift_id, staff_id, branch_id, from_ms, until_ms) "
        "SELECT staff_id, staff_id, branch_id, 0, NULL FROM staff WHERE on_duty AND branch_id IS NOT NULL"
    )
    op.execute("UPDATE staff SET duty_branch_id = branch_id WHERE on_duty")
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.create_index("ix_template_links_members", ["gallery", "state", "customer_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_index("ix_template_links_members")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_staff_duty_branch_id"), type_="foreignkey")
        for name in ("locked_until_ms", "failed_sign_ins", "token_version", "active", "duty_branch_id"):
            batch_op.drop_column(name)
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_column("retired_at_ms")
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.drop_column("revoked_at_ms")
    op.drop_table("shifts")
    op.drop_table("answers")
