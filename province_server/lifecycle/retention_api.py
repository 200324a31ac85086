"""Routes of retention, /v1/retention: limits, what would go, what went."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from province_server import records
from province_server.auth import Gate
from province_server.lifecycle.retention import Limit, Retention, Run
from province_server.records import After, Body, next_cursor
from yingbin.ids import now_ms
from yingbin.trust.staff import Role, StaffToken


class Days(Body):
    """A new limit."""

    days: int = Field(ge=1, le=3650, examples=[365])


class Limits(BaseModel):
    """Every limit."""

    items: list[Limit]


class RunPage(BaseModel):
    """Reports by id."""

    items: list[Run]
    next: str | None


def routes(retention: Retention, gate: Gate) -> APIRouter:
    """Return the routes of retention."""
    router = APIRouter(prefix="/v1/retention", tags=["retention"])
    officer = Depends(gate.requires(Role.SECURITY_OFFICER))
    reader = [Depends(gate.requires(Role.SECURITY_OFFICER, Role.GALLERY_ADMIN, Role.AUDITOR))]

    @router.get("", dependencies=reader)
    def list_retention_limits() -> Limits:
        """List the limits."""
        return Limits(items=retention.limits())

    @router.patch("/{kind}")
    def change_retention_limit(kind: records.Id, body: Days, who: Annotated[StaffToken, officer]) -> Limits:
        """Change a limit; the next daily run enforces it. Look at `GET /v1/retention/due` afterwards."""
        retention.change(kind, body.days, who.staff_id)
        return Limits(items=retention.limits())

    @router.get("/due", dependencies=reader)
    def retention_due() -> Run:
        """Tell what a run would delete now; nothing is deleted."""
        return retention.due(now_ms())

    @router.get("/runs", dependencies=reader)
    def list_retention_runs(after: After = "", limit: records.Limit = 50) -> RunPage:
        """List what the daily runs deleted."""
        items = retention.runs(after, limit)
        return RunPage(items=items, next=next_cursor([item.run_id for item in items], limit))

    return router
