"""Everything held on a person, for himself (PIPL art. 45). That a template exists is told; no vector leaves (C8)."""

import uuid

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import Cards, Customer, city_of
from province_server.insights import export as insights
from province_server.insights.export import InsightHeld
from province_server.insights.facts import Facts
from province_server.lifecycle import traces
from province_server.lifecycle.receipts import Receipts
from province_server.lifecycle.traces import Traces
from province_server.portraits.export import PortraitHeld, held
from province_server.portraits.store import PortraitStore
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers.portrait.tablet import Names
from yingbin.storage.database import Database
from yingbin.storage.learning import SaleRow
from yingbin.storage.lifecycle import CampaignMemberRow, CampaignRow, CandidateRow
from yingbin.storage.province import BranchRow, CameraRow, City, ConsentRow, OutcomeRow, TemplateLink
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role
from yingbin.trust.watch import MANAGED_BY, WatchList

log = get_logger()


class ConsentHeld(BaseModel):
    """A consent, in force or withdrawn."""

    purpose: Purpose
    notice_version: str
    evidence: str
    by_guardian: bool
    granted_at_ms: int
    withdrawn_at_ms: int | None


class Enrolment(BaseModel):
    """A face template: where it is searched, since when, and by which model pack it was made."""

    gallery: str
    enrolled_at_ms: int
    model_pack: str


class OutcomeHeld(BaseModel):
    """What came of a visit."""

    at_ms: int
    branch: str
    kind: str
    product: str
    reason: str
    policy: str
    holdout: bool


class SaleHeld(BaseModel):
    """What the core system says he bought, and whether it was put down to a visit."""

    at_ms: int
    product: str
    amount_fen: int
    after_a_visit: bool


class ListHeld(BaseModel):
    """A list he is on: as a candidate, or of a campaign."""

    name: str
    reason: str
    source: str
    expires_at_ms: int


class Place(BaseModel):
    """Where his data are processed. `what` as in `yingbin` documentation: records, templates, card, boxes."""

    name: str
    what: list[str]


class Export(BaseModel):
    """All there is. `traces` says what of the watch lists is told, and why; see there."""

    made_at_ms: int
    record: Customer
    consents: list[ConsentHeld]
    enrolments: list[Enrolment]
    outcomes: list[OutcomeHeld]
    sales: list[SaleHeld]
    lists: list[ListHeld]
    portrait: PortraitHeld | None
    insights: list[InsightHeld]
    traces: Traces
    processed_at: list[Place]


class Exports:
    """Makes exports; each is logged with who asked for it."""

    def __init__(
        self, database: Database, cards: Cards, pack_id: str, portraits: PortraitStore, names: Names, facts: Facts,
        ledger: Ledger, receipts: Receipts,
    ) -> None:  # fmt: skip
        self._database = database
        self._cards = cards
        self._pack_id = pack_id
        self._portraits = portraits
        self._names = names
        self._facts = facts
        self._ledger = ledger
        self._receipts = receipts

    def of(self, customer_id: str, staff_id: str, role: Role) -> Export:
        """Return everything held on a customer that this role may hand out. Raises `NotFound`."""
        with self._database.read() as session:
            record = self._cards.customer(session, customer_id)
            templates = self._templates(session, customer_id)
            made = Export(
                made_at_ms=now_ms(),
                record=record,
                consents=_consents(session, customer_id),
                enrolments=templates,
                outcomes=_outcomes(session, customer_id),
                sales=_sales(session, customer_id),
                lists=_lists(session, customer_id),
                portrait=self._portrait(session, customer_id),
                insights=insights.held(self._facts, session, customer_id),
                traces=traces.held(
                    session,
                    self._ledger,
                    customer_id,
                    self._receipts.ref(customer_id),
                    tell_overdue=role == MANAGED_BY[WatchList.OVERDUE],
                ),
                processed_at=_places(session, record.home_branch_id, enrolled=bool(templates)),
            )
        log.info("export", customer_id=customer_id, staff_id=staff_id)
        return made

    def _portrait(self, session: Session, customer_id: str) -> PortraitHeld | None:
        kept = self._portraits.get(session, customer_id)
        return held(kept, self._portraits.tags, self._names) if kept else None

    def _templates(self, session: Session, customer_id: str) -> list[Enrolment]:
        linked = (TemplateLink.customer_id == customer_id, TemplateLink.state == "linked")
        rows = session.scalars(select(TemplateLink).where(*linked).order_by(TemplateLink.template_id)).all()
        return [
            Enrolment(gallery=row.gallery, enrolled_at_ms=enrolled_at_ms(row.template_id), model_pack=self._pack_id)
            for row in rows
        ]


def enrolled_at_ms(template_id: str) -> int:
    """Return when a template was made: its id is a UUIDv7 and carries the time (RFC 9562, 5.7)."""
    return uuid.UUID(template_id).int >> 80


def _consents(session: Session, customer_id: str) -> list[ConsentHeld]:
    rows = session.scalars(
        select(ConsentRow).where(ConsentRow.customer_id == customer_id).order_by(ConsentRow.consent_id)
    )
    return [
        ConsentHeld(
            purpose=Purpose(row.purpose),
            notice_version=row.notice_version,
            evidence=row.evidence,
            by_guardian=row.by_guardian,
            granted_at_ms=row.granted_at_ms,
            withdrawn_at_ms=row.withdrawn_at_ms,
        )
        for row in rows
    ]


def _outcomes(session: Session, customer_id: str) -> list[OutcomeHeld]:
    rows = session.execute(
        select(OutcomeRow, BranchRow)
        .join(BranchRow, BranchRow.branch_id == OutcomeRow.branch_id)
        .where(OutcomeRow.customer_id == customer_id)
        .order_by(OutcomeRow.at_ms)
    )
    return [
        OutcomeHeld(
            at_ms=outcome.at_ms,
            branch=branch.name_zh,
            kind=outcome.kind,
            product=outcome.product,
            reason=outcome.reason,
            policy=outcome.policy,
            holdout=outcome.holdout,
        )
        for outcome, branch in rows
    ]


def _sales(session: Session, customer_id: str) -> list[SaleHeld]:
    rows = session.scalars(select(SaleRow).where(SaleRow.customer_id == customer_id).order_by(SaleRow.at_ms))
    return [
        SaleHeld(at_ms=row.at_ms, product=row.product, amount_fen=row.amount_fen, after_a_visit=bool(row.card_id))
        for row in rows
    ]


def _lists(session: Session, customer_id: str) -> list[ListHeld]:
    candidates = session.scalars(select(CandidateRow).where(CandidateRow.customer_id == customer_id))
    campaigns = session.scalars(
        select(CampaignRow)
        .join(CampaignMemberRow, CampaignMemberRow.campaign_id == CampaignRow.campaign_id)
        .where(CampaignMemberRow.customer_id == customer_id)
    )
    return [
        *(
            ListHeld(name="potential", reason=row.reason, source=row.source, expires_at_ms=row.expires_at_ms)
            for row in candidates
        ),
        *(ListHeld(name=row.name, reason="", source="campaign", expires_at_ms=row.expires_at_ms) for row in campaigns),
    ]


def _places(session: Session, home_branch_id: str, *, enrolled: bool) -> list[Place]:
    places = [Place(name="province", what=["records", *(["templates"] if enrolled else [])])]
    if not enrolled:
        return places
    branch = session.get_one(BranchRow, home_branch_id)
    city = session.get_one(City, city_of(session, home_branch_id))
    places.append(Place(name=city.name, what=["templates", "card", "visits"]))
    local = select(CameraRow.camera_id).where(CameraRow.branch_id == home_branch_id, CameraRow.local_recognition)
    if session.scalars(local.limit(1)).first() is not None:
        places.append(Place(name=branch.name_zh, what=["templates"]))
    return places
