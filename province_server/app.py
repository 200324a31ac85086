"""Joins the services of a province to its routes, middleware and chores. Composition only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware

from province_server import (
    assist,
    cameras_api,
    chores,
    city_api,
    consents,
    customers,
    decisions,
    duplicates,
    enrolment,
    me,
    memberships,
    pages,
    photo_check,
    registry_api,
    renewal_api,
    services,
    sessions,
    specification,
    staff_api,
    statistics,
)
from province_server.analytics import service as analytics
from province_server.audit import api as audit_api
from province_server.audit.middleware import AuditMiddleware
from province_server.batch.jobs import Jobs
from province_server.batch.upload import MAX_UPLOAD_BYTES
from province_server.bulk import api as bulk_api
from province_server.bulk.service import BulkEnrolment
from province_server.campaigns import api as campaigns_api
from province_server.catalogues import api as catalogues_api
from province_server.catalogues.republish import CATALOGUE_EVERY_S
from province_server.chores import Chore
from province_server.enrolment import PhotoReader
from province_server.feed import Notifier
from province_server.gallery import Galleries
from province_server.idempotency import PURGE_EVERY_S, IdempotencyMiddleware
from province_server.imports import api as import_api
from province_server.insights import api as insights_api
from province_server.insights.services import Insights
from province_server.keys import Keys
from province_server.lifecycle import receipts_api, retention_api
from province_server.lifecycle.filing import FILING_EVERY_S, FilingCounter
from province_server.lifecycle.filing import routes as filing_api
from province_server.lifecycle.retention import RETENTION_EVERY_S, Retention
from province_server.limits import RateLimit
from province_server.measuring.learner import EVERY_S as LEARN_EVERY_S
from province_server.measuring.services import Measuring
from province_server.operations import Operations
from province_server.portraits import api as portraits_api
from province_server.rota import SETTLE_EVERY_S
from province_server.services import Services
from province_server.settings import ProvinceSettings
from province_server.staff import StaffService
from province_server.statistics import ENROLLED_EVERY_S
from province_server.stores import Stores
from province_server.vault import TemplateVault
from province_server.watch import api as watch_api
from province_server.watch import responses as watch_responses
from province_server.watch.entries import WATCH_EVERY_S, WatchService
from yingbin.http.app import MAX_BODY_BYTES, create_app
from yingbin.offers import brain
from yingbin.trust.audit.exchange import EVERY_S

__all__ = ["Province", "Stores", "build"]

_RESEAL_POLL_S = 600


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
    operations: Operations
    watch: WatchService
    filing: FilingCounter
    retention: Retention
    bulk: BulkEnrolment
    bulk_jobs: Jobs
    measuring: Measuring
    insights: Insights


def build(settings: ProvinceSettings, stores: Stores, reader: PhotoReader) -> Province:
    """Return the province, its galleries loaded. Raises `BadConfiguration` naming what is wrong."""
    made = services.make(settings, stores, reader)

    gallery_key_s = round(settings.gallery_key_h * 3600)
    by_the_clock = [
        Chore("galleries", min(_RESEAL_POLL_S, gallery_key_s), lambda: stores.galleries.reseal(gallery_key_s * 1000)),
        Chore("duty_rota", SETTLE_EVERY_S, made.rota.settle_all),
        Chore("answers", PURGE_EVERY_S, made.answers.purge),
        Chore("audit_anchors", EVERY_S, made.audit_reader.watch),
        Chore("watch_lists", WATCH_EVERY_S, made.watch.job),
        Chore("filing", FILING_EVERY_S, made.filing.job),
        Chore("catalogue", CATALOGUE_EVERY_S, made.republishing.job),
        Chore("enrolled", ENROLLED_EVERY_S, made.figures.count_enrolled),
        Chore("learning", LEARN_EVERY_S, made.measuring.learner.job),
        Chore("retention", RETENTION_EVERY_S, made.retention.job),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        made.renewal.resume()
        at_work = asyncio.create_task(chores.run(by_the_clock))
        yield
        at_work.cancel()
        made.republishing.stop()
        await asyncio.wait([at_work])
        await run_in_threadpool(made.bulk_worker.stop)
        await run_in_threadpool(made.import_worker.stop)
        await run_in_threadpool(made.insights.worker.stop)
        await run_in_threadpool(made.renewal.stop)
        if made.milvus:
            await run_in_threadpool(made.milvus.close)
        stores.close()

    # A photo stays in memory: the framework would spool parts of more than 1 MiB to a file on disk.
    MultiPartParser.spool_max_size = MAX_BODY_BYTES
    app = create_app(
        "Yingbin province",
        lifespan,
        stores.check,
        dict.fromkeys((bulk_api.PATH, import_api.PATH, insights_api.PATH), MAX_UPLOAD_BYTES),
        brain.health,
    )
    # Last in the list is innermost: it knows the request's id, and its refusals get the headers of every answer.
    app.user_middleware.append(Middleware(AuditMiddleware, database=stores.identity, trail=stores.trail))
    app.user_middleware.append(Middleware(IdempotencyMiddleware, answers=made.answers, gate=made.gate))
    for router in _routers(made, stores, settings, reader):
        made.operations.include(app, router)
    specification.install(app, made.operations)
    pages.mount(app)
    return Province(
        app, stores, made.keys, made.galleries, made.vault, made.staff, made.notifier, made.operations, made.watch,
        made.filing, made.retention, made.bulk, made.bulk_jobs, made.measuring, made.insights,
    )  # fmt: skip


def _routers(made: Services, stores: Stores, settings: ProvinceSettings, reader: PhotoReader) -> tuple[APIRouter, ...]:
    gate, folder = made.gate, settings.upload_folder
    photo_checks = RateLimit(settings.photo_checks_per_s, 2 * settings.photo_checks_per_s)
    return (
        sessions.routes(made.sessions, gate),
        staff_api.routes(made.staff, made.rota, gate),
        me.routes(made.staff, made.operations, gate),
        registry_api.routes(made.registry, gate),
        cameras_api.routes(made.cameras, gate),
        memberships.routes(made.memberships, gate),
        renewal_api.routes(made.renewal, made.city_renewals, made.registry, gate),
        customers.routes(made.customers, gate),
        decisions.routes(stores.identity, made.cards, gate),
        consents.routes(made.consents, made.receipts, gate),
        receipts_api.routes(made.receipts, made.exports, gate),
        filing_api(made.filing, gate),
        retention_api.routes(made.retention, gate),
        assist.routes(made.assist, gate),
        *watch_api.routes(made.watch, gate),
        campaigns_api.routes(made.candidates, made.campaigns, gate),
        catalogues_api.routes(made.catalogue_versions, made.catalogue_releases, made.catalogue_trial, gate),
        enrolment.routes(made.enrolment, gate),
        photo_check.routes(reader, photo_checks, gate),
        duplicates.routes(made.duplicates, gate),
        bulk_api.routes(made.bulk, made.bulk_jobs, made.bulk_worker, gate, folder),
        analytics.routes(made.analytics, gate),
        portraits_api.routes(made.portrait_loader, gate),
        import_api.routes(made.imports, made.import_jobs, made.import_worker, gate, folder),
        insights_api.routes(made.insights.nights, made.insights.jobs, made.insights.worker, gate, folder),
        city_api.routes(
            made.feed,
            made.notifier,
            made.search,
            made.portraits,
            made.outcomes,
            made.figures,
            made.bundles,
            made.insights.answers,
            gate,
        ),
        statistics.routes(made.figures, gate),
        watch_responses.routes(made.watch_responses, gate),
        *made.measuring.routes(gate),
        audit_api.routes(made.audit_reader, made.anchoring, stores.identity, gate),
    )
