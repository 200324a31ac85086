"""The audit trail (C12): what is appended, and that nothing can be done to it without showing."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from audit_chain import Chain, entry
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from yingbin.errors import InvalidInput, Unavailable
from yingbin.storage.city import BranchSequence
from yingbin.storage.database import Database
from yingbin.trust.audit import export
from yingbin.trust.audit.batch import Batcher
from yingbin.trust.audit.check import Checker, contradictions
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import GENESIS, Entry, Head, Pseudonyms, Record, head_of, link, sign
from yingbin.trust.devices import DeviceKey


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(f"sqlite:///{tmp_path / 'city.db'}", 20)


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


# --- writing


def test_C12_what_is_rolled_back_leaves_neither_change_nor_record(chain: Chain) -> None:
    def fail() -> None:
        with chain.database.write() as session:
            session.add(BranchSequence(branch_id="b", seq=1))
            note(session, entry(21))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with chain.database.read() as session:
        assert session.get(BranchSequence, "b") is None
    assert chain.head().head.seq == 20


def test_C12_without_a_trail_nothing_can_be_noted(tmp_path: Path, chain: Chain) -> None:
    bare = Database(f"sqlite:///{tmp_path / 'bare.db'}")
    with pytest.raises(RuntimeError, match="no audit trail"), bare.write() as session:
        note(session, entry(1))
    with pytest.raises(RuntimeError, match="no audit trail"), chain.database.read() as session:
        note(session, entry(1))


def test_C12_a_record_that_cannot_be_written_undoes_the_change(chain: Chain) -> None:
    chain.tamper("DROP TABLE audit_heads")

    def change() -> None:
        with chain.database.write() as session:
            session.add(BranchSequence(branch_id="b", seq=1))
            note(session, entry(21))

    with pytest.raises(Unavailable):
        change()
    with chain.database.read() as session:
        assert session.get(BranchSequence, "b") is None


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from audit_chain import Chain, entry
from yingbin.storage.city import BranchSequence
from yingbin.trust.audit.ledger import note
chain = Chain("sqlite:///" + sys.argv[1])
class Killed:
    def opened(self, session): chain.ledger.opened(session)
    def closing(self, session):
        chain.ledger.closing(session)
        os.kill(os.getpid(), signal.SIGKILL)
chain.database.recorder = Killed()
with chain.database.write() as session:
    session.add(BranchSequence(branch_id="b", seq=1))
    note(session, entry(1))
"""


def test_C12_a_kill_between_record_and_commit_leaves_neither(tmp_path: Path) -> None:
    path = tmp_path / "city.db"
    chain = Chain(f"sqlite:///{path}", 3)
    helpers = str(Path(__file__).parents[1] / "helpers")
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path), helpers], check=False)
    assert done.returncode == -signal.SIGKILL
    with chain.database.read() as session:
        assert session.get(BranchSequence, "b") is None
    assert chain.head().head.seq == 3
    assert chain.fault() is None


def test_C12_threads_that_write_at_once_make_one_unbroken_chain(chain: Chain) -> None:
    chain.write_at_once(40)
    assert chain.head().head.seq == 60
    assert chain.fault() is None


def test_C12_a_retention_cut_leaves_a_chain_that_can_be_verified(chain: Chain) -> None:
    early = chain.head()
    with chain.database.read() as session:
        at_ms = [record.at_ms for record, _ in chain.ledger.records(session)][-1]
    chain.tamper()  # the cut needs no trigger dropped; that it works with them is the next test
    with chain.database.write() as session:
        assert chain.ledger.cut(session, at_ms + 1) == 19
    assert chain.fault(early) is None
    chain.tamper("DELETE FROM audit_records WHERE seq = 20")
    assert chain.fault()


def test_C12_only_a_cut_can_delete_and_it_tells_of_itself(tmp_path: Path) -> None:
    chain = Chain(f"sqlite:///{tmp_path / 'c.db'}", 5)
    with chain.database.write() as session:
        chain.ledger.cut(session, 2**60)
    with chain.database.read() as session:
        left = [record for record, _ in chain.ledger.records(session)]
    assert [(one.seq, one.action) for one in left] == [(5, "card_shown"), (6, "audit_cut")]
    assert chain.fault() is None
    key = DeviceKey.generate()
    forged = sign(Head("hangzhou", 5, left[0].hash, 1), key)
    with chain.database.write() as session:
        session.execute(
            chain.ledger.tables.checkpoints.insert(),
            [{**msgspec.structs.asdict(forged.head), "signature": forged.signature}],
        )
        session.execute(text("DELETE FROM audit_records WHERE seq <= 5"))
    fault = chain.fault()
    assert fault
    assert "not signed" in fault.what


# --- pseudonyms


def test_C12_ids_of_people_are_pseudonyms_that_the_key_resolves(chain: Chain) -> None:
    with chain.database.read() as session:
        record = next(record for record, _ in chain.ledger.records(session))
    assert (record.actor_kind, record.actor_id) == ("staff", chain.ledger.pseudonyms.of("staff", "rm-1"))
    assert record.object_id == chain.ledger.pseudonyms.of("customer", "c-1")
    assert "rm-1" not in repr(record)
    assert "c-1" not in record.object_id
    assert Pseudonyms(bytes(32)).of("customer", "c-1") != record.object_id
    assert chain.ledger.pseudonyms.of("customer", "c-1") != chain.ledger.pseudonyms.of("staff", "c-1")


def test_C12_only_made_up_ids_of_things_stand_in_clear() -> None:
    pseudonyms = Pseudonyms(bytes(32))
    assert pseudonyms.of("camera", "0192-aa") == "0192-aa"
    assert pseudonyms.of("camera", "张三 was here") != "张三 was here"


# --- any single byte


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


# --- export


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


# --- in groups


async def test_C12_entries_that_come_at_once_share_a_transaction() -> None:
    written: list[int] = []

    async def write(entries: Sequence[Entry]) -> None:
        await asyncio.sleep(0)
        written.append(len(entries))

    batcher = Batcher(write)
    await asyncio.gather(*(batcher.record([entry(number)]) for number in range(10)))
    assert sum(written) == 10
    assert len(written) < 10


async def test_C12_whoever_could_not_be_recorded_is_told_and_the_next_is_recorded() -> None:
    full = True

    async def write(_: Sequence[Entry]) -> None:
        if full:
            raise Unavailable("the disk is full")

    batcher = Batcher(write)
    told = await asyncio.gather(*(batcher.record([entry(number)]) for number in range(3)), return_exceptions=True)
    assert [type(error) for error in told] == [Unavailable] * 3
    full = False
    await batcher.record([entry(4)])
