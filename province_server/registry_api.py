"""Routes of cities, branches and boxes."""

import base64
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from province_server.auth import Gate
from province_server.records import AN_ID, After, Id, Limit, next_cursor
from province_server.registry import BranchChange, CityChange, NewBox, NewBranch, NewCity, Registry
from yingbin.trust.staff import Role

_Id = Annotated[str, Field(examples=[AN_ID])]
_Filter = Annotated[Id | None, Query()]


class CityCreated(BaseModel):
    """A new city."""

    city_id: _Id


class CityOut(BaseModel):
    """A city server. `asked_at_ms`: when it last asked for its feed, null when not since the province began."""

    city_id: _Id
    name: str
    public_key_base64: str
    asked_at_ms: int | None


class CityPage(BaseModel):
    """Cities by id."""

    items: list[CityOut]
    next: str | None


class BranchCreated(BaseModel):
    """A new branch."""

    branch_id: _Id


class BranchOut(BaseModel):
    """A branch."""

    branch_id: _Id
    city_id: _Id
    name_zh: str
    name_en: str


class BranchPage(BaseModel):
    """Branches by id."""

    items: list[BranchOut]
    next: str | None


class BundleOut(BaseModel):
    """Save this as a file of mode 0600 on the box; it is not shown again."""

    box_id: _Id
    branch_id: _Id
    city_id: _Id
    pack_id: str
    dimension: int
    transform_base64: str


class BoxOut(BaseModel):
    """A registered box.

    `key_id_in_use`: of the bundle it last connected with, at `connected_at_ms`, as its city says; empty and 0 before.
    While it is not `key_id_newest`, the box has yet to get the bundle that its renewal made. `last_seen_at_ms`: when
    its line was last known to be alive, told every few minutes; 0 before it ever connected.
    """

    box_id: _Id
    branch_id: _Id
    revoked: bool
    key_id_newest: str
    key_id_in_use: str
    connected_at_ms: int
    last_seen_at_ms: int


class BoxPage(BaseModel):
    """Boxes by id."""

    items: list[BoxOut]
    next: str | None


def routes(registry: Registry, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["registry"])
    operator = [Depends(gate.requires(Role.GALLERY_ADMIN, Role.BRANCH_IT))]
    readers = (Role.GALLERY_ADMIN, Role.BRANCH_IT, Role.SECURITY_OFFICER, Role.AUDITOR)
    reader = [Depends(gate.requires(*readers))]
    # An enroller chooses a customer's home branch, a product manager where a campaign runs.
    chooser = [Depends(gate.requires(*readers, Role.ENROLLER, Role.PRODUCT_MANAGER))]

    @router.post("/cities", status_code=201, dependencies=operator)
    def add_city(body: NewCity) -> CityCreated:
        """Register a city server."""
        return CityCreated(city_id=registry.add_city(body))

    @router.get("/cities", dependencies=reader)
    def list_cities(after: After = "", limit: Limit = 50) -> CityPage:
        """List cities."""
        items = [
            CityOut(
                city_id=row.city_id,
                name=row.name,
                public_key_base64=base64.b64encode(row.public_key).decode(),
                asked_at_ms=asked_at_ms,
            )
            for row, asked_at_ms in registry.cities(after, limit)
        ]
        return CityPage(items=items, next=next_cursor([item.city_id for item in items], limit))

    @router.patch("/cities/{city_id}", status_code=204, dependencies=operator)
    def change_city(city_id: Id, body: CityChange) -> None:
        """Rename a city."""
        registry.change_city(city_id, body)

    @router.post("/branches", status_code=201, dependencies=operator)
    def add_branch(body: NewBranch) -> BranchCreated:
        """Register a branch."""
        return BranchCreated(branch_id=registry.add_branch(body))

    @router.get("/branches", dependencies=chooser)
    def list_branches(after: After = "", limit: Limit = 50, city_id: _Filter = None) -> BranchPage:
        """List branches, of one city or of all."""
        rows = registry.branches(after, limit, city_id)
        items = [BranchOut.model_validate(row, from_attributes=True) for row in rows]
        return BranchPage(items=items, next=next_cursor([item.branch_id for item in items], limit))

    @router.patch("/branches/{branch_id}", status_code=204, dependencies=operator)
    def change_branch(branch_id: Id, body: BranchChange) -> None:
        """Rename a branch."""
        registry.change_branch(branch_id, body)

    @router.post("/boxes", status_code=201, dependencies=operator)
    def add_box(body: NewBox) -> BundleOut:
        """Register a camera box; the answer holds its secret and is given once."""
        return BundleOut(**msgspec.structs.asdict(registry.add_box(body)))

    @router.post("/boxes/{box_id}/revoke", status_code=204, dependencies=operator)
    def revoke_box(box_id: Id) -> None:
        """Refuse a lost or stolen box from now on."""
        registry.revoke_box(box_id)

    @router.get("/boxes", dependencies=reader)
    def list_boxes(
        after: After = "", limit: Limit = 50, branch_id: _Filter = None, revoked: bool | None = None
    ) -> BoxPage:
        """List boxes: of one branch, revoked or not."""
        rows = registry.boxes(after, limit, branch_id, revoked=revoked)
        items = [
            BoxOut(
                box_id=row.box_id,
                branch_id=row.branch_id,
                revoked=row.revoked,
                key_id_newest=newest,
                key_id_in_use=row.key_id_in_use,
                connected_at_ms=row.connected_at_ms,
                last_seen_at_ms=last_seen_at_ms,
            )
            for row, newest, last_seen_at_ms in rows
        ]
        return BoxPage(items=items, next=next_cursor([item.box_id for item in items], limit))

    return router
