"""Province: first tables."""

import sqlalchemy as sa
from alembic import op

revision = "province_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assessments",
        sa.Column("assessment_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("modes", sa.JSON(), nullable=False),
        sa.Column("galleries", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("assessment_id", name=op.f("pk_assessments")),
    )
    op.create_table(
        "cities",
        sa.Column("city_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("feed_revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("city_id", name=op.f("pk_cities")),
        sa.UniqueConstraint("public_key", name=op.f("uq_cities_public_key")),
    )
    op.create_table(
        "template_links",
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("gallery", sa.String(length=32), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_template_links")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_template_links_subject_id")),
    )
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_links_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_template_links_state"), ["state"], unique=False)

    op.create_table(
        "branches",
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("city_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name=op.f("fk_branches_city_id")),
        sa.PrimaryKeyConstraint("branch_id", name=op.f("pk_branches")),
    )
    with op.batch_alter_table("branches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_branches_city_id"), ["city_id"], unique=False)

    op.create_table(
        "feed_entries",
        sa.Column("city_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["cities.city_id"], name=op.f("fk_feed_entries_city_id")),
        sa.PrimaryKeyConstraint("city_id", "revision", name=op.f("pk_feed_entries")),
    )
    with op.batch_alter_table("feed_entries", schema=None) as batch_op:
        batch_op.create_index("uq_feed_entries_key", ["city_id", "kind", "key"], unique=True)

    op.create_table(
        "boxes",
        sa.Column("box_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_boxes_branch_id")),
        sa.PrimaryKeyConstraint("box_id", name=op.f("pk_boxes")),
        sa.UniqueConstraint("public_key", name=op.f("uq_boxes_public_key")),
    )
    with op.batch_alter_table("boxes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_boxes_branch_id"), ["branch_id"], unique=False)

    op.create_table(
        "customers",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("home_branch_id", sa.String(length=64), nullable=False),
        sa.Column("record_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["home_branch_id"], ["branches.branch_id"], name=op.f("fk_customers_home_branch_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customers")),
    )
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customers_home_branch_id"), ["home_branch_id"], unique=False)

    op.create_table(
        "staff",
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=True),
        sa.Column("secret_hash", sa.String(length=200), nullable=False),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_staff_branch_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff")),
    )
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_branch_id"), ["branch_id"], unique=False)

    op.create_table(
        "cameras",
        sa.Column("camera_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("box_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("assessment_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.assessment_id"], name=op.f("fk_cameras_assessment_id")
        ),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.box_id"], name=op.f("fk_cameras_box_id")),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_cameras_branch_id")),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_cameras")),
    )
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cameras_assessment_id"), ["assessment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cameras_box_id"), ["box_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cameras_branch_id"), ["branch_id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("consent_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_consents_customer_id")),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consents_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "uq_consents_in_force",
            ["customer_id", "purpose"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at_ms IS NULL"),
            postgresql_where=sa.text("withdrawn_at_ms IS NULL"),
        )

    op.create_table(
        "outcomes",
        sa.Column("outcome_id", sa.String(length=64), nullable=False),
        sa.Column("card_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branches.branch_id"], name=op.f("fk_outcomes_branch_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_outcomes_customer_id")),
        sa.PrimaryKeyConstraint("outcome_id", name=op.f("pk_outcomes")),
    )
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outcomes_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outcomes_customer_id"), ["customer_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outcomes_customer_id"))
        batch_op.drop_index(batch_op.f("ix_outcomes_branch_id"))

    op.drop_table("outcomes")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_consents_in_force",
            sqlite_where=sa.text("withdrawn_at_ms IS NULL"),
            postgresql_where=sa.text("withdrawn_at_ms IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_consents_customer_id"))

    op.drop_table("consents")
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cameras_branch_id"))
        batch_op.drop_index(batch_op.f("ix_cameras_box_id"))
        batch_op.drop_index(batch_op.f("ix_cameras_assessment_id"))

    op.drop_table("cameras")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_branch_id"))

    op.drop_table("staff")
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customers_home_branch_id"))

    op.drop_table("customers")
    with op.batch_alter_table("boxes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_boxes_branch_id"))

    op.drop_table("boxes")
    with op.batch_alter_table("feed_entries", schema=None) as batch_op:
        batch_op.drop_index("uq_feed_entries_key")

    op.drop_table("feed_entries")
    with op.batch_alter_table("branches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_branches_city_id"))

    op.drop_table("branches")
    with op.batch_alter_table("template_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_links_state"))
        batch_op.drop_index(batch_op.f("ix_template_links_customer_id"))

    op.drop_table("template_links")
    op.drop_table("cities")
    op.drop_table("assessments")
