"""Routes of receipts and of the export of everything held on a person. To read as JSON or as text to print."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from province_server.auth import Gate
from province_server.lifecycle.export import Export, Exports
from province_server.lifecycle.receipts import Receipt, Receipts
from province_server.lifecycle.wording import export_text, receipt_text
from province_server.records import After, Id, Limit, next_cursor
from yingbin.trust.staff import Role, StaffToken

Language = Annotated[Literal["zh", "en"], Query(description="of the text to print")]


class ReceiptPage(BaseModel):
    """Receipts by id."""

    items: list[Receipt]
    next: str | None


def routes(receipts: Receipts, exports: Exports, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["rights of the person"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))
    reader = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN, Role.AUDITOR))]

    @router.get("/receipts", dependencies=reader)
    def list_receipts(after: After = "", limit: Limit = 50) -> ReceiptPage:
        """List receipts of withdrawal and erasure."""
        items = receipts.page(after, limit)
        return ReceiptPage(items=items, next=next_cursor([item.receipt_id for item in items], limit))

    @router.get("/receipts/{receipt_id}", dependencies=reader)
    def get_receipt(receipt_id: Id) -> Receipt:
        """Read a receipt as of now: cities that were offline confirm when they are back."""
        return receipts.get(receipt_id)

    @router.get("/receipts/{receipt_id}/text", dependencies=reader, response_class=PlainTextResponse)
    def print_receipt(receipt_id: Id, language: Language = "zh") -> PlainTextResponse:
        """Return a receipt to print."""
        return PlainTextResponse(receipt_text(receipts.get(receipt_id), language))

    @router.get("/customers/{customer_id}/export")
    def export_customer(customer_id: Id, who: Annotated[StaffToken, enroller]) -> Export:
        """Return everything held on a customer."""
        return exports.of(customer_id, who.staff_id, who.role)

    @router.get("/customers/{customer_id}/export/text", response_class=PlainTextResponse)
    def print_export(
        customer_id: Id, who: Annotated[StaffToken, enroller], language: Language = "zh"
    ) -> PlainTextResponse:
        """Return everything held on a customer, to print."""
        return PlainTextResponse(export_text(exports.of(customer_id, who.staff_id, who.role), language))

    return router
