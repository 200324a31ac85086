"""Campaign lists: customers to speak to about one thing, until the list expires. Only with consent to `marketing`."""

from typing import TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import Select, and_, delete, func, select
from sqlalchemy.orm import Session

from province_server.campaigns.candidates import check_expiry
from province_server.cards import consents_in_force
from province_server.records import Body, Id, Label
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.lifecycle import CampaignMemberRow, CampaignRow
from yingbin.storage.province import ConsentRow, CustomerRow
from yingbin.trust.consent import Purpose, require

MAX_AT_ONCE = 1000
T = TypeVar("T")


class NewCampaign(Body):
    """A campaign and its end (UTC ms)."""

    name: Label = Field(examples=["structured deposits, winter"])
    expires_at_ms: int = Field(gt=0, lt=2**53)


class MemberIds(Body):
    """Customers for a list."""

    customer_ids: list[Id] = Field(min_length=1, max_length=MAX_AT_ONCE)


class Campaign(BaseModel):
    """A campaign. `members` counts those who consent to marketing now; who withdrew is not on it any more."""

    campaign_id: str
    name: str
    created_by: str
    created_at_ms: int
    expires_at_ms: int
    members: int


class CampaignService:
    """Keeps campaign lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewCampaign, staff_id: str) -> Campaign:
        """Return a new campaign without members. Raises `InvalidInput`."""
        at_ms = now_ms()
        check_expiry(new.expires_at_ms, at_ms)
        made = Campaign(
            campaign_id=new_id(), name=new.name, created_by=staff_id, created_at_ms=at_ms,
            expires_at_ms=new.expires_at_ms, members=0,
        )  # fmt: skip
        with self._database.write() as session:
            session.add(CampaignRow(**made.model_dump(exclude={"members"})))
        return made

    def put_members(self, campaign_id: str, customer_ids: list[str]) -> None:
        """Add customers, all or none; those who are on it stay.

        Raises `NotFound`, `Conflict` (expired), `InvalidInput` (no such customer) or `ConsentMissing`.
        """
        with self._database.write() as session:
            campaign = session.get(CampaignRow, campaign_id)
            if campaign is None:
                raise NotFound(f"there is no campaign {campaign_id}")
            if campaign.expires_at_ms <= now_ms():
                raise Conflict("this campaign has expired; begin another")
            for customer_id in customer_ids:
                if session.get(CustomerRow, customer_id) is None:
                    raise InvalidInput(f"there is no customer {customer_id}; nothing was added")
                require(consents_in_force(session, customer_id), Purpose.MARKETING)
                session.merge(CampaignMemberRow(campaign_id=campaign_id, customer_id=customer_id))

    def remove_member(self, campaign_id: str, customer_id: str) -> None:
        """Take a customer off a list; safe to repeat."""
        of_member = (CampaignMemberRow.campaign_id == campaign_id, CampaignMemberRow.customer_id == customer_id)
        with self._database.write() as session:
            session.execute(delete(CampaignMemberRow).where(*of_member))

    def end(self, campaign_id: str) -> None:
        """End a campaign and its list at once. Raises `NotFound`."""
        with self._database.write() as session:
            row = session.get(CampaignRow, campaign_id)
            if row is None:
                raise NotFound(f"there is no campaign {campaign_id}")
            session.delete(row)

    def page(self, after: str, limit: int) -> list[Campaign]:
        """Return the campaigns of today, by id."""
        current = (CampaignRow.campaign_id > after, CampaignRow.expires_at_ms > now_ms())
        found = select(CampaignRow).where(*current).order_by(CampaignRow.campaign_id).limit(limit)
        with self._database.read() as session:
            return [_campaign(session, row) for row in session.scalars(found).all()]

    def members(self, campaign_id: str, after: str, limit: int) -> list[str]:
        """Return the customers on a list who consent to marketing now, by id. Raises `NotFound` once it expired."""
        with self._database.read() as session:
            row = session.get(CampaignRow, campaign_id)
            if row is None or row.expires_at_ms <= now_ms():
                raise NotFound(f"there is no campaign {campaign_id} any more")
            found = _consenting(select(CampaignMemberRow.customer_id)).where(
                CampaignMemberRow.campaign_id == campaign_id, CampaignMemberRow.customer_id > after
            )
            return list(session.scalars(found.order_by(CampaignMemberRow.customer_id).limit(limit)))


def _consenting(found: Select[T]) -> Select[T]:
    """Leave of a question about members those who consent to marketing now."""
    in_force = and_(
        ConsentRow.customer_id == CampaignMemberRow.customer_id,
        ConsentRow.purpose == Purpose.MARKETING,
        ConsentRow.withdrawn_at_ms.is_(None),
    )
    return found.select_from(CampaignMemberRow).join(ConsentRow, in_force)


def _campaign(session: Session, row: CampaignRow) -> Campaign:
    count = _consenting(select(func.count())).where(CampaignMemberRow.campaign_id == row.campaign_id)
    return Campaign(
        campaign_id=row.campaign_id,
        name=row.name,
        created_by=row.created_by,
        created_at_ms=row.created_at_ms,
        expires_at_ms=row.expires_at_ms,
        members=session.scalars(count).one(),
    )
