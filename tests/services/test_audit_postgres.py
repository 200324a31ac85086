"""The audit trail on PostgreSQL: one chain from many writers, append-only, and nothing done to it unseen (C12)."""

from collections.abc import Iterator

import pytest
from audit_chain import Chain
from postgres import fresh_databases
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.services


@pytest.fixture
def chain() -> Iterator[Chain]:
    with fresh_databases("audit") as (url,):
        made = Chain(url, 20)
        yield made
        made.database.close()


def test_C12_connections_that_write_at_once_make_one_unbroken_chain(chain: Chain) -> None:
    chain.write_at_once(40)
    assert chain.head().head.seq == 60
    assert chain.fault() is None


def test_C12_the_tables_refuse_changes_but_a_retention_cut(chain: Chain) -> None:
    with chain.database.write() as session:
        chain.ledger.keep_anchor(session, chain.head(), chain.key.public_bytes)
    for statement in (
        "UPDATE audit_records SET action = 'x' WHERE seq = 7",
        "DELETE FROM audit_records WHERE seq = 7",
        "TRUNCATE audit_records",
        "DELETE FROM audit_anchors",
    ):
        with pytest.raises(DBAPIError, match="append-only"), chain.database.write() as session:
            session.execute(text(statement))
    assert chain.cut(2**60, at_once=10) == [10, 9]
    assert chain.fault() is None
    with pytest.raises(DBAPIError, match="append-only"), chain.database.write() as session:
        session.execute(text("DELETE FROM audit_records"))


@pytest.mark.parametrize(
    ("statements", "seq"),
    [
        (["UPDATE audit_records SET role = 'auditor' WHERE seq = 7"], 7),
        (["DELETE FROM audit_records WHERE seq = 7"], 7),
        (["UPDATE audit_records SET seq = 70 WHERE seq = 7", "UPDATE audit_records SET seq = 7 WHERE seq = 8"], 7),
        (["DELETE FROM audit_records WHERE seq > 15"], 16),
    ],
)
def test_C12_what_the_owner_of_the_database_does_is_found(chain: Chain, statements: list[str], seq: int) -> None:
    chain.tamper(*statements)
    fault = chain.fault()
    assert fault
    assert fault.seq == seq
