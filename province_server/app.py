"""Puts the province together: stores, services, routes. Composition only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartParser

from province_server import city_api, consents, customers, enrolment, registry_api, renewal_api, staff
from province_server.auth import Gate, access_of
from province_server.cards import Cards
from province_server.city_api import PortraitService
from province_server.consents import ConsentService
from province_server.customers import CustomerService
from province_server.enrolment import EnrolmentService, PhotoReader
from province_server.erasures import Erasure, ErasureLog, Erasures, renew_all_cities
from province_server.feed import Notifier
from province_server.gallery import Galleries
from province_server.keys import KEY_BYTES, PROVINCE, Keys
from province_server.limits import RateLimit
from province_server.materialise import FeedReader
from province_server.outcomes import OutcomeService
from province_server.registry import Registry
from province_server.renewal import CityRenewals, ProvinceRenewal
from province_server.search import RecentMatches, Search
from province_server.settings import ProvinceSettings
from province_server.staff import StaffService
from province_server.vault import TemplateVault
from yingbin.doctor.volume import Volume, volume_of
from yingbin.errors import BadConfiguration
from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.milvus_index import MilvusFolder
from yingbin.http.app import MAX_BODY_BYTES, create_app
from yingbin.offers.catalogue import load_catalogue
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.consent import Purpose
from yingbin.trust.keystore import FileKeyStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The two databases, migrated, and the key store, open."""

    identity: Database
    templates: Database
    keystore: FileKeyStore

    @classmethod
    def open(cls, settings: ProvinceSettings) -> "Stores":
        """Open everything. Raises `BadConfiguration`, `Unavailable`, `StorageFull`."""
        if settings.database_url == settings.templates_database_url:
            raise BadConfiguration("`database_url` and `templates_database_url` must be two databases (C8)")
        keystore = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
        keystore.get_or_create("staff-tokens", KEY_BYTES)  # from the very first command on, the passphrase is fixed
        identity, templates = Database(settings.database_url), Database(settings.templates_database_url)
        migrate.upgrade(identity, migrate.Tree.PROVINCE)
        migrate.upgrade(templates, migrate.Tree.TEMPLATES)
        return cls(identity, templates, keystore)

    def check(self) -> None:
        """Raise `Unavailable` when a database does not answer."""
        self.identity.check()
        self.templates.check()

    def close(self) -> None:
        """Close both databases."""
        self.identity.close()
        self.templates.close()


@dataclass(frozen=True, slots=True)
class Province:
    """The running province: its app, and the services that tests and jobs use directly."""

    app: FastAPI
    stores: Stores
    keys: Keys
    galleries: Galleries
    vault: TemplateVault
    staff: StaffService
    notifier: Notifier


def build(settings: ProvinceSettings, stores: Stores, reader: PhotoReader) -> Province:
    """Return the province, its galleries loaded. Raises `BadConfiguration` naming what is wrong."""
    identity, templates = stores.identity, stores.templates
    keys = Keys(stores.keystore, reader.dimension)
    milvus = _milvus(settings)
    new_index = milvus.index if milvus else CodeIndex
    notifier, galleries = Notifier(), Galleries(keys, reader.dimension, keys.domains(PROVINCE)[-1], new_index)
    cards = Cards(keys, load_catalogue(settings.catalogue_file))
    vault = TemplateVault(identity, templates, keys, galleries, notifier, reader.pack_id)
    matches = RecentMatches(settings.portrait_after_match_h)
    gate = Gate(identity, keys.staff_token_key)
    people = StaffService(identity, notifier, keys.staff_token_key, _sign_in_limit(settings))
    search = Search(
        identity, keys, galleries, cards, matches,
        RateLimit(settings.search_probes_per_s, settings.search_burst_probes),
        reader.pack_id, reader.scores, reader.dimension,
    )  # fmt: skip
    registry = Registry(identity, keys, notifier, reader.pack_id, reader.dimension)
    city_renewals = CityRenewals(identity, keys, notifier, settings.late_probes_s)
    renewal = ProvinceRenewal(identity, templates, keys, vault, galleries)
    erasures = _erasures(settings, stores)
    consent_service = ConsentService(identity, vault, notifier, erasures)
    customer_service = CustomerService(identity, keys, cards, vault, notifier, erasures)

    def again(erasure: Erasure, number: int) -> None:
        if erasure.purpose:
            consent_service.withdraw(erasure.customer_id, Purpose(erasure.purpose), number)
        else:
            customer_service.erase(erasure.customer_id, number)

    if erasures.replay(again):  # before anything of a restored backup is searchable
        renew_all_cities(identity, keys)
    vault.load()
    routers = (
        staff.routes(people, gate),
        registry_api.routes(registry, gate),
        renewal_api.routes(renewal, city_renewals, registry, gate),
        customers.routes(customer_service, gate),
        consents.routes(consent_service, gate),
        enrolment.routes(EnrolmentService(identity, vault, galleries, reader), gate),
        city_api.routes(
            FeedReader(identity, keys, cards, vault, reader.pack_id, settings, city_renewals),
            notifier,
            search,
            PortraitService(identity, cards, matches),
            OutcomeService(identity),
            gate,
        ),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        renewal.resume()
        yield
        await run_in_threadpool(renewal.stop)
        if milvus:
            await run_in_threadpool(milvus.close)
        stores.close()

    # A photo stays in memory: the framework would spool parts of more than 1 MiB to a file on disk.
    MultiPartParser.spool_max_size = MAX_BODY_BYTES
    app = create_app("Yingbin province", lifespan, stores.check)
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or not access_of(route):
                raise BadConfiguration(f"route {route} does not declare who may call it")
        app.include_router(router)
    return Province(app, stores, keys, galleries, vault, people, notifier)


def _milvus(settings: ProvinceSettings) -> MilvusFolder | None:
    """Open the Milvus that is to hold the galleries, if any.

    Raises `BadConfiguration`, `GalleryInUse` or `MilvusFailed`.
    """
    folder = settings.milvus_folder
    if settings.templates_index != "milvus" or folder is None:
        return None
    if volume_of(folder) is Volume.PLAIN and not settings.milvus_plain_volume:
        raise BadConfiguration(
            f"`milvus_folder` {folder} is not known to be encrypted, and Milvus keeps vectors in the clear (C8): put "
            "it on LUKS or an fscrypt folder, or set `milvus_plain_volume = true` and answer for it yourself"
        )
    return MilvusFolder(folder)


def _erasures(settings: ProvinceSettings, stores: Stores) -> Erasures:
    path = settings.erasure_log_file or settings.keystore_file.with_name(f"{settings.keystore_file.name}.erasures")
    return Erasures(stores.identity, ErasureLog(path, stores.keystore.get_or_create("erasures", KEY_BYTES)))


def _sign_in_limit(settings: ProvinceSettings) -> RateLimit:
    return RateLimit(settings.sign_in_attempts_per_min / 60, settings.sign_in_attempts_per_min)
