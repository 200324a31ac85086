"""Routes of bulk enrolment, /v1/bulk/jobs."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from province_server.auth import Gate
from province_server.batch.api import CSV_ANSWER, AfterRow, DryRun, Resume, begin, multipart, report, rows_page
from province_server.batch.jobs import Job, JobPage, Jobs, RowPage
from province_server.batch.worker import Worker
from province_server.bulk.service import BulkEnrolment
from province_server.records import After, Id, Limit
from yingbin.trust.staff import Role, StaffToken

PATH: Final = "/v1/bulk/jobs"
_BODY: Final = multipart(
    "customer_id,gallery,photo,notice_version,evidence_vip_service,evidence_central_storage\r\n"
    "c-1001,vip,c-1001.jpg,2026-1,paper 17,paper 17\r\n",
    list="CSV (UTF-8 or GB 18030) or Parquet: customer_id, gallery, photo, notice_version, evidence_<purpose>, and "
    "the columns of a customer's record for customers who are not registered yet",
    photos="A zip file of the photos that the list names",
)


def routes(bulk: BulkEnrolment, jobs: Jobs, worker: Worker, gate: Gate, folder: Path | None) -> APIRouter:
    """Return the routes of bulk enrolment."""
    router = APIRouter(prefix=PATH, tags=["bulk enrolment"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def begin_bulk_enrolment(
        request: Request, who: Annotated[StaffToken, enroller], dry_run: DryRun = False, resume: Resume = False
    ) -> Job:
        """Enrol a list of customers with their photos in the background; the photos never lie on a disk in the clear.

        With `dry_run` everything is checked and nothing written. A list that was interrupted is sent again with
        `resume`. May be larger than other requests, up to 8 GiB; then send no idempotency key: rows that were enrolled
        are recognised.
        """
        start = partial(bulk.start, who=who, dry_run=dry_run, resume=resume)
        return await begin(request, {"list", "photos"}, folder, start, jobs)

    @router.get("", dependencies=[enroller])
    def list_bulk_enrolments(after: After = "", limit: Limit = 50) -> JobPage:
        """List bulk enrolments, the newest first."""
        return jobs.page(after, limit)

    @router.get("/{job_id}", dependencies=[enroller])
    def get_bulk_enrolment(job_id: Id) -> Job:
        """Read how far a bulk enrolment is."""
        return jobs.get(job_id)

    @router.get("/{job_id}/rows", dependencies=[enroller])
    def list_bulk_enrolment_rows(job_id: Id, after: AfterRow = 0, limit: Limit = 50) -> RowPage:
        """List what became of each row."""
        return rows_page(jobs, job_id, after, limit)

    @router.get("/{job_id}/report", dependencies=[enroller], response_class=StreamingResponse, responses=CSV_ANSWER)
    def download_bulk_enrolment_report(job_id: Id) -> StreamingResponse:
        """Download what became of each row."""
        return report(jobs, job_id, "enrolment")

    @router.post("/{job_id}/cancel", status_code=204, dependencies=[enroller])
    def cancel_bulk_enrolment(job_id: Id) -> None:
        """Stop after the rows at hand; whoever is enrolled stays so. Safe to repeat."""
        worker.cancel(job_id)

    return router
