"""A chain whose database was restored from a backup (C12): broken until somebody answers for it, and never whole."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from audit_chain import Chain, Restored

from yingbin.errors import InvalidInput
from yingbin.trust.audit import acknowledge
from yingbin.trust.audit.check import Checker, contradictions
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import Head, SignedHead, sign
from yingbin.trust.audit.restored import Gap
from yingbin.trust.devices import DeviceKey


def checked(chain: Chain, heads: list[SignedHead]) -> Checker:
    with chain.database.read() as session:
        checker = chain.ledger.checker(session, heads)
        checker.follow(chain.ledger.records(session, checker.last.seq))
        checker.finish(chain.ledger.head(session))
        return checker


def acknowledged(chain: Chain, heads: list[SignedHead]) -> Gap:
    return acknowledge.loss(chain.database, chain.ledger, heads, "cli:root", "it-1", "disk failed, backup of 02:00")


def test_C12_a_restored_backup_is_broken_until_it_is_acknowledged_and_never_whole(restored: Restored) -> None:
    chain, heads = restored
    before = checked(chain, heads)
    assert before.fault is not None
    assert before.fault.seq == 9, "which is the first that the other tier was told of and that is not there"
    gap = acknowledged(chain, heads)
    assert (gap.writer, gap.first, gap.last, gap.why) == ("hangzhou", 7, 12, "disk failed, backup of 02:00")
    for more in (0, 1, 20):  # the chain passes the numbers that were lost
        chain.add(more)
        after = checked(chain, heads)
        assert (after.fault, after.gaps) == (None, [gap])
        assert after.anchored_up_to == 6
    assert "it-1" not in str(gap)
    assert chain.ledger.pseudonyms.of("staff", "it-1") in str(gap)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda chain: chain.tamper("UPDATE audit_records SET role = 'x' WHERE seq = 7"),
        lambda chain: chain.tamper("DELETE FROM audit_records WHERE seq = 5"),
        lambda chain: chain.tamper("DELETE FROM audit_records WHERE action = 'audit_restored'"),
    ],
    ids=["a record of after the restore changed", "one of before removed", "the statement itself removed"],
)
def test_C12_an_acknowledged_gap_hides_nothing_else(restored: Restored, meanwhile: Callable[[Chain], None]) -> None:
    chain, heads = restored
    acknowledged(chain, heads)
    meanwhile(chain)
    assert checked(chain, heads).fault


def test_C12_a_second_loss_is_not_covered_by_the_first_acknowledgement(restored: Restored) -> None:
    chain, heads = restored
    gap = acknowledged(chain, heads)
    later = chain.head()  # of after the restore, with a number in the gap
    assert gap.first <= later.head.seq <= gap.last
    chain.tamper(
        "DELETE FROM audit_records WHERE seq > 7",
        "UPDATE audit_heads SET seq = 7, hash = (SELECT hash FROM audit_records WHERE seq = 7)",
    )
    assert checked(chain, [*heads, later]).fault


def test_C12_nobody_without_the_key_acknowledges_anything(restored: Restored) -> None:
    chain, heads = restored
    gap = acknowledged(chain, heads)
    forged = msgspec.structs.replace(gap, first=1, last=99)
    with chain.database.write() as session:
        chain.ledger.append(session, [forged.entry("cli:root", "it-1")])
    assert checked(chain, heads).gaps == [gap]
    stranger = SignedHead(heads[-1].head, DeviceKey.generate().sign(b"x"))
    with pytest.raises(InvalidInput, match="not signed"):
        acknowledged(chain, [stranger])
    with pytest.raises(InvalidInput, match="nothing is lost"):
        acknowledged(chain, heads[:2])
    with pytest.raises(InvalidInput, match="say why"):
        acknowledge.loss(chain.database, chain.ledger, [*heads, later_lost(chain)], "cli:root", "it-1", " ")


def later_lost(chain: Chain) -> SignedHead:
    return sign(Head("hangzhou", 99, bytes(32), 2**50), chain.key)


def test_C12_the_other_tier_acknowledges_what_the_restored_one_has_signed(restored: Restored, tmp_path: Path) -> None:
    chain, heads = restored
    other = Chain(f"sqlite:///{tmp_path / 'other.db'}", 1)
    keeper = Ledger("province", other.key, other.ledger.pseudonyms, other.ledger.tables)
    other.database.recorder = keeper

    def told(signed: SignedHead) -> str:
        with other.database.write() as session:
            wrong = keeper.went_back(session, signed, 2**60)
            keeper.keep_anchor(session, signed, chain.key.public_bytes)
        return wrong

    for head in heads:
        assert told(head) == ""
    chain.add(1)  # record 9, as there was one before
    assert "written anew" in told(chain.head())
    gap = acknowledged(chain, heads)
    other_says = msgspec.json.encode(msgspec.structs.replace(gap, last=50))
    with pytest.raises(InvalidInput, match="not signed"):
        acknowledge.loss_elsewhere(other.database, keeper, other_says, "cli:root", "it-2")
    with pytest.raises(InvalidInput, match="not what"):
        acknowledge.loss_elsewhere(other.database, keeper, b"{}", "cli:root", "it-2")
    acknowledge.loss_elsewhere(other.database, keeper, msgspec.json.encode(gap), "cli:root", "it-2")
    assert told(chain.head()) == ""
    with other.database.read() as session:
        assert keeper.gaps(session, "hangzhou") == [gap]
        assert not any(fault.writer == "hangzhou" and "forked" in fault.what for fault in faults_of(keeper, session))
    with chain.database.read() as session:  # and the alarm of the restored one falls silent, whatever it is sent back
        assert [chain.ledger.contradicts(session, head) for head in heads] == [""] * len(heads)


def faults_of(keeper: Ledger, session: object) -> list[object]:
    return [checker.fault for checker in keeper.check_foreign(session)]  # type: ignore[arg-type]


def test_C12_heads_of_two_cities_with_the_same_number_are_no_fork() -> None:
    key = DeviceKey.generate()
    heads = [sign(Head(writer, 7, bytes([n]) * 32, n), key) for n, writer in enumerate(("chengdu", "hangzhou"))]
    assert contradictions(heads) == []
    assert len(contradictions([*heads, sign(Head("hangzhou", 7, b"x" * 32, 3), key)])) == 1
