"""A chain that goes on from a restored backup. What came after the backup is lost, and stays lost: it is told, signed.

The other tier keeps heads of the lost records, so the chain contradicts them for good. A statement, made by whoever
restored it and recorded in the chain itself, and in the other tier's, says which; verification then calls the gap
acknowledged, and never the chain whole. Heads that the writer made after the restore are outside of it: what they tell
of must be there.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from yingbin.errors import InvalidInput, NotAuthenticated
from yingbin.trust.audit.record import Entry, Head, Record, SignedHead
from yingbin.trust.devices import DeviceKey, verify_signature

ACTION: Final = "audit_restored"
LONGEST_WHY: Final = 200

_encoder = msgspec.msgpack.Encoder(order="deterministic")


class Gap(msgspec.Struct, frozen=True):
    """Records `first` to `last` of `writer` as they were until `until_ms` (UTC ms) are lost, or some of them.

    `by`: who acknowledged it, as the trail names him; `why` in his words. `signature`: hexadecimal, by the writer.
    """

    writer: str
    first: int
    last: int
    until_ms: int
    by: str
    why: str
    signature: str = ""

    def __str__(self) -> str:
        lost = f"{self.writer}, records {self.first} to {self.last}: lost by a restore"
        return f"{lost}, acknowledged by {self.by}: {self.why}"

    def covers(self, head: Head) -> bool:
        """Return whether a head tells of a record that is acknowledged to be lost."""
        return head.writer == self.writer and self.first <= head.seq <= self.last and head.at_ms <= self.until_ms

    def entry(self, actor: str, staff_id: str) -> Entry:
        """Return what is recorded of it, as done by `actor` for a member of staff."""
        details: dict[str, str | int] = {
            "of": self.writer, "first": self.first, "last": self.last, "until_ms": self.until_ms, "by": self.by,
            "why": self.why, "signature": self.signature,
        }  # fmt: skip
        return Entry(actor, "operator", ACTION, "staff", staff_id, details)


def stated(lost: Sequence[Head], kept: Iterable[Head], by: str, why: str, key: DeviceKey) -> Gap:
    """Return the signed statement that the records of `lost` are; `kept`: heads that the chain still has.

    Raises `InvalidInput` for none, or without a reason.
    """
    if not lost:
        raise InvalidInput("these heads are all in the chain: nothing is lost, and nothing to acknowledge")
    if not why.strip() or len(why) > LONGEST_WHY:
        raise InvalidInput(f"say why in 1 to {LONGEST_WHY} characters, e.g. 'disk failed, backup of 02:00 restored'")
    first_lost = min(head.seq for head in lost)
    before = max((head.seq for head in kept if head.seq < first_lost), default=0)
    last, until_ms = max(head.seq for head in lost), max(head.at_ms for head in lost)
    gap = Gap(lost[0].writer, before + 1, last, until_ms, by, why.strip())
    return msgspec.structs.replace(gap, signature=key.sign(_text(gap)).hex())


def is_stated(gap: Gap, public_key: bytes) -> bool:
    """Return whether the owner of `public_key` made this statement."""
    try:
        verify_signature(public_key, bytes.fromhex(gap.signature), _text(gap))
    except (NotAuthenticated, ValueError):
        return False
    return True


def gap_of(record: Record, public_key: bytes) -> Gap | None:
    """Return the statement in a record, None when there is none that the owner of `public_key` has signed."""
    if record.action != ACTION:
        return None
    try:
        details = msgspec.json.decode(record.details, type=dict[str, str | int])
        gap = msgspec.convert({**details, "writer": details.pop("of", "")}, Gap)
    except msgspec.MsgspecError:
        return None
    return gap if is_stated(gap, public_key) else None


def uncovered(heads: Iterable[SignedHead], gaps: Sequence[Gap]) -> list[SignedHead]:
    """Return the heads that no gap covers."""
    return [signed for signed in heads if not any(gap.covers(signed.head) for gap in gaps)]


def _text(gap: Gap) -> bytes:
    return _encoder.encode(
        ("yingbin-audit-restored-v1", gap.writer, gap.first, gap.last, gap.until_ms, gap.by, gap.why)
    )
