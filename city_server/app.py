"""The city as one FastAPI application: everything is put together here, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import REGISTRY

from city_server import pages
from city_server.alerts import Alerts, Limits
from city_server.attempts import Attempts
from city_server.board import Boards
from city_server.box_gateway import BoxGateway
from city_server.bundles import Bundles
from city_server.camera_states import CameraStates
from city_server.changed_views import ChangedViews
from city_server.chores import Chores, Sweep
from city_server.desk import Desk
from city_server.embedding import Embedder
from city_server.intake import Intake
from city_server.matcher import Matcher
from city_server.memory import Memory
from city_server.operations import CameraCollector, Operations
from city_server.pad_gateway import PadGateway
from city_server.photos import Photos
from city_server.province import Province, ProvinceSearch
from city_server.queues import Queues
from city_server.records import Records
from city_server.replica import Replica
from city_server.replica_folder import ReplicaFolder
from city_server.sessions import SECURITY, Sessions
from city_server.settings import CitySettings
from city_server.store import Store
from city_server.ticketing import Ticketing
from city_server.trail import Trail
from city_server.watch.alerts import Times, WatchAlerts
from city_server.watch.api import WatchApi
from city_server.watch.seals import ListSeals
from city_server.watch.webhook import Webhook
from city_server.withdrawals import Withdrawals
from yingbin.faces.pack import ModelPack
from yingbin.feed_wire import FeedEntry
from yingbin.http.app import create_app
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers import brain
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.audit.chains import city_ledger
from yingbin.trust.audit.exchange import Anchoring
from yingbin.trust.devices import DeviceKey
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.seal import Sealer
from yingbin.wire import Camera

log = get_logger()
_KEY_BYTES = 32


def build(settings: CitySettings) -> FastAPI:
    """Return the city's application. Raises `BadConfiguration` and its kin when it cannot run as configured.

    `state.on_stop` ends the requests that wait for news; whoever serves it calls it when the server is to stop.
    """
    pack = ModelPack.load(settings.models_pack)
    key = DeviceKey.load(settings.key_file)
    keystore = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
    sealer = Sealer(keystore.get_or_create("city-records", _KEY_BYTES))
    database = Database(settings.database_url)
    migrate.upgrade(database, migrate.Tree.CITY)
    database.recorder = ledger = city_ledger(settings.city_id, key, keystore)

    def empty(key_id: str) -> Memory:
        return Memory(pack.pack_id, pack.dimension, key_id)

    records = Records(sealer)
    boards = Boards(records)
    store = Store(database, boards.poke)
    trail = Trail(store, Anchoring(database, ledger, told_for_s=0))
    limits = Limits(
        closes_after_ms=int(settings.visit_closes_after_min * 60_000),
        escalate_after_ms=int(settings.escalate_after_s * 1000),
        alert_horizon_ms=settings.alert_horizon_s * 1000,
    )
    withdrawals, changed_views = Withdrawals(records, store), ChangedViews(records, store)
    queues = Queues(limits.closes_after_ms)
    alerts = Alerts(records, limits, withdrawals, changed_views, queues)
    folder = ReplicaFolder(settings.galleries, keystore, empty, pack_id=pack.pack_id, dimension=pack.dimension)
    replica = Replica(folder, store, empty)
    province = Province(settings, key)
    search = ProvinceSearch(province, settings, pack.pack_id)
    matcher = Matcher(search, Embedder(pack), pack)
    watch_alerts = WatchAlerts(
        ListSeals(keystore),
        Times(limits.closes_after_ms, limits.alert_horizon_ms, int(settings.watch_alert_retention_h * 3_600_000)),
        webhook=settings.watch_webhook_url is not None,
    )
    intake = Intake(settings, replica, matcher, store, alerts, watch_alerts)
    states = CameraStates(now_ms())
    boxes = BoxGateway(
        settings,
        pack.pack_id,
        replica,
        intake,
        Ticketing(replica, matcher, trail, settings.catch_up_wait_s, queues, records, store),
        Photos(records),
        store,
        states,
        trail,
        bundles := Bundles(),
        queues,
    )
    token_key, attempts = keystore.get_or_create("city-staff-tokens", _KEY_BYTES), Attempts()
    sessions = Sessions(settings.city_id, token_key, replica, attempts, trail)
    security = Sessions(settings.city_id, token_key, replica, attempts, trail, SECURITY)
    watch = WatchApi(security, watch_alerts, store, lambda: replica.memory)
    intake.watch_changed = watch.changed
    webhook = Webhook(settings.watch_webhook_url, settings.city_id, key, store, watch_alerts)
    pads = PadGateway(
        settings,
        sessions,
        boards,
        Desk(records),
        store,
        province,
        trail,
        branch_of=lambda branch_id: replica.memory.branches.get(branch_id),  # noqa: PLW0108 - `memory` is replaced
        degraded=lambda: search.degraded or not replica.gate.connected,
    )

    def cameras() -> dict[str, Camera]:
        return dict(replica.memory.cameras)

    operations = Operations(states, cameras, sessions)
    collector = CameraCollector(states, cameras)
    chores = Chores(settings, store, Sweep(settings, records, alerts), boards, province, replica, bundles, ledger)

    def feed_moved() -> None:
        boxes.refresh()
        pads.refresh()

    async def before_page(entries: Sequence[FeedEntry]) -> None:
        await withdrawals.carry_out(entries)
        await changed_views.carry_out(entries)
        await trail.gallery_changed(entries)

    replica.before_page = before_page
    replica.changed = feed_moved

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await replica.load()
        REGISTRY.register(collector)
        work = (
            replica.follow(province, settings.feed_wait_s, settings.feed_retry_max_s),
            chores.enforce_limits(),
            webhook.run(),
            chores.escalate(),
            chores.forward_outcomes(),
            chores.forward_answers(),
            trail.keep_anchored(province, settings.audit_anchor_interval_s),
            chores.forward_tallies(),
            chores.forward_bundles(),
            chores.reseal(),
            chores.cut_trail(),
        )
        tasks = [asyncio.create_task(one) for one in work]
        for task in tasks:
            task.add_done_callback(_report_death)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            REGISTRY.unregister(collector)
            await province.close()
            folder.close()
            database.close()

    app = create_app("Yingbin city", lifespan, database.check, notes=brain.health)
    app.include_router(boxes.router)
    app.include_router(sessions.router)
    app.include_router(security.router)
    app.include_router(watch.router)
    app.include_router(pads.router)
    app.include_router(operations.router)
    app.state.on_stop = watch.close
    pages.mount(app)
    return app


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background_task_died", exc_info=task.exception())
