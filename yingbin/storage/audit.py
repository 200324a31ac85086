"""Tables of the audit trail, alike in the trees `province` and `city`, and the triggers that make them append-only.

The triggers stop mistakes and whoever has no more than the application's rights; against the owner of the database
stand the hash chain and its anchors (`yingbin.trust.audit`). A migration that rebuilds one of these tables (SQLite's
batch mode does) has to call `guard` again.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, MetaData, String, Table, Text

_CUT: Final = (
    "EXISTS (SELECT 1 FROM audit_checkpoints c WHERE c.writer = OLD.writer AND c.seq >= OLD.seq)"  # a retention cut
)
_DELETABLE: Final = {"audit_records": _CUT, "audit_anchors": "FALSE", "audit_checkpoints": "FALSE"}


@dataclass(frozen=True, slots=True)
class AuditTables:
    """`records`: the chain. `heads`: one row a writer, its lock. `anchors`: heads the other tier signed or gave back.

    `checkpoints`: signed heads up to which records were removed because their time was over.
    """

    records: Table
    heads: Table
    anchors: Table
    checkpoints: Table


def audit_tables(metadata: MetaData) -> AuditTables:
    """Add the tables to a tree."""
    records = Table(
        "audit_records",
        metadata,
        Column("writer", String(64), primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("at_ms", BigInteger, nullable=False, index=True),
        Column("actor_kind", String(16), nullable=False),
        Column("actor_id", String(64), nullable=False),
        Column("role", String(32), nullable=False),
        Column("action", String(64), nullable=False),
        Column("object_kind", String(32), nullable=False),
        Column("object_id", String(64), nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("request_id", String(64), nullable=False),
        Column("details", Text, nullable=False),
        Column("prev_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Index("ix_audit_records_actor", "actor_id", "seq"),
        Index("ix_audit_records_object", "object_id", "seq"),
        Index("ix_audit_records_action", "action", "seq"),
    )
    heads = Table("audit_heads", metadata, *_head_columns("writer"))
    anchors = Table(
        "audit_anchors",
        metadata,
        *_head_columns("writer", "seq", "hash"),
        Column("signature", LargeBinary, nullable=False),
        Column("public_key", LargeBinary, nullable=False),
        Column("received_at_ms", BigInteger, nullable=False),
    )
    checkpoints = Table(
        "audit_checkpoints",
        metadata,
        *_head_columns("writer", "seq"),
        Column("signature", LargeBinary, nullable=False),
    )
    return AuditTables(records, heads, anchors, checkpoints)


def guard(connection: Connection) -> None:
    """Make records, anchors and checkpoints append-only; records below a checkpoint may be deleted."""
    for table, deletable in _DELETABLE.items():
        if connection.dialect.name == "postgresql":
            _guard_postgresql(connection, table, deletable)
        else:
            _guard_sqlite(connection, table, deletable)


def _guard_sqlite(connection: Connection, table: str, deletable: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    connection.exec_driver_sql(f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {refuse}")
    connection.exec_driver_sql(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} WHEN NOT {deletable} {refuse}")


def _guard_postgresql(connection: Connection, table: str, deletable: str) -> None:
    connection.exec_driver_sql(
        f"CREATE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {deletable} THEN RETURN OLD; END IF; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_row BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_guard()"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_guard()"
    )


def _head_columns(*primary_key: str) -> list[Column[Any]]:
    types: dict[str, Any] = {"writer": String(64), "seq": BigInteger(), "hash": LargeBinary(), "at_ms": BigInteger()}
    return [
        Column(name, kind, primary_key=name in primary_key, nullable=False, autoincrement=False)
        for name, kind in types.items()
    ]
