"""When a copy of galleries may be searched: a city's of the province, a box's of its city."""

from yingbin.galleries.gate import Gate


def test_C5_the_gate_opens_at_the_head_or_alone_but_never_without_a_lease() -> None:
    gate = Gate()
    gate.lease_until_ms = 100
    assert not gate.is_open(50), "nobody knows yet whether changes wait"
    gate.lost()
    assert gate.is_open(50), "the province is away and the lease runs"
    assert not gate.is_open(100)
    assert gate.is_shut(100)
    gate.reached(behind=True)
    assert not gate.is_open(50), "changes wait"
    gate.lost()
    gate.lost()
    assert not gate.is_open(50), "changes are known to wait, whatever the line does"
    gate.applied(200, at_head=False)
    assert not gate.is_open(50)
    gate.applied(200, at_head=True)
    assert gate.is_open(199)
    assert not gate.is_open(200)
