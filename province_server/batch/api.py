"""What the routes of all kinds of jobs have in common."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from province_server.batch.jobs import Job, Jobs, RowPage
from province_server.batch.report import csv_of
from province_server.batch.upload import Upload, receive

AfterRow = Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before; 0 for the first")]
DryRun = Annotated[bool, Query(description="Check everything, write nothing")]
Resume = Annotated[bool, Query(description="Go on with the run of this list that was interrupted")]
CSV_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "UTF-8 with a byte order mark",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "row,customer_id,field,outcome,code,text_zh,text_en\r\n1,c-1001,,enrolled,,,\r\n",
            }
        },
    }
}


def multipart(example: str, **parts: str) -> dict[str, Any]:
    """Return what the specification says of a multipart body that the framework does not read.

    `parts`: name -> description; a name that ends in `_` is that of an optional part.
    """
    properties = {
        name.rstrip("_"): {"type": "string", "format": "binary", "description": text} for name, text in parts.items()
    }
    required = [name for name in parts if not name.endswith("_")]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    content = {"multipart/form-data": {"schema": schema, "example": {required[0]: example}}}
    return {"requestBody": {"required": True, "content": content}}


async def begin(
    request: Request, parts: Collection[str], folder: Path | None, start: Callable[[Upload], str], jobs: Jobs
) -> Job:
    """Receive an upload with some of `parts`, have `start` begin its job and return that."""
    upload = await receive(request, parts, folder)
    try:
        job_id = await run_in_threadpool(start, upload)
    except BaseException:
        upload.close()
        raise
    return await run_in_threadpool(jobs.get, job_id)


def report(jobs: Jobs, job_id: str, name: str) -> StreamingResponse:
    """Return a job's report as a file to download. Raises `NotFound`."""
    jobs.get(job_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{job_id}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(csv_of(jobs.all_rows(job_id)), media_type="text/csv; charset=utf-8", headers=headers)


def rows_page(jobs: Jobs, job_id: str, after: int, limit: int) -> RowPage:
    """Return a page of rows. Raises `NotFound`."""
    items = jobs.rows(job_id, after, limit)
    return RowPage(items=items, next=items[-1].row if len(items) >= limit else None)
