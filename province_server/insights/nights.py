"""A night's conclusions as a job: all of a file is checked before anything of it is loaded; a job can be resumed."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.batch.jobs import Jobs
from province_server.batch.spool import SealedSpool
from province_server.batch.upload import Upload
from province_server.batch.worker import Check, Worker, give_way
from province_server.insights.loading import Loader
from province_server.insights.night_file import BadNight, Conclusion, NightFile
from yingbin.offers.profile import china_today
from yingbin.storage.batch import BatchJob
from yingbin.storage.database import Database
from yingbin.trust.staff import StaffToken

KIND: Final = "insight_night"
ROWS_AT_ONCE: Final = 200
"""About so many in a transaction; a customer's are never divided."""
_BLOCK_BYTES: Final = 1 << 20


class Night(BaseModel):
    """What a night came to. Counts of conclusions, but for customers, unknown customers and cards; nobody is named."""

    as_of: date | None = None
    rows: int = 0
    customers: int = 0
    unknown_customers: int = Field(default=0, description="not in the registry here: their rows were left out")
    no_consent: int = Field(default=0, description="a consent is not in force here, of the customer or of another one")
    look_alike: int = Field(default=0, description="silenced by what contradicts it")
    hypothesis: int = Field(default=0, description="not enough evidence: not kept")
    corroborated: int = 0
    confirmed: int = Field(default=0, description="the customer had confirmed it before")
    expired: int = Field(default=0, description="too old, or denied by the customer within a year")
    cards: int = Field(default=0, description="card views sent to their cities again")


class Nights:
    """Loads files in the background, one at a time."""

    def __init__(self, database: Database, jobs: Jobs, worker: Worker, loader: Loader) -> None:
        self._database = database
        self._jobs = jobs
        self._worker = worker
        self._loader = loader

    def start(self, upload: Upload, who: StaffToken, *, resume: bool) -> str:
        """Check the file, begin the job and return its id; from then on `upload` is the job's.

        Raises `BadNight`, `UnreadableTable`, or as `Jobs.begin`.
        """
        spool = upload.part("table")
        file, today = NightFile(spool), china_today()
        found = file.check(today)
        last = self._last_loaded()
        if last is not None and found.as_of < last:
            raise BadNight(f"this is the night of {found.as_of}; that of {last} is loaded, and time does not go back")
        job_id = self._jobs.begin(_digest(spool), found.rows, who.staff_id, dry_run=False, resume=resume)

        def work(check: Check) -> str:
            with audit.acting(f"staff:{who.staff_id}", who.role, KIND):
                return self._work(job_id, file, found.as_of, today, check)

        self._worker.start(job_id, work, upload.close)
        return job_id

    def summary(self, job_id: str) -> Night:
        """Return what a load came to so far. Raises `NotFound`."""
        findings = self._jobs.findings(job_id)
        return Night.model_validate_json(findings) if findings else Night()

    def _work(self, job_id: str, file: NightFile, as_of: date, today: date, check: Check) -> str:
        total = Counter(self.summary(job_id).model_dump(exclude={"as_of"}))
        for customers in _some(file.customers(self._jobs.settled(job_id))):
            check()
            began_s = time.monotonic()
            done = customers[-1][-1].number

            def note(session: Session, counts: Counter[str], done: int = done) -> None:
                total.update(counts)
                night = Night(**{**total, "rows": done}, as_of=as_of)
                self._jobs.note(session, job_id, done, [])
                said = night.model_dump_json()
                session.execute(update(BatchJob).where(BatchJob.job_id == job_id).values(findings=said))

            self._loader.load(customers, today, note)
            give_way(began_s)
        night = self.summary(job_id)
        with self._database.write() as session:
            audit.note(session, "insights_loaded", "job", job_id, night.model_dump(mode="json"))
        return night.model_dump_json()

    def _last_loaded(self) -> date | None:
        newest = select(BatchJob.findings).where(BatchJob.kind == KIND, BatchJob.findings != "")
        with self._database.read() as session:
            found = session.scalars(newest.order_by(BatchJob.job_id.desc()).limit(1)).first()
        return Night.model_validate_json(found).as_of if found else None


def _some(customers: Iterator[list[Conclusion]]) -> Iterator[list[list[Conclusion]]]:
    """Yield customers in portions of about `ROWS_AT_ONCE` rows."""
    some: list[list[Conclusion]] = []
    for rows in customers:
        some.append(rows)
        if sum(map(len, some)) >= ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _digest(spool: SealedSpool) -> str:
    """Return what recognises a file that comes again."""
    digest = sha256()
    spool.seek(0)
    while block := spool.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
