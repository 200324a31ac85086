"""The route by which sales come in, /v1/sales."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from province_server.auth import Gate
from province_server.measuring.sales import MAX_SALES, Sale, Sales, SalesTaken
from province_server.records import Body
from yingbin.trust.staff import Role


class SalesIn(Body):
    """A list of sales."""

    sales: Annotated[list[Sale], Field(min_length=1, max_length=MAX_SALES)]


def routes(sales: Sales, gate: Gate) -> APIRouter:
    """Return the route of sales."""
    router = APIRouter(prefix="/v1/sales", tags=["import"])

    @router.post("", dependencies=[Depends(gate.requires(Role.GALLERY_ADMIN))])
    def add_sales(body: SalesIn) -> SalesTaken:
        """Store sales of the core system, each put down to the visit it may have come of. Safe to repeat."""
        return sales.store(body.sales)

    return router
