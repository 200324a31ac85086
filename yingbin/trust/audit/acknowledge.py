"""Acknowledging that a restored backup lost records: where it was restored, then where heads of it are kept."""

from collections.abc import Sequence

import msgspec

from yingbin.errors import InvalidInput
from yingbin.storage.database import Database
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import SignedHead, is_signed, sign
from yingbin.trust.audit.restored import Gap, is_stated, stated


def loss(database: Database, ledger: Ledger, heads: Sequence[SignedHead], actor: str, staff_id: str, why: str) -> Gap:
    """Record in this chain which records it lost, by heads of it kept elsewhere; return the signed statement.

    Raises `InvalidInput` when nothing is lost, or a head is not signed with this chain's key.
    """
    mine = [signed for signed in heads if signed.head.writer == ledger.writer]
    if not all(is_signed(signed, ledger.key.public_bytes) for signed in mine):
        raise InvalidInput("one of these heads is not signed with this trail's key: it is no head of a lost record")
    with database.read() as session:
        gone = [one.head for one in mine if ledger.contradicts(session, sign(one.head, ledger.key))]
    kept = [one.head for one in mine if one.head not in gone]
    gap = stated(gone, kept, ledger.pseudonyms.of("staff", staff_id), why, ledger.key)
    with database.write() as session:
        ledger.append(session, [gap.entry(actor, staff_id)])
    return gap


def loss_elsewhere(database: Database, ledger: Ledger, statement: bytes, actor: str, staff_id: str) -> Gap:
    """Record here the statement of another writer, whose heads are kept here; return it. Raises `InvalidInput`."""
    try:
        gap = msgspec.json.decode(statement, type=Gap)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"this is not what `yingbin audit acknowledge-restore` printed there: {error}") from error
    with database.read() as session:
        public_key = ledger.known_key(session, gap.writer)
    if public_key is None:
        raise InvalidInput(f"no heads of {gap.writer} are kept here, so there is nothing to acknowledge")
    if not is_stated(gap, public_key):
        raise InvalidInput(f"this statement is not signed with the key that {gap.writer}'s heads are signed with")
    with database.write() as session:
        ledger.append(session, [gap.entry(actor, staff_id)])
    return gap
