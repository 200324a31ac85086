"""Is a chain what its writer once said it was? Pure; reads each record once, in order.

A chain that was computed anew and signed again is whole in itself: only heads that the other tier keeps (anchors) tell
it from the true one, so what they do not reach is reported as such.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from yingbin.trust.audit.record import GENESIS, Head, Record, SignedHead, is_signed
from yingbin.trust.audit.restored import Gap, gap_of, uncovered


class Fault(msgspec.Struct, frozen=True):
    """The first thing that is wrong with a chain: at which record, and what, in words for an auditor."""

    writer: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.writer}, record {self.seq}: {self.what}"


class Checker:
    """Follows one chain. `anchors`: its heads as kept elsewhere, in any order; `cut`: where a retention cut ended.

    Feed it records with `follow`, as many times as you like, then ask `finish`. After the first fault it looks no
    further.
    """

    def __init__(
        self, writer: str, public_key: bytes, anchors: Iterable[SignedHead] = (), cut: SignedHead | None = None
    ) -> None:
        self.writer = writer
        self.fault: Fault | None = None
        self.gaps: list[Gap] = []
        """Records that are lost by a restore, as the chain itself says. A chain with a gap is not whole."""
        self.checked = 0
        self.anchored_up_to = 0
        self._public_key = public_key
        self._cut = cut.head if cut else None
        self._cut_is_told = cut is None
        self.last = self._cut or Head(writer, 0, GENESIS, 0)
        self._anchors: list[SignedHead] = []
        self._doubts: list[tuple[Head, Fault]] = []
        if cut is not None and not is_signed(cut, public_key):
            self._found(cut.head.seq, "the checkpoint of a retention cut is not signed with the writer's key")
        self.expect(anchors)

    @classmethod
    def broken(cls, fault: Fault) -> Self:
        """Return a checker that has found a fault already."""
        checker = cls(fault.writer, b"")
        checker.fault = fault
        return checker

    def expect(self, anchors: Iterable[SignedHead]) -> None:
        """Add anchors of records that were not followed yet, or of those a cut removed."""
        for anchor in sorted(anchors, key=lambda one: one.head.seq):
            if not is_signed(anchor, self._public_key):
                self._found(anchor.head.seq, "a head kept elsewhere is not signed with the writer's key")
            elif self._cut and anchor.head.seq == self._cut.seq and anchor.head.hash != self._cut.hash:
                self._found(anchor.head.seq, "the retention cut does not end where the other tier was told")
            elif anchor.head.seq > self.last.seq:
                self._anchors.append(anchor)
        self._anchors.sort(key=lambda one: one.head.seq, reverse=True)

    def follow(self, records: Iterable[tuple[Record, bytes]]) -> Fault | None:
        """Check records with the hashes stored beside them; return the first fault so far."""
        for record, stored in records:
            if self.fault is not None:
                break
            self._one(record, stored)
        return self.fault

    def finish(self, head: Head | None = None) -> Fault | None:
        """Check that the chain ends where `head` and the anchors say; return the first fault of all.

        What contradicts an anchor is a fault unless the chain acknowledges that the record was lost by a restore.
        """
        missing = [
            (
                one.head,
                Fault(
                    self.writer,
                    self.last.seq + 1,
                    f"is missing: the chain was truncated after record {self.last.seq}, but the other tier was told "
                    f"of record {one.head.seq}",
                ),
            )
            for one in reversed(self._anchors)
        ]
        doubts = [fault for of, fault in self._doubts + missing if not any(gap.covers(of) for gap in self.gaps)]
        if doubts and (self.fault is None or doubts[0].seq <= self.fault.seq):
            self.fault = doubts[0]
        if self.fault is None and head is not None and (head.seq, head.hash) != (self.last.seq, self.last.hash):
            where = self.last.seq + 1 if head.seq > self.last.seq else self.last.seq
            self._found(where, f"the chain ends with record {self.last.seq}, but its head names {head.seq}")
        if self.fault is None and not self._cut_is_told:
            self._found(self.last.seq, "records were removed by a checkpoint that no record of the trail tells of")
        return self.fault

    def _one(self, record: Record, stored: bytes) -> None:
        expected = self.last.seq + 1
        if record.writer != self.writer:
            self._found(expected, f"is of another writer, {record.writer}")
        elif record.seq != expected:
            gone = f"{expected} to {record.seq - 1} are" if record.seq - 1 > expected else f"{expected} is"
            moved = record.seq < expected
            self._found(expected, f"record {record.seq} is in its place: out of order" if moved else f"{gone} missing")
        elif record.hash != stored:
            self._found(expected, "was changed: its hash is not that of its content")
        elif record.prev_hash != self.last.hash:
            before = "the cut" if expected > 1 and self._cut and self.last == self._cut else f"record {expected - 1}"
            self._found(expected, f"does not follow {before}: one of the two was replaced")
        if self.fault is not None:
            return
        self.last = Head(record.writer, record.seq, stored, record.at_ms)
        self.checked += 1
        if record.action == "audit_cut" and self._cut and f'"up_to":{self._cut.seq}' in record.details:
            self._cut_is_told = True
        if (gap := gap_of(record, self._public_key)) is not None and gap.writer == self.writer:
            self.gaps.append(gap)
        while self._anchors and self._anchors[-1].head.seq == record.seq:
            anchor = self._anchors.pop().head
            if anchor.hash == stored:
                self.anchored_up_to = record.seq
            else:
                what = "is not the one that the other tier was told of: the chain was written anew up to here"
                self._doubts.append((anchor, Fault(self.writer, record.seq, what)))

    def _found(self, seq: int, what: str) -> None:
        if self.fault is None:
            self.fault = Fault(self.writer, seq, what)


def contradictions(heads: Sequence[SignedHead], gaps: Sequence[Gap] = ()) -> list[Fault]:
    """Return where anchors contradict each other: two different records of one writer and number, and no `gaps`."""
    by_seq: dict[tuple[str, int], bytes] = {}
    found = []
    for signed in uncovered(heads, gaps):
        head = signed.head
        if by_seq.setdefault((head.writer, head.seq), head.hash) != head.hash:
            found.append(Fault(head.writer, head.seq, "its writer has signed two different ones: it forked its chain"))
    return found
