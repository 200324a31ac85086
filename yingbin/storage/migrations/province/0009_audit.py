"""Province: the audit trail, append-only."""

from yingbin.storage import audit_first

revision = "province_0009"
down_revision = "province_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    audit_first.create()


def downgrade() -> None:
    audit_first.drop()
