"""The audit trail's tables as first made: what one migration of the trees `province` and `city` runs. Never changed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from yingbin.storage.audit import guard


def create() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "audit_records",
        sa.Column("writer", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_kind", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="pk_audit_records"),
    )
    op.create_index("ix_audit_records_at_ms", "audit_records", ["at_ms"])
    for name, column in (("actor", "actor_id"), ("object", "object_id"), ("action", "action")):
        op.create_index(f"ix_audit_records_{name}", "audit_records", [column, "seq"])
    op.create_table(
        "audit_heads",
        *_head(),
        sa.PrimaryKeyConstraint("writer", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_anchors",
        *_head(),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", "hash", name="pk_audit_anchors"),
    )
    op.create_table(
        "audit_checkpoints",
        *_head(),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="pk_audit_checkpoints"),
    )
    guard(op.get_bind())


def drop() -> None:
    """Undo `create`."""
    for table in ("audit_checkpoints", "audit_anchors", "audit_heads", "audit_records"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in ("audit_checkpoints", "audit_anchors", "audit_records"):
            op.execute(f"DROP FUNCTION {table}_guard()")


def _head() -> list[sa.Column[Any]]:
    return [
        sa.Column("writer", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
    ]
