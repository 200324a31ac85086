"""Routes of cameras and their impact assessments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from province_server.auth import Gate
from province_server.cameras import AssessmentChange, CameraChange, Cameras, NewAssessment, NewCamera
from province_server.records import AN_ID, After, Id, Limit, next_cursor
from yingbin.trust.consent import Gallery
from yingbin.trust.staff import Role
from yingbin.trust.watch import WatchList
from yingbin.wire import CameraMode, CameraRole

_Id = Annotated[str, Field(examples=[AN_ID])]
_Filter = Annotated[Id | None, Query()]


class CameraCreated(BaseModel):
    """A new camera."""

    camera_id: _Id


class CameraOut(BaseModel):
    """A registered camera."""

    camera_id: _Id
    branch_id: _Id
    box_id: _Id
    role: str
    mode: str
    assessment_id: str | None
    local_recognition: bool
    min_face_px: int
    retired_at_ms: int | None


class CameraPage(BaseModel):
    """Cameras by id."""

    items: list[CameraOut]
    next: str | None


class AssessmentCreated(BaseModel):
    """A new impact assessment."""

    assessment_id: _Id


class AssessmentOut(BaseModel):
    """An impact assessment; from `revoked_at_ms` on it covers nothing."""

    assessment_id: _Id
    expires_at_ms: int
    roles: list[CameraRole]
    modes: list[CameraMode]
    galleries: list[Gallery | WatchList]
    local_recognition: bool
    revoked_at_ms: int | None


class AssessmentPage(BaseModel):
    """Impact assessments by id."""

    items: list[AssessmentOut]
    next: str | None


def routes(cameras: Cameras, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["cameras"])
    operator = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.BRANCH_IT))]
    assessor = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.SECURITY_OFFICER))]
    reader = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.BRANCH_IT, Role.SECURITY_OFFICER, Role.AUDITOR))]

    @router.post("/cameras", status_code=201, dependencies=operator)
    def add_camera(body: NewCamera) -> CameraCreated:
        """Register a camera."""
        return CameraCreated(camera_id=cameras.add(body))

    @router.patch("/cameras/{camera_id}", status_code=204, dependencies=operator)
    def change_camera(camera_id: Id, body: CameraChange) -> None:
        """Change a camera in use: its box, mode, assessment, and what it looks for."""
        cameras.change(camera_id, body)

    @router.delete("/cameras/{camera_id}", status_code=204, dependencies=operator)
    def retire_camera(camera_id: Id) -> None:
        """Take a camera out of use for good; its record stays."""
        cameras.retire(camera_id)

    @router.get("/cameras", dependencies=reader)
    def list_cameras(
        after: After = "",
        limit: Limit = 50,
        branch_id: _Filter = None,
        box_id: _Filter = None,
        retired: bool | None = None,
    ) -> CameraPage:
        """List cameras: of one branch, of one box, retired or not."""
        rows = cameras.page(after, limit, branch_id, box_id, retired=retired)
        items = [CameraOut.model_validate(row, from_attributes=True) for row in rows]
        return CameraPage(items=items, next=next_cursor([item.camera_id for item in items], limit))

    @router.post("/assessments", status_code=201, dependencies=assessor)
    def add_assessment(body: NewAssessment) -> AssessmentCreated:
        """Register an impact assessment (C3)."""
        return AssessmentCreated(assessment_id=cameras.add_assessment(body))

    @router.get("/assessments", dependencies=reader)
    def list_assessments(after: After = "", limit: Limit = 50) -> AssessmentPage:
        """List impact assessments."""
        rows = cameras.assessments(after, limit)
        items = [AssessmentOut.model_validate(row, from_attributes=True) for row in rows]
        return AssessmentPage(items=items, next=next_cursor([item.assessment_id for item in items], limit))

    @router.patch("/assessments/{assessment_id}", status_code=204, dependencies=assessor)
    def change_assessment(assessment_id: Id, body: AssessmentChange) -> None:
        """Extend an impact assessment after review, or let it end earlier; its cameras follow at once."""
        cameras.change_assessment(assessment_id, body)

    @router.post("/assessments/{assessment_id}/revoke", status_code=204, dependencies=assessor)
    def revoke_assessment(assessment_id: Id) -> None:
        """Revoke an impact assessment for good: its cameras recognise nobody from now on."""
        cameras.revoke_assessment(assessment_id)

    return router
