"""Routes of the audit trail: /v1/audit for the auditor, /v1/city/audit for the cities' heads."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from province_server.audit.reader import AuditReader, Sought
from province_server.auth import Gate
from province_server.records import AN_ID, After, Limit, next_cursor
from yingbin import wire
from yingbin.storage.database import Database
from yingbin.storage.province import City
from yingbin.trust.audit.exchange import Anchoring, Exchange
from yingbin.trust.staff import Role


class AuditLine(BaseModel):
    """One record. Ids of people are pseudonyms; `hash` and `prev_hash` are hexadecimal."""

    seq: int = Field(examples=[4711])
    at_ms: int = Field(examples=[1_790_000_000_000])
    actor_kind: str = Field(examples=["staff"])
    actor_id: str = Field(examples=["6d1f2c7a9b0e4f5d8c3b2a1907f6e5d4"])
    role: str = Field(examples=["enroller"])
    action: str = Field(examples=["get_customer"])
    object_kind: str = Field(examples=["customer"])
    object_id: str = Field(examples=["0b8e5d3a7c6f49218e4d5c6b7a890f1e"])
    outcome: str = Field(examples=["done"])
    request_id: str = Field(examples=[AN_ID])
    details: dict[str, str | int | bool] = Field(examples=[{"changed": "consents", "purpose": "marketing"}])
    prev_hash: str = Field(examples=["00" * 32])
    hash: str = Field(examples=["5a" * 32])


class AuditPage(BaseModel):
    """Records, newest first."""

    items: list[AuditLine]
    next: str | None


class AnchorState(BaseModel):
    """How another writer's heads arrive. `seq`, `received_at_ms`: of the newest kept here, 0 without one."""

    writer: str
    seq: int
    received_at_ms: int
    late: bool


class AuditStatus(BaseModel):
    """How far the chain is checked since this server started; ask again until `complete`.

    `fault`: the first thing wrong, in words; empty when nothing was found. `acknowledged`: what a restored backup lost
    and somebody answered for, in words; such a chain is not whole. `anchored_up_to`: what the cities vouch for.
    `public_key`: hexadecimal; an export is signed with it.
    """

    writer: str
    records: int
    checked_up_to: int
    complete: bool
    fault: str
    fault_seq: int
    acknowledged: list[str]
    anchored_up_to: int
    public_key: str
    anchors: list[AnchorState]


def routes(reader: AuditReader, anchoring: Anchoring, database: Database, gate: Gate) -> APIRouter:
    """Return the routes of the trail."""
    router = APIRouter(prefix="/v1", tags=["audit"])
    auditor = [Depends(gate.requires(Role.AUDITOR))]
    city = Depends(gate.city())

    @router.get("/audit", dependencies=auditor)
    def list_audit(sought: Annotated[Sought, Depends()], after: After = "", limit: Limit = 50) -> AuditPage:
        """List what was done here, newest first; that somebody looked is recorded too."""
        items = [AuditLine.model_validate(line) for line in reader.page(sought, after, limit)]
        return AuditPage(items=items, next=next_cursor([str(item.seq) for item in items], limit))

    @router.get("/audit/verify", dependencies=auditor)
    def verify_audit(*, restart: bool = False) -> AuditStatus:
        """Check the chain a piece further and tell how far it is whole, and which city's heads are late."""
        return AuditStatus.model_validate(reader.status(restart=restart))

    @router.post("/city/audit", response_class=Response)
    async def exchange_heads(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep the head of a city's trail and answer with this one's; both are `audit.exchange.Exchange`."""
        told = wire.decode(await request.body(), Exchange)
        answer = await run_in_threadpool(_exchange, city_id, told)
        return Response(wire.encode(answer), media_type="application/msgpack")

    def _exchange(city_id: str, told: Exchange) -> Exchange:
        with database.read() as session:
            public_key = session.get_one(City, city_id).public_key
        answer = anchoring.tell(city_id)
        anchoring.take(city_id, told, public_key)
        return answer

    return router
