"""Makes the province's services out of its stores, in the order in which they need each other. Composition only."""

from dataclasses import dataclass

from province_server import assist
from province_server.analytics.service import Analytics
from province_server.audit.reader import AuditReader
from province_server.audit.trail import acting
from province_server.auth import Gate
from province_server.batch.jobs import Jobs
from province_server.batch.worker import Worker
from province_server.bulk.enroller import Enroller
from province_server.bulk.service import KIND as BULK_ENROLMENT
from province_server.bulk.service import BulkEnrolment
from province_server.bundles import BundleService
from province_server.cameras import Cameras
from province_server.campaigns.candidates import CandidateService
from province_server.campaigns.lists import CampaignService
from province_server.cards import Cards
from province_server.catalogues.in_force import InForce
from province_server.catalogues.releases import CatalogueReleases
from province_server.catalogues.republish import Republishing
from province_server.catalogues.trial import CatalogueTrial
from province_server.catalogues.versions import CatalogueVersions
from province_server.consents import ConsentService
from province_server.customers import CustomerService
from province_server.duplicates import Duplicates
from province_server.enrolment import EnrolmentService, PhotoReader
from province_server.erasures import RESTORE, Erasure, ErasureLog, Erasures, renew_all_cities
from province_server.evidence import Evidence
from province_server.feed import Notifier
from province_server.gallery import Galleries, NewIndex
from province_server.idempotency import Answers
from province_server.imports.service import KIND as CUSTOMER_IMPORT
from province_server.imports.service import CustomerImport
from province_server.imports.upsert import Upserter
from province_server.insights.facts import Facts
from province_server.insights.notes import Notes
from province_server.insights.services import Insights
from province_server.keys import KEY_BYTES, PROVINCE, Keys
from province_server.lifecycle.export import Exports
from province_server.lifecycle.filing import FilingCounter
from province_server.lifecycle.receipts import Receipts
from province_server.lifecycle.retention import Retention
from province_server.lifecycle.working_days import WorkingDays
from province_server.limits import RateLimit
from province_server.materialise import FeedReader
from province_server.measuring.services import Measuring, policies_of
from province_server.memberships import MembershipService
from province_server.operations import Operations
from province_server.outcomes import OutcomeService
from province_server.portraits.load import PortraitLoader
from province_server.portraits.service import PortraitService
from province_server.portraits.store import PortraitStore
from province_server.registry import Registry
from province_server.renewal import CityRenewals, ProvinceRenewal
from province_server.rota import Rota
from province_server.search import RecentMatches, Search
from province_server.sessions import SessionService
from province_server.settings import ProvinceSettings
from province_server.staff import StaffService
from province_server.statistics import StatisticsService
from province_server.stores import Stores
from province_server.template_store import require_pack
from province_server.vault import TemplateVault
from province_server.watch.entries import WatchService
from province_server.watch.feed import WatchFeed
from province_server.watch.keys import WatchKeys
from province_server.watch.responses import WatchResponses
from yingbin.doctor.volume import Volume, volume_of
from yingbin.errors import BadConfiguration
from yingbin.galleries.milvus_index import MilvusFolder
from yingbin.offers.catalogue import read_catalogue
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.trust.audit.exchange import Anchoring
from yingbin.trust.consent import Purpose


@dataclass(frozen=True, slots=True)
class Services:
    """All that routes, middleware and chores call."""

    keys: Keys
    galleries: Galleries
    milvus: MilvusFolder | None
    vault: TemplateVault
    notifier: Notifier
    gate: Gate
    operations: Operations
    answers: Answers
    sessions: SessionService
    staff: StaffService
    rota: Rota
    registry: Registry
    cameras: Cameras
    city_renewals: CityRenewals
    renewal: ProvinceRenewal
    customers: CustomerService
    consents: ConsentService
    receipts: Receipts
    exports: Exports
    memberships: MembershipService
    enrolment: EnrolmentService
    duplicates: Duplicates
    assist: assist.Assist
    watch: WatchService
    filing: FilingCounter
    retention: Retention
    candidates: CandidateService
    campaigns: CampaignService
    bulk: BulkEnrolment
    bulk_jobs: Jobs
    bulk_worker: Worker
    imports: CustomerImport
    import_jobs: Jobs
    import_worker: Worker
    analytics: Analytics
    feed: FeedReader
    search: Search
    portraits: PortraitService
    portrait_loader: PortraitLoader
    outcomes: OutcomeService
    bundles: BundleService
    figures: StatisticsService
    watch_responses: WatchResponses
    cards: Cards
    catalogue_versions: CatalogueVersions
    catalogue_releases: CatalogueReleases
    catalogue_trial: CatalogueTrial
    republishing: Republishing
    measuring: Measuring
    insights: Insights
    anchoring: Anchoring
    audit_reader: AuditReader


def make(settings: ProvinceSettings, stores: Stores, reader: PhotoReader) -> Services:
    """Return the services, the galleries loaded. Raises `BadConfiguration` naming what is wrong."""
    identity, templates = stores.identity, stores.templates
    keys = Keys(stores.keystore, reader.dimension)
    milvus = _milvus(settings)
    require_pack(templates, reader.pack_id)  # before any folder is opened and found to be of another one
    domain = keys.domains(PROVINCE)[-1]
    stores.galleries.keep_only(None if milvus else domain)
    new_index = _in_milvus(milvus) if milvus else stores.galleries.indices(reader.pack_id)
    notifier, galleries = Notifier(), Galleries(keys, reader.dimension, domain, new_index)
    in_force = InForce()
    releases = CatalogueReleases(identity, in_force)
    releases.begin(*read_catalogue(settings.catalogue_file))
    policies = policies_of(settings, stores, notifier)
    facts = Facts(keys, stores.keystore.get_or_create("insights", KEY_BYTES))
    cards = Cards(keys, in_force, policies, facts)
    names = in_force.names()
    portraits = PortraitStore(keys, packaged_tags())
    vault = TemplateVault(identity, templates, keys, galleries, notifier, reader.pack_id)
    matches = RecentMatches(settings.portrait_after_match_h)
    evidence = Evidence(identity, reader.pack_id, settings.portrait_after_match_h)
    search = Search(
        identity, keys, galleries, cards, matches, evidence,
        RateLimit(settings.search_probes_per_s, settings.search_burst_probes),
        reader.pack_id, reader.scores, reader.dimension,
    )  # fmt: skip
    city_renewals = CityRenewals(identity, keys, notifier, settings.late_probes_s)
    erasures = _erasures(settings, stores)
    anchoring = Anchoring(identity, stores.trail.ledger)
    duplicates_found = Duplicates(identity, keys, galleries, reader.scores)
    receipts = Receipts(
        identity, stores.keystore.get_or_create("receipts", KEY_BYTES), round(settings.feed_lease_h * 3_600_000)
    )
    watch_keys = WatchKeys(keys, stores.keystore, reader.dimension)
    watch_feed = WatchFeed(templates, watch_keys, reader.pack_id)
    watch = WatchService(identity, templates, watch_keys, cards, reader, notifier, erasures, vault.lock)
    consent_service = ConsentService(identity, cards, vault, notifier, erasures, receipts, portraits, facts)
    customer_service = CustomerService(
        identity, keys, cards, vault, notifier, erasures, receipts, consent_service, watch, facts, matches.has
    )

    def again(erasure: Erasure, number: int) -> None:
        if erasure.watch_entry_id:
            watch.end_again(erasure.watch_entry_id, number)
        elif erasure.purpose:
            purposes = [Purpose(erasure.purpose)]
            consent_service.withdraw(erasure.customer_id, purposes, RESTORE, number, erasure.receipt_id)
        else:
            customer_service.erase(erasure.customer_id, RESTORE, number, erasure.receipt_id)

    with acting("job:restore"):  # before anything of a restored backup is searchable
        replayed = erasures.replay(again)
    if replayed:
        renew_all_cities(identity, keys)
    vault.load()
    portrait_service = PortraitService(
        identity, cards, matches, evidence, portraits, names, Notes(cards, facts).notes_for
    )
    measuring = Measuring.make(settings, stores, keys, cards, policies)
    bulk_jobs = Jobs(identity, BULK_ENROLMENT)
    bulk_worker = Worker(bulk_jobs)
    enroller = Enroller(identity, customer_service, consent_service, vault, duplicates_found, notifier, bulk_jobs)
    row_key = stores.keystore.get_or_create("batch-rows", KEY_BYTES)
    bulk = BulkEnrolment(identity, bulk_jobs, bulk_worker, enroller, reader, row_key, settings.photo_threads)
    import_jobs = Jobs(identity, CUSTOMER_IMPORT)
    import_worker = Worker(import_jobs)
    upserter = Upserter(identity, keys, customer_service, consent_service, vault, notifier)
    imports = CustomerImport(identity, import_jobs, import_worker, upserter, row_key)
    return Services(
        keys=keys,
        galleries=galleries,
        milvus=milvus,
        vault=vault,
        notifier=notifier,
        gate=Gate(identity, keys.staff_token_key),
        operations=Operations(),
        answers=Answers(identity, stores.keystore.get_or_create("answers", KEY_BYTES)),
        sessions=SessionService(identity, keys.staff_token_key, _sign_in_limit(settings)),
        staff=StaffService(identity, notifier),
        rota=Rota(identity, notifier),
        registry=Registry(identity, keys, notifier, reader.pack_id, reader.dimension),
        cameras=Cameras(identity, notifier),
        city_renewals=city_renewals,
        renewal=ProvinceRenewal(
            identity, templates, keys, vault, galleries, portraits, facts, stores.galleries.keep_only
        ),
        customers=customer_service,
        consents=consent_service,
        receipts=receipts,
        exports=Exports(identity, cards, reader.pack_id, portraits, names, facts, stores.trail.ledger, receipts),
        memberships=MembershipService(identity, cards, vault, galleries, reader.scores.fit_for_templates),
        enrolment=EnrolmentService(identity, vault, galleries, duplicates_found, reader),
        duplicates=duplicates_found,
        assist=assist.Assist(identity, cards, keys, vault, reader, assist.NotChecked(), _assist_limit(settings)),
        watch=watch,
        filing=FilingCounter(identity, settings.legal_entity, WorkingDays.load(settings.holidays_file)),
        retention=Retention(identity, stores.trail.ledger, vault, notifier),
        candidates=CandidateService(identity, cards),
        campaigns=CampaignService(identity),
        bulk=bulk,
        bulk_jobs=bulk_jobs,
        bulk_worker=bulk_worker,
        imports=imports,
        import_jobs=import_jobs,
        import_worker=import_worker,
        analytics=Analytics(identity, keys, stores.keystore.get_or_create("analytics", KEY_BYTES)),
        feed=FeedReader(
            identity, keys, cards, vault, reader.pack_id, settings, city_renewals, watch_feed, receipts, matches.has
        ),
        search=search,
        portraits=portrait_service,
        portrait_loader=PortraitLoader(identity, portraits, vault),
        outcomes=OutcomeService(identity, evidence, notifier, measuring.sales),
        bundles=BundleService(identity),
        figures=StatisticsService(identity),
        watch_responses=WatchResponses(identity),
        cards=cards,
        catalogue_versions=CatalogueVersions(identity, in_force),
        catalogue_releases=releases,
        catalogue_trial=CatalogueTrial(identity, cards, measuring.past_visits),
        republishing=Republishing(identity, releases, notifier),
        measuring=measuring,
        insights=Insights.make(identity, facts, vault, notifier, portrait_service.may_see),
        anchoring=anchoring,
        audit_reader=AuditReader(identity, stores.trail.ledger, anchoring),
    )


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


def _in_milvus(milvus: MilvusFolder) -> NewIndex:
    return lambda _, __, dimension: milvus.index(dimension)


def _erasures(settings: ProvinceSettings, stores: Stores) -> Erasures:
    path = settings.erasure_log_file or settings.keystore_file.with_name(f"{settings.keystore_file.name}.erasures")
    return Erasures(stores.identity, ErasureLog(path, stores.keystore.get_or_create("erasures", KEY_BYTES)))


def _sign_in_limit(settings: ProvinceSettings) -> RateLimit:
    return RateLimit(settings.sign_in_attempts_per_min / 60, settings.sign_in_attempts_per_min)


def _assist_limit(settings: ProvinceSettings) -> RateLimit:
    return RateLimit(settings.assists_per_min / 60, settings.assists_per_min)
