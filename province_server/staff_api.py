"""Routes of staff and their duty rota: /v1/staff, /v1/shifts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from province_server.auth import Gate
from province_server.records import After, Body, Id, Limit, next_cursor
from province_server.rota import NewShift, Rota
from province_server.staff import NewSecret, NewStaff, StaffChange, StaffService
from yingbin.trust.staff import Role

_FOR_EVER_MS = 2**53


class Duty(Body):
    """Whether somebody is on duty now."""

    on_duty: bool = Field(examples=[True])


class StaffCreated(BaseModel):
    """A new member of staff."""

    staff_id: str = Field(examples=["rm-1"])


class StaffOut(BaseModel):
    """A member of staff. `duty_branch_id`: where he is on duty now. `locked_until_ms`: 0 unless locked out."""

    staff_id: str
    display_name: str
    role: str
    branch_id: str | None
    active: bool
    on_duty: bool
    duty_branch_id: str | None
    locked_until_ms: int


class StaffPage(BaseModel):
    """Staff by id."""

    items: list[StaffOut]
    next: str | None


class ShiftCreated(BaseModel):
    """A new shift."""

    shift_id: str


class ShiftOut(BaseModel):
    """A shift; without `until_ms` it has no end yet."""

    shift_id: str
    staff_id: str
    branch_id: str
    from_ms: int
    until_ms: int | None


class ShiftPage(BaseModel):
    """Shifts by id."""

    items: list[ShiftOut]
    next: str | None


def routes(staff: StaffService, rota: Rota, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["staff"])
    admin = [Depends(gate.requires(Role.GALLERY_ADMIN))]
    reader = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.SECURITY_OFFICER, Role.AUDITOR))]

    @router.post("/staff", status_code=201, dependencies=admin)
    def add_staff(body: NewStaff) -> StaffCreated:
        """Register somebody."""
        return StaffCreated(staff_id=staff.add(body))

    @router.get("/staff", dependencies=reader)
    def list_staff(
        after: After = "",
        limit: Limit = 50,
        branch_id: Annotated[Id | None, Query()] = None,
        role: Role | None = None,
        active: bool | None = None,
    ) -> StaffPage:
        """List staff: of one branch, of one role, active or not."""
        rows = staff.page(after, limit, branch_id, role, active)
        items = [StaffOut.model_validate(row, from_attributes=True) for row in rows]
        return StaffPage(items=items, next=next_cursor([item.staff_id for item in items], limit))

    @router.patch("/staff/{staff_id}", status_code=204, dependencies=admin)
    def change_staff(staff_id: Id, body: StaffChange) -> None:
        """Change a member of staff; whoever is signed in with the old role, branch or state is signed out."""
        staff.change(staff_id, body)

    @router.put("/staff/{staff_id}/secret", status_code=204, dependencies=admin)
    def reset_secret(staff_id: Id, body: NewSecret) -> None:
        """Give somebody a new PIN or password; he is signed out, and no longer locked out."""
        staff.reset_secret(staff_id, body)

    @router.patch("/staff/{staff_id}/duty", status_code=204, dependencies=admin)
    def set_duty(staff_id: Id, body: Duty) -> None:
        """Put somebody on duty at his branch now, without a planned end, or off duty."""
        rota.set_on_duty(staff_id, on_duty=body.on_duty)

    @router.post("/shifts", status_code=201, dependencies=admin)
    def add_shift(body: NewShift) -> ShiftCreated:
        """Plan a shift."""
        return ShiftCreated(shift_id=rota.plan(body))

    @router.get("/shifts", dependencies=reader)
    def list_shifts(
        after: After = "",
        limit: Limit = 50,
        staff_id: Annotated[Id | None, Query()] = None,
        branch_id: Annotated[Id | None, Query()] = None,
        from_ms: Annotated[int, Query(ge=0, le=_FOR_EVER_MS)] = 0,
        until_ms: Annotated[int, Query(ge=0, le=_FOR_EVER_MS)] = _FOR_EVER_MS,
    ) -> ShiftPage:
        """List the duty rota: of a member, of a branch, within a time."""
        rows = rota.page(after, limit, staff_id, branch_id, from_ms, until_ms)
        items = [ShiftOut.model_validate(row, from_attributes=True) for row in rows]
        return ShiftPage(items=items, next=next_cursor([item.shift_id for item in items], limit))

    @router.delete("/shifts/{shift_id}", status_code=204, dependencies=admin)
    def cancel_shift(shift_id: Id) -> None:
        """Take a shift off the rota; one that has begun ends now."""
        rota.cancel(shift_id)

    return router
