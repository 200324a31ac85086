"""The alarm of a broken trail: raised at once, never taken back, acknowledged by the next check (C12)."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from audit_chain import Chain, Restored
from prometheus_client import REGISTRY

from yingbin.errors import InvalidInput
from yingbin.trust.audit import acknowledge
from yingbin.trust.audit.alarms import ACKNOWLEDGED, BROKEN, STATE
from yingbin.trust.audit.exchange import Anchoring, Exchange
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import SignedHead
from yingbin.trust.audit.restored import stated
from yingbin.trust.devices import DeviceKey


@pytest.fixture(autouse=True)
def _as_after_a_start() -> Iterator[None]:
    STATE.clear()
    yield
    STATE.clear()


def alarm() -> float | None:
    return REGISTRY.get_sample_value("yingbin_audit_broken", {"writer": "hangzhou"})


class Keeper:
    """The other tier, which keeps the heads of a chain."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self._other = Chain(f"sqlite:///{folder / 'province.db'}", 1)
        self.database = self._other.database
        self.ledger = Ledger("province", self._other.key, self._other.ledger.pseudonyms, self._other.ledger.tables)
        self.database.recorder = self.ledger
        self._public_key = chain.key.public_bytes
        self.anchoring = Anchoring(self.database, self.ledger)

    def told(self, signed: SignedHead) -> float | None:
        """Take a head as it comes every minute; return the alarm."""
        self.anchoring.take("hangzhou", Exchange(signed, None, self._public_key))
        return alarm()


def sent_back(chain: Chain, anchoring: Anchoring, signed: SignedHead) -> float | None:
    """Tell the chain's own server which head of it the other tier keeps; return the alarm."""
    anchoring.take("province", Exchange(None, signed, chain.key.public_bytes))
    return alarm()


def lost(chain: Chain, heads: list[SignedHead]) -> bytes:
    """Acknowledge the loss where it happened; return the statement."""
    gap = acknowledge.loss(chain.database, chain.ledger, heads, "cli:root", "it-1", "disk failed, backup of 02:00")
    return msgspec.json.encode(gap)


def test_C12_the_restored_tiers_alarm_is_acknowledged_by_the_next_check_and_never_clean(restored: Restored) -> None:
    chain, heads = restored
    anchoring = Anchoring(chain.database, chain.ledger)
    assert sent_back(chain, anchoring, heads[0]) is None
    assert sent_back(chain, anchoring, heads[-1]) == BROKEN
    chain.add(20)
    assert sent_back(chain, anchoring, chain.head()) == BROKEN, "it goes on, and does not heal"
    lost(chain, heads)
    for kept in (heads[-1], chain.head(), heads[0]):
        assert sent_back(chain, anchoring, kept) == ACKNOWLEDGED
    STATE.clear()
    assert sent_back(chain, Anchoring(chain.database, chain.ledger), chain.head()) == ACKNOWLEDGED, "and after a start"


def test_C12_the_other_tiers_alarm_is_acknowledged_by_the_same_statement(restored: Restored, tmp_path: Path) -> None:
    chain, heads = restored
    keeper = Keeper(chain, tmp_path)
    assert {keeper.told(head) for head in heads} == {None}
    chain.add(1)  # record 9, as there was one before
    assert keeper.told(chain.head()) == BROKEN
    chain.add(20)
    assert keeper.told(chain.head()) == BROKEN
    acknowledge.loss_elsewhere(keeper.database, keeper.ledger, lost(chain, heads), "cli:root", "it-2")
    for _ in range(2):
        chain.add(1)
        assert keeper.told(chain.head()) == ACKNOWLEDGED


def test_C12_what_an_acknowledgement_does_not_explain_keeps_the_alarm_on(restored: Restored, tmp_path: Path) -> None:
    """The statement names record 10 to 12; it was record 9 that raised the alarm."""
    chain, heads = restored
    keeper = Keeper(chain, tmp_path)
    for head in heads:
        keeper.told(head)
    chain.add(1)
    keeper.told(chain.head())
    chain.add(20)
    part = stated([heads[3].head], [heads[2].head], "somebody", "half of it", chain.key)
    acknowledge.loss_elsewhere(keeper.database, keeper.ledger, msgspec.json.encode(part), "cli:root", "it-2")
    assert keeper.told(chain.head()) == BROKEN
    acknowledge.loss_elsewhere(keeper.database, keeper.ledger, lost(chain, heads), "cli:root", "it-2")
    assert keeper.told(chain.head()) == ACKNOWLEDGED


def test_C12_a_second_loss_raises_the_alarm_again(restored: Restored) -> None:
    chain, heads = restored
    anchoring = Anchoring(chain.database, chain.ledger)
    lost(chain, heads)
    later = chain.head()  # of after the restore
    assert sent_back(chain, anchoring, later) == ACKNOWLEDGED
    chain.tamper(
        "DELETE FROM audit_records WHERE seq = (SELECT MAX(seq) FROM audit_records)",
        "UPDATE audit_heads SET (seq, hash) = (SELECT seq, hash FROM audit_records ORDER BY seq DESC LIMIT 1)",
    )
    assert sent_back(chain, anchoring, later) == BROKEN
    assert sent_back(chain, anchoring, heads[0]) == BROKEN


def test_C12_a_forged_head_raises_no_alarm(restored: Restored, tmp_path: Path) -> None:
    chain, heads = restored
    keeper = Keeper(chain, tmp_path)
    keeper.told(heads[-1])
    forged = SignedHead(msgspec.structs.replace(heads[-1].head, hash=bytes(32)), DeviceKey.generate().sign(b"x"))
    with pytest.raises(InvalidInput, match="not signed"):
        keeper.told(forged)
    assert alarm() is None
