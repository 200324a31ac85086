"""Routes of candidates and campaigns."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from province_server.auth import Gate
from province_server.campaigns.candidates import MAX_AT_ONCE, Added, Candidate, CandidateService, NewCandidate
from province_server.campaigns.lists import Campaign, CampaignService, MemberIds, NewCampaign
from province_server.records import After, Body, Id, Limit, next_cursor
from yingbin.trust.staff import Role, StaffToken


class NewCandidates(Body):
    """Candidates from one source."""

    items: list[NewCandidate] = Field(min_length=1, max_length=MAX_AT_ONCE)
    unfit: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="refuse: all or none, and only unknown customers are refused; leave_out: for lists of a model, "
        "whoever may not be proposed is left out and counted",
    )


class CandidatePage(BaseModel):
    """Candidates by id."""

    items: list[Candidate]
    next: str | None


class CampaignPage(BaseModel):
    """Campaigns by id."""

    items: list[Campaign]
    next: str | None


class MemberPage(BaseModel):
    """Customers by id."""

    items: list[str]
    next: str | None


def routes(candidates: CandidateService, campaigns: CampaignService, gate: Gate) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["potential customers"])
    manager = Depends(gate.requires(Role.PRODUCT_MANAGER, Role.GALLERY_ADMIN))

    @router.post("/candidates", status_code=201, response_model_exclude_unset=True)
    def add_candidates(body: NewCandidates, who: Annotated[StaffToken, manager]) -> Added:
        """Add candidates; a customer who is one already gets the new reason and end."""
        if body.unfit == "leave_out":
            return candidates.add_fit(body.items, who.staff_id)
        return Added(added=candidates.add(body.items, who.staff_id))

    @router.get("/candidates", dependencies=[manager])
    def list_candidates(after: After = "", limit: Limit = 50) -> CandidatePage:
        """List candidates who have not expired, and what each is missing before he may be enrolled."""
        items = candidates.page(after, limit)
        return CandidatePage(items=items, next=next_cursor([item.candidate_id for item in items], limit))

    @router.delete("/candidates/{candidate_id}", status_code=204, dependencies=[manager])
    def remove_candidate(candidate_id: Id) -> None:
        """Remove a candidate."""
        candidates.remove(candidate_id)

    @router.post("/campaigns", status_code=201)
    def add_campaign(body: NewCampaign, who: Annotated[StaffToken, manager]) -> Campaign:
        """Begin a campaign with an empty list."""
        return campaigns.add(body, who.staff_id)

    @router.get("/campaigns", dependencies=[manager])
    def list_campaigns(after: After = "", limit: Limit = 50) -> CampaignPage:
        """List campaigns that have not expired."""
        items = campaigns.page(after, limit)
        return CampaignPage(items=items, next=next_cursor([item.campaign_id for item in items], limit))

    @router.delete("/campaigns/{campaign_id}", status_code=204, dependencies=[manager])
    def end_campaign(campaign_id: Id) -> None:
        """End a campaign; its list goes with it."""
        campaigns.end(campaign_id)

    @router.put("/campaigns/{campaign_id}/members", status_code=204, dependencies=[manager])
    def add_campaign_members(campaign_id: Id, body: MemberIds) -> None:
        """Add customers who consent to marketing; refused as a whole if one does not."""
        campaigns.put_members(campaign_id, body.customer_ids)

    @router.get("/campaigns/{campaign_id}/members", dependencies=[manager])
    def list_campaign_members(campaign_id: Id, after: After = "", limit: Limit = 50) -> MemberPage:
        """List the customers of a campaign who consent to marketing now."""
        items = campaigns.members(campaign_id, after, limit)
        return MemberPage(items=items, next=next_cursor(items, limit))

    @router.delete("/campaigns/{campaign_id}/members/{customer_id}", status_code=204, dependencies=[manager])
    def remove_campaign_member(campaign_id: Id, customer_id: Id) -> None:
        """Take a customer off a campaign's list."""
        campaigns.remove_member(campaign_id, customer_id)

    return router
