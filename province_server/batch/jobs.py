"""Jobs of one kind in the database: begun, counted on, ended; what became of each row. One at a time runs."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from province_server.records import AN_ID
from yingbin.errors import Conflict, NotFound
from yingbin.ids import new_id, now_ms
from yingbin.storage.batch import BatchJob, BatchRow
from yingbin.storage.database import Database

State = Literal["running", "done", "cancelled", "failed", "interrupted"]
_PAGE: Final = 1000
RESUMABLE: Final = ("cancelled", "failed", "interrupted")


class JobRunning(Conflict):
    """Another job of this kind runs; they are worked off one at a time."""

    code = "job_running"


class JobUnfinished(Conflict):
    """An earlier run of this very list stopped on its way."""

    code = "job_unfinished"


class Job(BaseModel):
    """How far a job is. `counts`: rows by outcome; `problem`: why it failed."""

    job_id: str = Field(examples=[AN_ID])
    state: State = Field(examples=["running"])
    dry_run: bool = Field(examples=[False])
    total: int = Field(examples=[10_000])
    done: int = Field(examples=[4_200])
    counts: dict[str, int] = Field(examples=[{"enrolled": 4_150, "refused": 50}])
    problem: str = Field(examples=[""])
    created_at_ms: int = Field(examples=[1_795_000_000_000])
    finished_at_ms: int | None = Field(examples=[None])


class JobPage(BaseModel):
    """Jobs, the newest first."""

    items: list[Job]
    next: str | None


class RowOut(BaseModel):
    """What became of a row; `field` is empty when it is about the whole row."""

    row: int = Field(examples=[17])
    field: str = Field(examples=[""])
    customer_id: str = Field(examples=["c-1001"])
    outcome: str = Field(examples=["refused"])
    code: str = Field(examples=["no_face"])


class RowPage(BaseModel):
    """Rows in the order of the list."""

    items: list[RowOut]
    next: int | None


class Jobs:
    """The jobs of one kind."""

    def __init__(self, database: Database, kind: str) -> None:
        """Say of a job that the end of a process cut off that it was."""
        self._database = database
        self._kind = kind
        self._lock = threading.Lock()
        cut_off = (BatchJob.kind == kind, BatchJob.state == "running")
        with database.write() as session:
            session.execute(update(BatchJob).where(*cut_off).values(state="interrupted", finished_at_ms=now_ms()))

    def begin(self, list_digest: str, total: int, staff_id: str, *, dry_run: bool, resume: bool) -> str:
        """Return a new job's id, or with `resume` that of the unfinished one of this list, running again.

        Raises `JobRunning`, `JobUnfinished` without `resume`, `NotFound` with it when there is nothing to go on with.
        """
        with self._lock, self._database.write() as session:
            running = select(BatchJob.job_id).where(BatchJob.kind == self._kind, BatchJob.state == "running")
            if session.scalars(running).first() is not None:
                raise JobRunning("another list is being worked off: wait for it, or cancel it")
            same = select(BatchJob).where(BatchJob.kind == self._kind, BatchJob.list_digest == list_digest)
            last = session.scalars(same.where(~BatchJob.dry_run).order_by(BatchJob.created_at_ms.desc())).first()
            unfinished = last if last is not None and last.state in RESUMABLE else None
            if resume and unfinished is None:
                raise NotFound("no run of this list was interrupted; send it without `resume`")
            if unfinished is not None and resume:
                unfinished.state, unfinished.finished_at_ms, unfinished.problem = "running", None, ""
                return unfinished.job_id
            if unfinished is not None and not dry_run and unfinished.done:
                raise JobUnfinished(f"this list was worked off up to row {unfinished.done}: go on with `resume`")
            job = BatchJob(
                job_id=new_id(), kind=self._kind, state="running", dry_run=dry_run, list_digest=list_digest,
                staff_id=staff_id, created_at_ms=now_ms(), finished_at_ms=None, total=total, done=0, problem="",
                findings="",
            )  # fmt: skip
            session.add(job)
            return job.job_id

    def note(self, session: Session, job_id: str, done: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record what became of rows, each the columns of a `BatchRow`, in the transaction that made it so."""
        if rows:
            session.execute(insert(BatchRow), rows)
        session.execute(update(BatchJob).where(BatchJob.job_id == job_id).values(done=done))

    def keep_findings(self, job_id: str, findings: str) -> None:
        """Record what a job has found so far, as JSON."""
        with self._database.write() as session:
            session.execute(update(BatchJob).where(BatchJob.job_id == job_id).values(findings=findings))

    def clear_rows(self, job_id: str) -> None:
        """Forget what became of rows: the job looks at all of them again."""
        with self._database.write() as session:
            session.execute(delete(BatchRow).where(BatchRow.job_id == job_id))

    def end(self, job_id: str, state: State, problem: str = "") -> None:
        """Say that a job is over."""
        values = {"state": state, "problem": problem, "finished_at_ms": now_ms()}
        with self._database.write() as session:
            session.execute(update(BatchJob).where(BatchJob.job_id == job_id).values(**values))

    def get(self, job_id: str) -> Job:
        """Return a job. Raises `NotFound`."""
        with self._database.read() as session:
            return self._out(session, self._row(session, job_id))

    def findings(self, job_id: str) -> str:
        """Return the JSON that a job left. Raises `NotFound`."""
        with self._database.read() as session:
            return self._row(session, job_id).findings

    def page(self, after: str, limit: int) -> JobPage:
        """Return jobs, the newest first."""
        newest = select(BatchJob).where(BatchJob.kind == self._kind).order_by(BatchJob.job_id.desc()).limit(limit)
        with self._database.read() as session:
            rows = session.scalars(newest.where(BatchJob.job_id < after) if after else newest).all()
            items = [self._out(session, row) for row in rows]
        return JobPage(items=items, next=items[-1].job_id if len(items) == limit else None)

    def rows(self, job_id: str, after: int, limit: int) -> list[RowOut]:
        """Return what became of the rows after a row; a row's findings stay together. Raises `NotFound`."""
        with self._database.read() as session:
            self._row(session, job_id)
            later = (BatchRow.job_id == job_id, BatchRow.row > after)
            last = session.scalars(select(BatchRow.row).where(*later).order_by(BatchRow.row).limit(limit)).all()
            if not last:
                return []
            found = select(BatchRow).where(*later, BatchRow.row <= last[-1]).order_by(BatchRow.row, BatchRow.field)
            return [RowOut.model_validate(row, from_attributes=True) for row in session.scalars(found)]

    def all_rows(self, job_id: str) -> Iterator[RowOut]:
        """Yield what became of every row. Raises `NotFound`."""
        after = 0
        while batch := self.rows(job_id, after, _PAGE):
            yield from batch
            after = batch[-1].row

    def settled(self, job_id: str) -> int:
        """Return the last row that something became of, 0 when there is none."""
        with self._database.read() as session:
            return self._row(session, job_id).done

    def known_digests(self, digests: Sequence[str], outcome: str) -> dict[str, str]:
        """Return, of row digests, those that had an outcome in a job of this kind, with the customer."""
        with self._database.read() as session:
            found = select(BatchRow.digest, BatchRow.customer_id).where(
                BatchRow.digest.in_(digests), BatchRow.outcome == outcome
            )
            return dict(session.execute(found).all())

    def _row(self, session: Session, job_id: str) -> BatchJob:
        row = session.get(BatchJob, job_id)
        if row is None or row.kind != self._kind:
            raise NotFound(f"there is no job {job_id}")
        return row

    def _out(self, session: Session, row: BatchJob) -> Job:
        by_outcome = select(BatchRow.outcome, func.count(BatchRow.row.distinct())).where(BatchRow.job_id == row.job_id)
        counts = dict(session.execute(by_outcome.group_by(BatchRow.outcome)).all())
        return Job(
            job_id=row.job_id, state=row.state, dry_run=row.dry_run, total=row.total, done=row.done, counts=counts,
            problem=row.problem, created_at_ms=row.created_at_ms, finished_at_ms=row.finished_at_ms,
        )  # fmt: skip


def forget_rows(session: Session, customer_id: str) -> None:
    """Delete what lists said of a customer, in the transaction that erases him (C5)."""
    session.execute(delete(BatchRow).where(BatchRow.customer_id == customer_id))
