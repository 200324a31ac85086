"""Routes of the registry: /v1/cities, branches, boxes, cameras, assessments."""

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from province_server.auth import Gate
from province_server.records import After, Limit, next_cursor
from province_server.registry import CameraTuning, NewAssessment, NewBox, NewBranch, NewCamera, NewCity, Registry
from yingbin.trust.staff import Role


class CityCreated(BaseModel):
    """A new city."""

    city_id: str


class BranchCreated(BaseModel):
    """A new branch."""

    branch_id: str


class CameraCreated(BaseModel):
    """A new camera."""

    camera_id: str


class AssessmentCreated(BaseModel):
    """A new impact assessment."""

    assessment_id: str


class BundleOut(BaseModel):
    """Save this as a file of mode 0600 on the box; it is not shown again."""

    box_id: str
    branch_id: str
    city_id: str
    pack_id: str
    dimension: int
    transform_base64: str


class BoxOut(BaseModel):
    """A registered box."""

    box_id: str
    branch_id: str
    revoked: bool


class BoxPage(BaseModel):
    """Boxes by id."""

    items: list[BoxOut]
    next: str | None


class CameraOut(BaseModel):
    """A registered camera."""

    camera_id: str
    branch_id: str
    box_id: str
    role: str
    mode: str
    assessment_id: str | None
    local_recognition: bool
    min_face_px: int


class CameraPage(BaseModel):
    """Cameras by id."""

    items: list[CameraOut]
    next: str | None


def routes(registry: Registry, gate: Gate) -> APIRouter:
    """Return the registry's routes."""
    router = APIRouter(prefix="/v1", tags=["registry"])
    operator = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.BRANCH_IT))]
    assessor = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.SECURITY_OFFICER))]
    reader = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.BRANCH_IT, Role.SECURITY_OFFICER, Role.AUDITOR))]

    @router.post("/cities", status_code=201, dependencies=operator)
    def add_city(body: NewCity) -> CityCreated:
        """Register a city server."""
        return CityCreated(city_id=registry.add_city(body))

    @router.post("/branches", status_code=201, dependencies=operator)
    def add_branch(body: NewBranch) -> BranchCreated:
        """Register a branch."""
        return BranchCreated(branch_id=registry.add_branch(body))

    @router.post("/boxes", status_code=201, dependencies=operator)
    def add_box(body: NewBox) -> BundleOut:
        """Register a camera box; the answer holds its secret and is given once."""
        return BundleOut(**msgspec.structs.asdict(registry.add_box(body)))

    @router.post("/boxes/{box_id}/revoke", status_code=204, dependencies=operator)
    def revoke_box(box_id: str) -> None:
        """Refuse a lost or stolen box from now on."""
        registry.revoke_box(box_id)

    @router.get("/boxes", dependencies=reader)
    def boxes(after: After = "", limit: Limit = 50) -> BoxPage:
        """List boxes."""
        items = [BoxOut.model_validate(row, from_attributes=True) for row in registry.boxes(after, limit)]
        return BoxPage(items=items, next=next_cursor([item.box_id for item in items], limit))

    @router.post("/assessments", status_code=201, dependencies=assessor)
    def add_assessment(body: NewAssessment) -> AssessmentCreated:
        """Register an impact assessment (C3)."""
        return AssessmentCreated(assessment_id=registry.add_assessment(body))

    @router.post("/cameras", status_code=201, dependencies=operator)
    def add_camera(body: NewCamera) -> CameraCreated:
        """Register a camera."""
        return CameraCreated(camera_id=registry.add_camera(body))

    @router.patch("/cameras/{camera_id}", status_code=204, dependencies=operator)
    def tune_camera(camera_id: str, body: CameraTuning) -> None:
        """Change what a camera in use looks for."""
        registry.tune_camera(camera_id, body)

    @router.get("/cameras", dependencies=reader)
    def cameras(after: After = "", limit: Limit = 50) -> CameraPage:
        """List cameras."""
        items = [CameraOut.model_validate(row, from_attributes=True) for row in registry.cameras(after, limit)]
        return CameraPage(items=items, next=next_cursor([item.camera_id for item in items], limit))

    return router
