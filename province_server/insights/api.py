"""Routes of nights of conclusions, /v1/insights/nights."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from province_server.auth import Gate
from province_server.batch.api import Resume, begin, multipart
from province_server.batch.jobs import Job, JobPage, Jobs
from province_server.batch.worker import Worker
from province_server.insights.nights import Night, Nights
from province_server.records import After, Id, Limit
from yingbin.trust.staff import Role, StaffToken

PATH: Final = "/v1/insights/nights"
_BODY: Final = multipart("PAR1…", table="Parquet, as `yingbin offers insights run` writes it")


def routes(nights: Nights, jobs: Jobs, worker: Worker, gate: Gate, folder: Path | None) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix=PATH, tags=["insights"])
    admin = Depends(gate.requires(Role.GALLERY_ADMIN))

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def load_insights(request: Request, who: Annotated[StaffToken, admin], resume: Resume = False) -> Job:
        """Load a night's conclusions in the background, once the whole file was checked.

        A file that comes again changes nothing; one older than what is loaded is refused. Up to 8 GiB; then send no
        idempotency key.
        """
        start = partial(nights.start, who=who, resume=resume)
        return await begin(request, {"table"}, folder, start, jobs)

    @router.get("", dependencies=[admin])
    def list_insight_nights(after: After = "", limit: Limit = 50) -> JobPage:
        """List loads, the newest first."""
        return jobs.page(after, limit)

    @router.get("/{job_id}", dependencies=[admin])
    def get_insight_night(job_id: Id) -> Job:
        """Read how far a load is, in rows."""
        return jobs.get(job_id)

    @router.get("/{job_id}/summary", dependencies=[admin])
    def get_insight_night_summary(job_id: Id) -> Night:
        """Read what a load came to; counts only."""
        return nights.summary(job_id)

    @router.post("/{job_id}/cancel", status_code=204, dependencies=[admin])
    def cancel_insight_night(job_id: Id) -> None:
        """Stop after the customers at hand; what is loaded stays. Safe to repeat."""
        worker.cancel(job_id)

    return router
