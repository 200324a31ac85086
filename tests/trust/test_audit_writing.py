"""Writing the audit trail (C12): with the change or not at all, in one chain, in groups; cutting it; pseudonyms."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from audit_chain import Chain, entry
from sqlalchemy import text

from yingbin.errors import Unavailable
from yingbin.storage.city import BranchSequence
from yingbin.storage.database import Database
from yingbin.trust.audit.batch import Batcher
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import Entry, Head, Pseudonyms, sign
from yingbin.trust.devices import DeviceKey


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
    assert chain.cut(at_ms + 1, at_once=8) == [8, 8, 3]
    assert chain.cut(0) == []
    assert chain.fault(early) is None
    chain.tamper("DELETE FROM audit_records WHERE seq = 20")
    assert chain.fault()


def test_C12_only_a_cut_can_delete_and_it_tells_of_itself(tmp_path: Path) -> None:
    chain = Chain(f"sqlite:///{tmp_path / 'c.db'}", 5)
    assert chain.cut(2**60) == [4]
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
