"""Province: catalogues as versions, and their releases."""

import sqlalchemy as sa
from alembic import op

revision = "province_0016"
down_revision = "province_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalogues",
        sa.Column("catalogue_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("based_on", sa.BigInteger(), nullable=True),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue_id", name=op.f("pk_catalogues")),
        sa.UniqueConstraint("number", name=op.f("uq_catalogues_number")),
    )
    with op.batch_alter_table("catalogues", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalogues_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_catalogues_state"), ["state"], unique=False)

    op.create_table(
        "catalogue_releases",
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("catalogue_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=False),
        sa.Column("released_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("in_force_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("published_to", sa.String(length=64), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("republished_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["catalogue_id"], ["catalogues.catalogue_id"], name=op.f("fk_catalogue_releases_catalogue_id")
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_catalogue_releases")),
        sa.UniqueConstraint("number", name=op.f("uq_catalogue_releases_number")),
    )
    with op.batch_alter_table("catalogue_releases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalogue_releases_catalogue_id"), ["catalogue_id"], unique=False)
        batch_op.create_index(
            "uq_catalogue_releases_in_force",
            ["state"],
            unique=True,
            sqlite_where=sa.text("state = 'in_force'"),
            postgresql_where=sa.text("state = 'in_force'"),
        )


def downgrade() -> None:
    op.drop_table("catalogue_releases")
    op.drop_table("catalogues")
