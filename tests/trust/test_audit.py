"""The audit trail (C12): nothing can be done to it, or to an export of it, without showing."""

import io
from typing import Any

import msgspec
import pytest
from audit_chain import Chain, entry
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from yingbin.errors import InvalidInput
from yingbin.trust.audit import export
from yingbin.trust.audit.check import Checker, contradictions
from yingbin.trust.audit.record import GENESIS, Head, Pseudonyms, Record, head_of, link, sign
from yingbin.trust.devices import DeviceKey


def change_of(column: str) -> str:
    return f"UPDATE audit_records SET {column} = {column} || 'x' WHERE seq = 7"  # noqa: S608


def test_C12_an_untouched_chain_is_whole(chain: Chain) -> None:
    assert chain.fault() is None
    assert chain.fault(chain.head()) is None


@pytest.mark.parametrize(
    "column",
    ["actor_kind", "actor_id", "role", "action", "object_kind", "object_id", "outcome", "request_id", "details"],
)
def test_C12_a_changed_record_is_found(chain: Chain, column: str) -> None:
    chain.tamper(change_of(column))
    fault = chain.fault()
    assert fault
    assert (fault.seq, "was changed" in fault.what) == (7, True)


def test_C12_a_changed_time_is_found(chain: Chain) -> None:
    chain.tamper("UPDATE audit_records SET at_ms = at_ms - 1 WHERE seq = 7")
    assert str(chain.fault()) == "hangzhou, record 7: was changed: its hash is not that of its content"


def test_C12_a_record_replaced_together_with_its_hash_is_found(chain: Chain) -> None:
    with chain.database.read() as session:
        record = next(record for record, _ in chain.ledger.records(session, 6))
    forged = msgspec.structs.replace(record, action="nothing_to_see")
    with_its_hash = f"action = 'nothing_to_see', hash = x'{forged.hash.hex()}'"
    chain.tamper(f"UPDATE audit_records SET {with_its_hash} WHERE seq = 7")  # noqa: S608
    fault = chain.fault()
    assert fault
    assert fault.seq == 8
    assert "record 7" in fault.what


def test_C12_a_removed_record_is_found(chain: Chain) -> None:
    chain.tamper("DELETE FROM audit_records WHERE seq = 7")
    assert str(chain.fault()) == "hangzhou, record 7: 7 is missing"


def test_C12_a_record_removed_and_the_rest_renumbered_is_found(chain: Chain) -> None:
    chain.tamper("DELETE FROM audit_records WHERE seq = 7", "UPDATE audit_records SET seq = seq - 1 WHERE seq > 7")
    fault = chain.fault()
    assert fault
    assert fault.seq == 7


def test_C12_records_that_changed_places_are_found(chain: Chain) -> None:
    chain.tamper(
        "UPDATE audit_records SET seq = 70 WHERE seq = 7",
        "UPDATE audit_records SET seq = 7 WHERE seq = 8",
        "UPDATE audit_records SET seq = 8 WHERE seq = 70",
    )
    fault = chain.fault()
    assert fault
    assert fault.seq == 7


def test_C12_a_truncated_tail_is_found(chain: Chain) -> None:
    chain.tamper("DELETE FROM audit_records WHERE seq > 15")
    fault = chain.fault()
    assert fault
    assert fault.seq == 16


def test_C12_a_tail_truncated_together_with_its_head_is_found_by_an_anchor(chain: Chain) -> None:
    anchor = chain.head()
    chain.tamper(
        "DELETE FROM audit_records WHERE seq > 15",
        "UPDATE audit_heads SET seq = 15, hash = (SELECT hash FROM audit_records WHERE seq = 15)",
    )
    assert chain.fault() is None  # nothing here tells it: that is what anchors are for
    fault = chain.fault(anchor)
    assert fault
    assert fault.seq == 16
    assert "truncated" in fault.what


def test_C12_a_chain_written_anew_and_signed_again_is_found_by_an_anchor(chain: Chain) -> None:
    anchor = chain.head()
    chain.tamper("DELETE FROM audit_records", "UPDATE audit_heads SET seq = 0, hash = zeroblob(32)")
    chain.add(25)
    assert chain.fault() is None
    fault = chain.fault(anchor)
    assert fault
    assert fault.seq == 20
    assert "written anew" in fault.what
    assert contradictions([anchor, sign(chain.head().head, chain.key)]) == []
    with chain.database.read() as session:
        assert "not the one" in chain.ledger.contradicts(session, anchor)


def test_C12_a_forked_chain_shows_in_its_anchors(chain: Chain) -> None:
    honest = chain.head()
    other = sign(Head("hangzhou", honest.head.seq, bytes(32), 1), chain.key)
    assert [fault.seq for fault in contradictions([honest, other])] == [20]


def test_C12_an_anchor_that_the_writer_has_not_signed_is_named(chain: Chain) -> None:
    fault = chain.fault(sign(chain.head().head, DeviceKey.generate()))
    assert fault
    assert "not signed" in fault.what


def test_C12_records_of_another_writer_are_named(chain: Chain) -> None:
    chain.tamper("UPDATE audit_records SET writer = 'ningbo' WHERE seq = 20")
    with chain.database.read() as session:
        assert [one.writer for one in chain.ledger.check_foreign(session)] == ["ningbo"]
    assert chain.fault()


def test_C12_the_tables_refuse_changes(chain: Chain) -> None:
    with chain.database.write() as session:
        chain.ledger.keep_anchor(session, chain.head(), chain.key.public_bytes)
    for statement in (
        "UPDATE audit_records SET action = 'x' WHERE seq = 7",
        "DELETE FROM audit_records WHERE seq = 7",
        "UPDATE audit_anchors SET seq = 1",
        "DELETE FROM audit_anchors",
    ):
        with pytest.raises(IntegrityError, match="append-only"), chain.database.write() as session:
            session.execute(text(statement))


def _made(count: int) -> tuple[list[tuple[Record, bytes]], DeviceKey]:
    key, head, found = DeviceKey.generate(), Head("w", 0, GENESIS, 0), []
    for number in range(1, count + 1):
        record = link(entry(number), Pseudonyms(bytes(32)), head, 1_790_000_000_000 + number)
        found.append((record, record.hash))
        head = head_of(record)
    return found, key


_CHAIN, _KEY = _made(6)


def _altered(value: Any, position: int, bits: int) -> Any:
    if isinstance(value, int):
        return value ^ (bits << 8 * (position % 6))
    if isinstance(value, bytes):
        at = position % len(value)
        return value[:at] + bytes([value[at] ^ bits]) + value[at + 1 :]
    if not value:
        return chr(bits)
    at = position % len(value)
    return value[:at] + chr(ord(value[at]) ^ bits) + value[at + 1 :]


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(_CHAIN) - 1),
    field=st.sampled_from((*Record.__struct_fields__, "hash")),
    position=st.integers(0, 200),
    bits=st.integers(1, 255),
)
def test_C12_any_single_byte_changed_in_any_record_is_found(at: int, field: str, position: int, bits: int) -> None:
    record, stored = _CHAIN[at]
    if field == "hash":
        stored = _altered(stored, position, bits)
    else:
        record = msgspec.structs.replace(record, **{field: _altered(getattr(record, field), position, bits)})
    checker = Checker("w", _KEY.public_bytes)
    checker.follow([*_CHAIN[:at], (record, stored), *_CHAIN[at + 1 :]])
    assert checker.finish(head_of(_CHAIN[-1][0]))


@pytest.mark.parametrize("form", export.FORMATS)
def test_C12_an_export_verifies_off_line_and_shows_every_change(chain: Chain, form: str) -> None:
    target = io.StringIO()
    with chain.database.read() as session:
        assert export.write(target, chain.ledger.records(session, 4, 12), "hangzhou", chain.key, form) == 8
    whole = target.getvalue()

    def fault(content: str, public_key: bytes | None = chain.key.public_bytes) -> Any:
        return export.verify(io.StringIO(content), public_key)[0].fault

    assert fault(whole) is None
    assert fault(whole, None) is None
    assert "not signed" in str(fault(whole, DeviceKey.generate().public_bytes))
    lines = whole.splitlines(keepends=True)
    body = 2 if form == "csv" else 1
    assert fault(whole.replace("card_shown", "card_hidden", 1))
    assert fault("".join(lines[: body + 2] + lines[body + 3 :]))
    assert fault("".join([*lines[: body + 1], lines[body + 2], lines[body + 1], *lines[body + 3 :]]))
    assert "truncated" in str(fault("".join(lines[:-1])))
    assert fault("".join([*lines[:-2], lines[-1]]))
    assert fault("".join([*lines[:body], *lines[body + 1 :]])) is None  # a shorter excerpt of the same true chain
    with pytest.raises(InvalidInput):
        fault("name,age\n张三,30\n")
