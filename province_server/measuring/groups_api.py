"""Routes of groups, /v1/effect: compared, and who goes without."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from province_server.auth import Gate
from province_server.measuring.groups import Groups, GroupService, UnderservedCount, UnderservedCustomer
from province_server.measuring.items import MAX_DAYS, Days
from yingbin.trust.staff import Role

First = Annotated[date, Query(description="First day, China's clock")]
Last = Annotated[date, Query(description=f"Last day; fewer than {MAX_DAYS} days in all")]
MAX_LISTED: Final = 200


def routes(groups: GroupService, gate: Gate) -> APIRouter:
    """Return the routes of groups."""
    router = APIRouter(prefix="/v1/effect", tags=["statistics"])
    reader = [Depends(gate.requires(Role.PRODUCT_MANAGER, Role.ANALYST, Role.AUDITOR))]

    @router.get("/groups", dependencies=reader)
    def compare_groups(first: First, last: Last) -> Groups:
        """Compare how often groups are offered products and take them up, by gender, age and branch of the record."""
        return groups.compared(Days.of(first, last))

    @router.get("/underserved", dependencies=reader)
    def count_underserved(first: First, last: Last) -> UnderservedCount:
        """Count who may be addressed personally, comes often and was never shown anything."""
        return groups.counted(Days.of(first, last))

    @router.get("/underserved/customers", dependencies=[Depends(gate.requires(Role.PRODUCT_MANAGER))])
    def list_underserved(first: First, last: Last) -> list[UnderservedCustomer]:
        """List them, the most frequent visitor first, so that catalogue and rules can be looked at; 200 at most."""
        return [
            UnderservedCustomer(
                customer_id=one.customer_id, visits=one.visits, branch_id=one.branch_id, last_at_ms=one.last_at_ms
            )
            for one in groups.going_without(Days.of(first, last))[:MAX_LISTED]
        ]

    return router
