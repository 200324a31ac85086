"""City: the audit trail, append-only."""

from yingbin.storage import audit_first

revision = "city_0005"
down_revision = "city_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    audit_first.create()


def downgrade() -> None:
    audit_first.drop()
