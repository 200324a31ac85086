"""Routes of the import of customers' records, /v1/imports/customers."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from province_server.auth import Gate
from province_server.batch.api import CSV_ANSWER, AfterRow, DryRun, Resume, begin, multipart, report, rows_page
from province_server.batch.jobs import Job, JobPage, Jobs, RowPage
from province_server.batch.worker import Worker
from province_server.imports.quality import Quality
from province_server.imports.service import CustomerImport
from province_server.records import After, Id, Limit
from yingbin.trust.staff import Role, StaffToken

PATH: Final = "/v1/imports/customers"
_BODY: Final = multipart(
    "customer_id,full_name,birth_date,tier,home_branch_id,as_of,demand_deposit_fen\r\n"
    "c-1001,李明,1980-02-29,vip_gold,branch-1,2026-11-20,1234500\r\n",
    table="CSV (UTF-8 or GB 18030) or Parquet, one customer a row",
    mapping_="TOML: columns, values, constants, money = yuan or fen, ignore, max_refused_share",
)


def routes(imports: CustomerImport, jobs: Jobs, worker: Worker, gate: Gate, folder: Path | None) -> APIRouter:
    """Return the routes of imports."""
    router = APIRouter(prefix=PATH, tags=["import"])
    admin = Depends(gate.requires(Role.GALLERY_ADMIN))

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def begin_customer_import(
        request: Request, who: Annotated[StaffToken, admin], dry_run: DryRun = False, resume: Resume = False
    ) -> Job:
        """Upsert customers' records by customer id in the background, once the whole table was checked.

        With `dry_run` it is only checked. Above `max_refused_share` nothing is written. May be larger than other
        requests, up to 8 GiB; then send no idempotency key: a table that comes again changes nothing.
        """
        start = partial(imports.start, who=who, dry_run=dry_run, resume=resume)
        return await begin(request, {"table", "mapping"}, folder, start, jobs)

    @router.get("", dependencies=[admin])
    def list_customer_imports(after: After = "", limit: Limit = 50) -> JobPage:
        """List imports, the newest first."""
        return jobs.page(after, limit)

    @router.get("/{job_id}", dependencies=[admin])
    def get_customer_import(job_id: Id) -> Job:
        """Read how far an import is; until everything was checked, `done` is 0."""
        return jobs.get(job_id)

    @router.get("/{job_id}/quality", dependencies=[admin])
    def get_customer_import_quality(job_id: Id) -> Quality:
        """Read the report on data quality."""
        return imports.quality(job_id)

    @router.get("/{job_id}/rows", dependencies=[admin])
    def list_customer_import_rows(job_id: Id, after: AfterRow = 0, limit: Limit = 50) -> RowPage:
        """List the faults found."""
        return rows_page(jobs, job_id, after, limit)

    @router.get("/{job_id}/report", dependencies=[admin], response_class=StreamingResponse, responses=CSV_ANSWER)
    def download_customer_import_report(job_id: Id) -> StreamingResponse:
        """Download the faults found, one a line."""
        return report(jobs, job_id, "import")

    @router.post("/{job_id}/cancel", status_code=204, dependencies=[admin])
    def cancel_customer_import(job_id: Id) -> None:
        """Stop after the rows at hand; what is written stays. Safe to repeat."""
        worker.cancel(job_id)

    return router
