"""What an export tells beside the record: where he was recognised, decisions about him, lists, receipts (PIPL art. 45).

- Visits: the province keeps none, only the trail (C12) of whom a city was told of and whose portrait it saw. What a
  city itself keeps of a visit is gone 12 h after it (`card_retention_h`); `processed_at` names the cities.
- Overdue list: told, in force or ended. He is the bank's own debtor, no law demands secrecy, so the exemptions of
  PIPL art. 18 do not apply; discreet is who learns of it among the staff (C13), so it is told where the role that
  manages the list makes the export. The others' says that theirs leaves this out, whether or not he is on it.
- Police list: not told here (PIPL art. 18 and 35): confidential by the order it rests on; the authority answers.
- Somebody who looks like him: that and when it was decided that they are two people. Neither who, nor the reason, which
  may name him: that would be telling of another person.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec
from pydantic import BaseModel, Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from yingbin.storage.batch import BatchJob, BatchRow
from yingbin.storage.lifecycle import ReceiptRow
from yingbin.storage.province import BranchRow, CameraRow, City, DistinctionRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.audit.ledger import Ledger, as_record
from yingbin.trust.audit.record import DONE, Record
from yingbin.trust.watch import WatchList

_NEWEST_VISITS: Final = 1000
_SEEN: Final = {"matched": "recognised", "portrait_shown": "portrait_shown"}


class VisitHeld(BaseModel):
    """He was recognised by a camera of a branch, or his portrait was shown in a city."""

    at_ms: int
    place: str
    what: Literal["recognised", "portrait_shown"]


class OverdueHeld(BaseModel):
    """An entry of the overdue list about him; `face_kept`: whether a face template is kept for it."""

    state: str
    document_number: str
    issuer: str
    valid_until_ms: int
    proposed_at_ms: int
    ended_at_ms: int | None
    end_reason: str
    face_kept: bool


class ReceiptHeld(BaseModel):
    """A receipt of what he withdrew before."""

    receipt_id: str
    made_at_ms: int
    purposes: list[str]


class RowHeld(BaseModel):
    """A row of a list that was imported or enrolled: what became of it."""

    at_ms: int
    kind: str
    field: str
    outcome: str
    code: str


class Traces(BaseModel):
    """The newest 1,000 visits, and all else there is. `overdue` is null where the caller's role may not tell it."""

    visits: list[VisitHeld]
    told_apart_at_ms: list[int] = Field(description="when it was decided that he and somebody alike are two people")
    overdue: list[OverdueHeld] | None
    receipts: list[ReceiptHeld]
    list_rows: list[RowHeld]


def held(session: Session, ledger: Ledger, customer_id: str, customer_ref: str, *, tell_overdue: bool) -> Traces:
    """Return the traces of a customer; `customer_ref`: his name in receipts."""
    return Traces(
        visits=_visits(session, ledger, customer_id),
        told_apart_at_ms=_told_apart(session, customer_id),
        overdue=_overdue(session, customer_id) if tell_overdue else None,
        receipts=_receipts(session, customer_ref),
        list_rows=_list_rows(session, customer_id),
    )


def lines(traces: Traces, say: Callable[[str, str], str], time: Callable[[int], str]) -> Iterator[str]:
    """Yield the text to print. `say` chooses between Chinese and English, `time` writes an instant."""
    none = say("- 无", "- none")
    what = {"recognised": say("被识别", "recognised"), "portrait_shown": say("画像被查看", "portrait shown")}
    yield say("到店与查看记录:", "Visits and views:")
    yield from [f"- {time(one.at_ms)}, {one.place}: {what[one.what]}" for one in traces.visits] or [none]
    yield ""
    yield say("与相貌相近客户的区分:", "Told apart from somebody alike:")
    yield from [f"- {time(at_ms)}" for at_ms in traces.told_apart_at_ms] or [none]
    yield ""
    yield say("逾期名单:", "Overdue list:")
    if traces.overdue is None:
        yield say("- 本份不含此项;请由名单管理员出具", "- not part of this copy; ask the gallery administrator for his")
    else:
        yield from [_overdue_line(one, say, time) for one in traces.overdue] or [none]
    yield ""
    yield say("以往撤回的回执:", "Receipts of earlier withdrawals:")
    yield from [f"- {time(one.made_at_ms)}: {one.receipt_id}" for one in traces.receipts] or [none]
    yield ""
    yield say("批量导入记录:", "Rows of imported lists:")
    rows = [f"- {time(one.at_ms)}: {one.kind} {one.field} {one.outcome} {one.code}" for one in traces.list_rows]
    yield from [" ".join(row.split()) for row in rows] or [none]


def _overdue_line(one: OverdueHeld, say: Callable[[str, str], str], time: Callable[[int], str]) -> str:
    until = f"{say('有效至', 'valid until')} {time(one.valid_until_ms)}"
    ended = f"; {say('结束于', 'ended')} {time(one.ended_at_ms)}" if one.ended_at_ms is not None else ""
    face = f"; {say('留存人脸特征模板', 'a face template is kept')}" if one.face_kept else ""
    return f"- {time(one.proposed_at_ms)}: {one.document_number}, {one.issuer}, {until}{ended}{face}"


def _visits(session: Session, ledger: Ledger, customer_id: str) -> list[VisitHeld]:
    table = ledger.tables.records
    about = (
        table.c.writer == ledger.writer,
        table.c.object_id == ledger.pseudonyms.of("customer", customer_id),
        table.c.action.in_(_SEEN),
        table.c.outcome == DONE,
    )
    newest = select(table).where(*about).order_by(table.c.seq.desc()).limit(_NEWEST_VISITS)
    records = [as_record(row)[0] for row in session.execute(newest)]
    return [
        VisitHeld.model_validate(
            {"at_ms": one.at_ms, "place": _place(session, one), "what": _SEEN[one.action]}
        )
        for one in reversed(records)
    ]  # fmt: skip


def _place(session: Session, record: Record) -> str:
    details = msgspec.json.decode(record.details)
    camera = session.get(CameraRow, details.get("camera", ""))
    branch = session.get(BranchRow, camera.branch_id) if camera else None
    city = session.get(City, details.get("city", ""))
    return branch.name_zh if branch else city.name if city else "—"


def _told_apart(session: Session, customer_id: str) -> list[int]:
    either = or_(DistinctionRow.customer_id == customer_id, DistinctionRow.other_id == customer_id)
    return list(session.scalars(select(DistinctionRow.at_ms).where(either).order_by(DistinctionRow.at_ms)))


def _overdue(session: Session, customer_id: str) -> list[OverdueHeld]:
    about = (WatchEntryRow.customer_id == customer_id, WatchEntryRow.watch_list == WatchList.OVERDUE)
    rows = session.scalars(select(WatchEntryRow).where(*about).order_by(WatchEntryRow.entry_id))
    return [
        OverdueHeld(
            state=row.state, document_number=row.document_number, issuer=row.issuer, valid_until_ms=row.valid_until_ms,
            proposed_at_ms=row.proposed_at_ms, ended_at_ms=row.ended_at_ms, end_reason=row.end_reason,
            face_kept=bool(row.key_sealed),
        )
        for row in rows
    ]  # fmt: skip


def _receipts(session: Session, customer_ref: str) -> list[ReceiptHeld]:
    rows = session.scalars(
        select(ReceiptRow).where(ReceiptRow.customer_ref == customer_ref).order_by(ReceiptRow.made_at_ms)
    )
    return [ReceiptHeld(receipt_id=one.receipt_id, made_at_ms=one.made_at_ms, purposes=one.purposes) for one in rows]


def _list_rows(session: Session, customer_id: str) -> list[RowHeld]:
    rows = session.execute(
        select(BatchRow, BatchJob)
        .join(BatchJob, BatchJob.job_id == BatchRow.job_id)
        .where(BatchRow.customer_id == customer_id)
        .order_by(BatchJob.created_at_ms, BatchRow.row)
    )
    return [
        RowHeld(at_ms=job.created_at_ms, kind=job.kind, field=row.field, outcome=row.outcome, code=row.code)
        for row, job in rows
    ]
