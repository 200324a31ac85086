"""The galleries and who is in them, /v1/galleries. Watch lists are none: see `province_server.watch`."""

from collections import Counter

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import select

from province_server.auth import Gate
from province_server.cards import Cards, needed_for
from province_server.gallery import Galleries
from province_server.records import After, Body, Id, Limit, next_cursor
from province_server.vault import TemplateVault
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, TemplateLink
from yingbin.trust.consent import Gallery, Purpose
from yingbin.trust.staff import Role


class GalleryOut(BaseModel):
    """A gallery. `templates`: what a search compares with, one fused template a customer.

    `fit_for_templates`: how many of these, in all galleries together, the model pack is fit for.
    """

    gallery: Gallery
    needed: list[Purpose] = Field(description="consents without which nobody may be in it")
    templates: int
    fit_for_templates: int


class GalleryList(BaseModel):
    """All galleries."""

    items: list[GalleryOut]


class GalleryMember(BaseModel):
    """Somebody in a gallery."""

    customer_id: str
    home_branch_id: str
    tier: str = Field(examples=["vip_gold"])
    templates: int


class GalleryMemberPage(BaseModel):
    """Members of a gallery by customer id."""

    items: list[GalleryMember]
    next: str | None


class Move(Body):
    """The gallery a customer is to be in."""

    gallery: Gallery = Field(examples=[Gallery.POTENTIAL])


class MembershipService:
    """Reads galleries and moves customers between them."""

    def __init__(
        self, database: Database, cards: Cards, vault: TemplateVault, galleries: Galleries, fit_for_templates: int
    ) -> None:
        self._database = database
        self._cards = cards
        self._vault = vault
        self._galleries = galleries
        self._fit_for_templates = fit_for_templates

    def galleries(self) -> list[GalleryOut]:
        """Return all galleries, at the same cost at any size."""
        return [
            GalleryOut(
                gallery=gallery,
                needed=sorted(needed_for(gallery)),
                templates=self._galleries.count([gallery]),
                fit_for_templates=self._fit_for_templates,
            )
            for gallery in Gallery
        ]

    def members(self, gallery: Gallery, after: str, limit: int) -> list[GalleryMember]:
        """Return the customers in a gallery by id."""
        inside = (TemplateLink.gallery == gallery, TemplateLink.state == "linked", TemplateLink.customer_id > after)
        with self._database.read() as session:
            ids = list(
                session.scalars(
                    select(TemplateLink.customer_id)
                    .where(*inside)
                    .distinct()
                    .order_by(TemplateLink.customer_id)
                    .limit(limit)
                )
            )
            linked = (TemplateLink.state == "linked", TemplateLink.customer_id.in_(ids))
            templates = Counter(session.scalars(select(TemplateLink.customer_id).where(*linked)))
            rows = session.scalars(
                select(CustomerRow).where(CustomerRow.customer_id.in_(ids)).order_by(CustomerRow.customer_id)
            )
            return [
                GalleryMember(
                    customer_id=row.customer_id,
                    home_branch_id=row.home_branch_id,
                    tier=self._cards.customer(session, row.customer_id).tier,
                    templates=templates[row.customer_id],
                )
                for row in rows
            ]

    def move(self, customer_id: str, gallery: Gallery) -> None:
        """Put a customer into another gallery; safe to repeat. Raises `NotFound`, `ConsentMissing`, `Conflict`."""
        self._vault.move(customer_id, gallery)


def routes(memberships: MembershipService, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["galleries"])
    counter = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN, Role.PRODUCT_MANAGER, Role.AUDITOR))]
    enroller = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))]
    admin = [Depends(gate.requires(Role.GALLERY_ADMIN))]

    @router.get("/galleries", dependencies=counter)
    def list_galleries() -> GalleryList:
        """List the galleries, how full they are, and what consent they need."""
        return GalleryList(items=memberships.galleries())

    @router.get("/galleries/{gallery}/members", dependencies=enroller)
    def list_members(gallery: Gallery, after: After = "", limit: Limit = 50) -> GalleryMemberPage:
        """List who is in a gallery."""
        items = memberships.members(gallery, after, limit)
        return GalleryMemberPage(items=items, next=next_cursor([item.customer_id for item in items], limit))

    @router.put("/customers/{customer_id}/gallery", status_code=204, dependencies=admin)
    def move_customer(customer_id: Id, body: Move) -> None:
        """Put an enrolled customer into another gallery; at the cities within seconds."""
        memberships.move(customer_id, body.gallery)

    return router
