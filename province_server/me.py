"""Who is signed in and what he may do, /v1/me: what a page asks first."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from province_server.auth import Gate
from province_server.operations import Operations
from province_server.staff import OFFICE_ROLES, StaffService
from yingbin.trust.staff import Role, StaffToken


class Me(BaseModel):
    """Who is signed in. `operations`: ids of what his role may run; a page shows those and nothing else."""

    staff_id: str
    display_name: str
    role: Role
    branch_id: str | None
    operations: list[str] = Field(examples=[["list_staff", "me"]])


def routes(staff: StaffService, operations: Operations, gate: Gate) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1", tags=["staff"])
    anybody = Depends(gate.requires(*OFFICE_ROLES))

    @router.get("/me")
    def me(who: Annotated[StaffToken, anybody]) -> Me:
        """Tell who is signed in and what he may do."""
        row = staff.get(who.staff_id)
        return Me(
            staff_id=row.staff_id,
            display_name=row.display_name,
            role=who.role,
            branch_id=row.branch_id,
            operations=operations.of(who.role),
        )

    return router
