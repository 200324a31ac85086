"""Runs a bulk enrolment: rows in order, photos read ahead of the writing, memory bounded, resumable at any row."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final

from province_server.audit import trail as audit
from province_server.batch.jobs import Jobs
from province_server.batch.tables import Table
from province_server.batch.upload import Upload
from province_server.batch.worker import Check, Worker, be_nice, give_way
from province_server.bulk.enroller import Candidate, Enroller, Settled, reason_of, refused
from province_server.bulk.photos import Photos
from province_server.bulk.rows import MAX_ROWS, Row, RowRefused, check_columns, row_of
from province_server.cards import gallery_of
from province_server.enrolment import PhotoReader
from yingbin.errors import InvalidInput, YingbinError
from yingbin.storage.database import Database
from yingbin.trust.staff import StaffToken

KIND: Final = "bulk_enrolment"
AT_ONCE: Final = 8
"""Rows a commit. What memory holds at most: the photos of so many, for each thread and once more."""
_DRY_RUN_COMPARES: Final = 20_000
"""How many rows back a dry run finds the same face under two ids."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A row with its photo; `refusal` says why it cannot be used."""

    number: int
    digest: str
    customer_id: str
    row: Row | None
    photo: bytes
    refusal: str


@dataclass(frozen=True, slots=True)
class Looked:
    """Some rows whose photos were read: what may be enrolled, and what is settled already."""

    candidates: list[Candidate]
    settled: list[Settled]


class BulkEnrolment:
    """Takes a list and its photos, and enrols them in the background."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        worker: Worker,
        enroller: Enroller,
        reader: PhotoReader,
        digest_key: bytes,
        threads: int,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._worker = worker
        self._enroller = enroller
        self._reader = reader
        self._digest_key = digest_key
        self._threads = threads

    def start(self, upload: Upload, who: StaffToken, *, dry_run: bool, resume: bool) -> str:
        """Check list and photos as a whole, begin the job and return its id; from then on `upload` is the job's.

        Raises `MissingColumn`, `UnknownColumn`, `WrongEncoding`, `UnreadableTable`, `BadZip`, or as `Jobs.begin`.
        """
        table, photos = Table.of(upload.part("list")), Photos(upload.part("photos"))
        check_columns(table)
        total = sum(1 for _ in islice(table.rows(), MAX_ROWS + 1))
        if not 0 < total <= MAX_ROWS:
            raise InvalidInput(f"the list has {'no rows' if not total else f'more than {MAX_ROWS:,} rows: split it'}")
        job_id = self._jobs.begin(self._list_digest(table), total, who.staff_id, dry_run=dry_run, resume=resume)

        def work(check: Check) -> str:
            with audit.acting(f"staff:{who.staff_id}", who.role, KIND):
                return self.work_off(job_id, who.staff_id, table.rows(), photos.read, check, dry_run=dry_run)

        self._worker.start(job_id, work, upload.close)
        return job_id

    def work_off(
        self,
        job_id: str,
        staff_id: str,
        rows: Iterable[Mapping[str, str]],
        photo_of: Callable[[str], bytes],
        check: Check,
        *,
        dry_run: bool = False,
        at_once: int = AT_ONCE,
        pausing: bool = True,
    ) -> str:
        """Enrol the rows after those that a job has settled; return its findings. `photo_of`: as `Photos.read`."""
        numbered = enumerate(rows, 1)
        seen = {cells["customer_id"] for _, cells in islice(numbered, self._jobs.settled(job_id))}
        waiting: list[Future[Looked]] = []
        earlier: list[Candidate] = []
        with ThreadPoolExecutor(self._threads, "photos", be_nice) as pool:
            try:
                while True:
                    check()
                    some = [self._take(number, cells, photo_of, seen) for number, cells in islice(numbered, at_once)]
                    if some:
                        waiting.append(pool.submit(self._look, some))
                    if not waiting:
                        return ""
                    if len(waiting) > self._threads or not some:
                        looked = waiting.pop(0).result()
                        began_s = time.monotonic()
                        earlier += self._enroller.enrol(
                            job_id, staff_id, looked.candidates, looked.settled, earlier, dry_run=dry_run
                        )
                        # Whom a dry run would have enrolled is found here alone.
                        earlier = earlier[-(_DRY_RUN_COMPARES if dry_run else (self._threads + 1) * at_once) :]
                        if pausing:
                            give_way(began_s)
            finally:
                pool.shutdown(cancel_futures=True)

    def _take(self, number: int, cells: Mapping[str, str], photo_of: Callable[[str], bytes], seen: set[str]) -> Taken:
        customer_id = cells["customer_id"][:64]
        row, photo, refusal = None, b"", ""
        try:
            if customer_id in seen:
                raise RowRefused("duplicate_customer")  # noqa: TRY301 - refused like any other
            seen.add(customer_id)
            row = row_of(cells)
            photo = photo_of(row.photo)
        except RowRefused as error:
            refusal = error.reason
        return Taken(number, self._digest(cells, photo), customer_id, row, photo, refusal)

    def _look(self, rows: Sequence[Taken]) -> Looked:
        """Find out which rows are known, may be enrolled and have a usable photo; in a thread of the pool."""
        known = self._jobs.known_digests([one.digest for one in rows], "enrolled")
        candidates, settled = [], []
        for one in rows:
            if one.row is None or one.refusal:
                settled.append(Settled(one.number, one.digest, one.customer_id, "refused", one.refusal))
            elif one.digest in known and self._still_enrolled(one.row):
                settled.append(Settled(one.number, one.digest, one.customer_id, "already"))
            else:
                try:
                    vector = self._reader.read(one.photo).vector
                except YingbinError as error:
                    settled.append(Settled(one.number, one.digest, one.customer_id, "refused", reason_of(error)))
                else:
                    candidates.append(Candidate(one.number, one.digest, one.row, vector))
        alike = self._enroller.enrolled_already(candidates)
        settled += [refused(one, error) for one, error in zip(candidates, alike, strict=True) if error is not None]
        return Looked([one for one, error in zip(candidates, alike, strict=True) if error is None], settled)

    def _still_enrolled(self, row: Row) -> bool:
        with self._database.read() as session:
            return gallery_of(session, row.customer_id) == row.gallery

    def _digest(self, cells: Mapping[str, str], photo: bytes) -> str:
        """Return what recognises a row that comes again: of its cells and its photo, under a key."""
        content = json.dumps(sorted(cells.items()), ensure_ascii=False).encode()
        keyed = hmac.new(self._digest_key, len(content).to_bytes(8, "big") + content + photo, hashlib.sha256)
        return keyed.hexdigest()

    def _list_digest(self, table: Table) -> str:
        keyed = hmac.new(self._digest_key, digestmod=hashlib.sha256)
        for cells in table.rows():
            keyed.update(json.dumps(sorted(cells.items()), ensure_ascii=False).encode())
        return keyed.hexdigest()
