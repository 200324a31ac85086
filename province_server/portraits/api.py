"""Routes of portraits: taking them in. They are shown through `city_api`."""

from typing import Final

from fastapi import APIRouter, Depends

from province_server.auth import Gate
from province_server.portraits.load import Loaded, PortraitLoader, PortraitsIn
from yingbin.trust.staff import Role

PATH: Final = "/v1/portraits"


def routes(loader: PortraitLoader, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["portraits"])

    @router.post(PATH, dependencies=[Depends(gate.requires(Role.GALLERY_ADMIN))])
    def load_portraits(body: PortraitsIn) -> Loaded:
        """Store what `yingbin portrait build` found of some customers; safe to repeat."""
        return loader.load(body)

    return router
