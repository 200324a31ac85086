"""Routes of the watch lists, /v1/watch/police and /v1/watch/overdue: each with its own role, and none in common."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from pydantic import BaseModel, Field, StringConstraints

from province_server.auth import Gate
from province_server.enrolment import content_of
from province_server.records import After, Body, Id, Label, Limit, next_cursor
from province_server.watch.entries import Order, Subject, WatchService
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.staff import Role, StaffToken
from yingbin.trust.watch import MANAGED_BY, WatchList

State = Literal["proposed", "in_force", "refused", "removed", "lapsed"]
ValidUntil = Annotated[int, Form(gt=0, lt=2**53, description="UTC ms; at most 366 days ahead")]


class Reason(Body):
    """Why an entry is refused or removed."""

    reason: Label = Field(examples=["the order was withdrawn"])


class EntryOut(BaseModel):
    """An entry. `subject` is empty for an auditor, and once the entry has ended."""

    entry_id: str
    watch_list: WatchList
    state: State
    document_number: str
    issuer: str
    valid_until_ms: int
    subject: str
    customer_id: str | None
    told_staff_id: str | None
    proposed_by: str
    proposed_at_ms: int
    confirmed_by: str | None
    confirmed_at_ms: int | None
    ended_by: str | None
    ended_at_ms: int | None
    end_reason: str
    needs_you: Annotated[bool, Field(description="whether the caller may confirm it: somebody else proposed it")]


class EntryPage(BaseModel):
    """Entries by id."""

    items: list[EntryOut]
    next: str | None


def routes(watch: WatchService, gate: Gate) -> tuple[APIRouter, APIRouter]:
    """Return the routes of both lists."""
    police, overdue = _common(WatchList.POLICE, watch, gate), _common(WatchList.OVERDUE, watch, gate)
    _add_proposals(police, overdue, watch, gate)
    return police, overdue


def _out(watch: WatchService, row: WatchEntryRow, who: StaffToken) -> EntryOut:
    manages = who.role == MANAGED_BY[WatchList(row.watch_list)]
    shown = {name: getattr(row, name) for name in EntryOut.model_fields if name not in {"subject", "needs_you"}}
    return EntryOut(
        **shown,
        subject=watch.subject(row) if manages else "",
        needs_you=manages and row.state == "proposed" and row.proposed_by != who.staff_id,
    )


def _common(watch_list: WatchList, watch: WatchService, gate: Gate) -> APIRouter:
    """Return what is alike for both lists; the operations' names tell them apart."""
    router = APIRouter(prefix=f"/v1/watch/{watch_list}/entries", tags=["watch lists"])
    manager = Depends(gate.requires(MANAGED_BY[watch_list]))
    reader = Depends(gate.requires(MANAGED_BY[watch_list], Role.AUDITOR))

    @router.get("", name=f"list_{watch_list}_entries")
    def list_entries(
        who: Annotated[StaffToken, reader],
        state: Annotated[State | None, Query()] = None,
        after: After = "",
        limit: Limit = 50,
    ) -> EntryPage:
        """List entries, ended ones too."""
        items = [_out(watch, row, who) for row in watch.page(watch_list, state, after, limit)]
        return EntryPage(items=items, next=next_cursor([item.entry_id for item in items], limit))

    @router.get("/{entry_id}", name=f"get_{watch_list}_entry")
    def get_entry(entry_id: Id, who: Annotated[StaffToken, reader]) -> EntryOut:
        """Read an entry."""
        return _out(watch, watch.get(watch_list, entry_id), who)

    @router.post("/{entry_id}/confirm", name=f"confirm_{watch_list}_entry")
    def confirm(entry_id: Id, who: Annotated[StaffToken, manager]) -> EntryOut:
        """Confirm what a colleague proposed; from now on it is looked out for."""
        return _out(watch, watch.confirm(watch_list, entry_id, who.staff_id), who)

    @router.post("/{entry_id}/end", name=f"end_{watch_list}_entry")
    def end(entry_id: Id, body: Reason, who: Annotated[StaffToken, manager]) -> EntryOut:
        """Refuse a proposal, or remove an entry at once; one person is enough."""
        return _out(watch, watch.end(watch_list, entry_id, who.staff_id, body.reason), who)

    return router


def _add_proposals(police: APIRouter, overdue: APIRouter, watch: WatchService, gate: Gate) -> None:
    officer = Depends(gate.requires(MANAGED_BY[WatchList.POLICE]))
    admin = Depends(gate.requires(MANAGED_BY[WatchList.OVERDUE]))
    document = Annotated[Label, Form(description="number of the written order")]
    issuer = Annotated[Label, Form(description="the authority that issued it")]

    @police.post("", status_code=201, name="propose_police_entry")
    def propose_police(
        who: Annotated[StaffToken, officer],
        photo: UploadFile,
        document_number: document,
        issuer: issuer,
        valid_until_ms: ValidUntil,
        subject: Annotated[Label, Form(description="who it is, as security is told")],
    ) -> EntryOut:
        """Propose somebody whom a written order of the police names; a colleague has to confirm."""
        order = Order(document_number, issuer, valid_until_ms)
        entry_id = watch.propose(WatchList.POLICE, order, Subject(subject), content_of(photo), who.staff_id)
        return _out(watch, watch.get(WatchList.POLICE, entry_id), who)

    @overdue.post("", status_code=201, name="propose_overdue_entry")
    def propose_overdue(
        who: Annotated[StaffToken, admin],
        photo: UploadFile,
        document_number: document,
        issuer: issuer,
        valid_until_ms: ValidUntil,
        customer_id: Annotated[str, StringConstraints(min_length=1, max_length=64), Form()],
        told_staff_id: Annotated[str, StringConstraints(min_length=1, max_length=64), Form()],
    ) -> EntryOut:
        """Propose a customer in arrears, by written order; only the account manager named here will be told."""
        order = Order(document_number, issuer, valid_until_ms)
        subject = watch.debtor(customer_id, told_staff_id)
        entry_id = watch.propose(WatchList.OVERDUE, order, subject, content_of(photo), who.staff_id)
        return _out(watch, watch.get(WatchList.OVERDUE, entry_id), who)
