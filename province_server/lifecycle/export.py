"""Everything held on a person, for himself (PIPL art. 45). That a template exists is told; no vector leaves (C8)."""

import uuid

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import Cards, Customer, city_of
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import CampaignMemberRow, CampaignRow, CandidateRow
from yingbin.storage.province import BranchRow, CameraRow, City, ConsentRow, OutcomeRow, TemplateLink
from yingbin.trust.consent import Purpose

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
    """All there is. Whether he is on a list by a written order is not told here: the authority decides that."""

    made_at_ms: int
    record: Customer
    consents: list[ConsentHeld]
    enrolments: list[Enrolment]
    outcomes: list[OutcomeHeld]
    lists: list[ListHeld]
    processed_at: list[Place]


class Exports:
    """Makes exports; each is logged with who asked for it."""

    def __init__(self, database: Database, cards: Cards, pack_id: str) -> None:
        self._database = database
        self._cards = cards
        self._pack_id = pack_id

    def of(self, customer_id: str, staff_id: str) -> Export:
        """Return everything held on a customer. Raises `NotFound`."""
        with self._database.read() as session:
            record = self._cards.customer(session, customer_id)
            templates = self._templates(session, customer_id)
            made = Export(
                made_at_ms=now_ms(),
                record=record,
                consents=_consents(session, customer_id),
                enrolments=templates,
                outcomes=_outcomes(session, customer_id),
                lists=_lists(session, customer_id),
                processed_at=_places(session, record.home_branch_id, enrolled=bool(templates)),
            )
        log.info("export", customer_id=customer_id, staff_id=staff_id)
        return made

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
        OutcomeHeld(at_ms=outcome.at_ms, branch=branch.name_zh, kind=outcome.kind, product=outcome.product)
        for outcome, branch in rows
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
    places.append(Place(name=city.name, what=["templates", "card"]))
    local = select(CameraRow.camera_id).where(CameraRow.branch_id == home_branch_id, CameraRow.local_recognition)
    if session.scalars(local.limit(1)).first() is not None:
        places.append(Place(name=branch.name_zh, what=["templates"]))
    return places
