"""Why a customer would be offered what he is: a visit decided now, as a record with a reason for every product (C10).

It reads the customer's record, so it is for those who may, and stands in the audit trail like every look at one.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from province_server.auth import Gate
from province_server.cards import Cards
from province_server.records import Id
from yingbin.ids import now_ms
from yingbin.offers.decision.context import Context
from yingbin.offers.decision.record import encoded
from yingbin.queue_wire import Business
from yingbin.storage.database import Database
from yingbin.trust.staff import Role
from yingbin.wire import CameraRole

_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Inputs without names, their SHA-256, and the output; `yingbin offers replay` computes it again",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "format": {"type": "integer"},
                        "inputs": {"type": "object"},
                        "inputs_digest": {"type": "string"},
                        "output": {
                            "type": "object",
                            "properties": {
                                name: {"type": "array", "items": {"type": "object"}}
                                for name in ("offers", "avoid", "withheld")
                            },
                        },
                    },
                    "required": ["format", "inputs", "inputs_digest", "output"],
                }
            }
        },
    }
}


def routes(database: Database, cards: Cards, gate: Gate) -> APIRouter:
    """Return the route of whole decisions."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])
    admin = Depends(gate.requires(Role.GALLERY_ADMIN))

    @router.get("/{customer_id}/decision", dependencies=[admin], response_class=Response, responses=_ANSWER)
    def explain_decision(
        customer_id: Id,
        camera_role: CameraRole = CameraRole.ENTRANCE,
        branch_id: Annotated[str, Query(max_length=64)] = "",
        business: Business = "",
        waiting: Annotated[int, Query(ge=-1, le=10_000)] = -1,
        minutes: Annotated[int, Query(ge=-1, le=1_440)] = -1,
        refused: Annotated[Sequence[str], Query(max_length=50)] = (),
    ) -> Response:
        """Decide a visit now, with a reason for every product that is offered or not. Nothing is stored of it."""
        context = Context(camera_role, frozenset(refused), branch_id, business, waiting, minutes)
        with database.read() as session:
            record = cards.whole_decision(session, customer_id, context, now_ms())
        return Response(encoded(record), media_type="application/json")

    return router
