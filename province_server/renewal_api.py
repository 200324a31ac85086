"""Routes of key renewal, /v1/renewals: of the province, a city, a box. Each may be asked for again at any time."""

import msgspec
from fastapi import APIRouter, Depends

from province_server.auth import Gate
from province_server.records import Id
from province_server.registry import Registry
from province_server.registry_api import BundleOut
from province_server.renewal import CityRenewals, Progress, ProvinceRenewal
from yingbin.trust.staff import Role


def routes(province: ProvinceRenewal, cities: CityRenewals, registry: Registry, gate: Gate) -> APIRouter:
    """Return the routes of renewal."""
    router = APIRouter(
        prefix="/v1/renewals",
        tags=["renewals"],
        dependencies=[Depends(gate.requires(Role.GALLERY_ADMIN))],
    )

    @router.post("/province", status_code=202)
    def renew_province() -> Progress:
        """Give every template and record a new seal, and every template a new id and domain."""
        province.begin()
        return province.progress()

    @router.get("/province")
    def province_progress() -> Progress:
        """Tell how far it is."""
        return province.progress()

    @router.post("/cities/{city_id}", status_code=202)
    def renew_city(city_id: Id) -> Progress:
        """Give a city a new domain; it goes over by itself, without a pause."""
        cities.begin(city_id)
        return cities.progress(city_id)

    @router.get("/cities/{city_id}")
    def city_progress(city_id: Id) -> Progress:
        """Tell how far it is."""
        return cities.progress(city_id)

    @router.post("/cities/{city_id}/finish", status_code=204)
    def finish_city(city_id: Id) -> None:
        """Destroy the old key at once, for a city that is lost or stolen; it matches nothing until it has the new."""
        cities.finish_now(city_id)

    @router.post("/boxes/{box_id}", status_code=201)
    def renew_box(box_id: Id) -> BundleOut:
        """Return a new bundle for a box, which is taken beside the old one; asked again, the same."""
        return BundleOut(**msgspec.structs.asdict(registry.renew_box(box_id)))

    @router.post("/boxes/{box_id}/finish", status_code=204)
    def finish_box(box_id: Id, force: bool = False) -> None:
        """Destroy a box's old key; from now on it is let in with the new bundle only.

        Refused while `GET /v1/boxes` shows it with the old one, unless `force`.
        """
        registry.retire_box_key(box_id, force=force)

    return router
