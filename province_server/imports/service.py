"""Runs an import: all of the source is checked before any of it is written, and too poor a source writes nothing."""

import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.batch.fields import Fault
from province_server.batch.jobs import Jobs
from province_server.batch.tables import Table
from province_server.batch.upload import Upload
from province_server.batch.worker import Check, Worker, give_way
from province_server.imports.mapping import ColumnMapping
from province_server.imports.quality import Quality, Tally, fields_of
from province_server.imports.upsert import Numbered, Upserted, Upserter
from yingbin.errors import InvalidInput
from yingbin.storage.batch import BatchRow
from yingbin.storage.database import Database
from yingbin.trust.staff import StaffToken

KIND: Final = "customer_import"
AT_ONCE: Final = 100
MAX_FINDINGS: Final = 100_000
"""Faults kept row by row; all are counted."""


class PoorQuality(InvalidInput):
    """More rows are refused than the mapping allows; nothing was written."""

    code = "poor_quality"


class CustomerImport:
    """Takes a table of customers and upserts it in the background."""

    def __init__(self, database: Database, jobs: Jobs, worker: Worker, upserter: Upserter, digest_key: bytes) -> None:
        self._database = database
        self._jobs = jobs
        self._worker = worker
        self._upserter = upserter
        self._digest_key = digest_key

    def start(self, upload: Upload, who: StaffToken, *, dry_run: bool, resume: bool) -> str:
        """Look at columns and mapping, begin the job and return its id; from then on `upload` is the job's.

        Raises `BadMapping`, `MissingColumn`, `UnknownColumn`, `WrongEncoding`, `UnreadableTable`, or as `Jobs.begin`.
        """
        mapping = ColumnMapping()
        if "mapping" in upload.parts:
            upload.parts["mapping"].seek(0)
            mapping = ColumnMapping.read(upload.parts["mapping"].readall())
        table = Table.of(upload.part("table"))
        columns = mapping.named(table.columns)
        digest, total = self._look_through(table, mapping)
        if not total:
            raise InvalidInput("the table has no rows")
        job_id = self._jobs.begin(digest, total, who.staff_id, dry_run=dry_run, resume=resume)

        def work(check: Check) -> str:
            with audit.acting(f"staff:{who.staff_id}", who.role, KIND):
                quality = self._work(job_id, who.staff_id, table, mapping, columns, check, dry_run=dry_run)
            return quality.model_dump_json()

        self._worker.start(job_id, work, upload.close)
        return job_id

    def quality(self, job_id: str) -> Quality:
        """Return the report on data quality, empty until everything was checked. Raises `NotFound`."""
        findings = self._jobs.findings(job_id)
        return Quality.model_validate_json(findings) if findings else Quality()

    def _work(
        self,
        job_id: str,
        staff_id: str,
        table: Table,
        mapping: ColumnMapping,
        columns: Sequence[str],
        check: Check,
        *,
        dry_run: bool,
    ) -> Quality:
        tally, outcomes = Tally(fields_of(columns)), Counter[str]()
        self._jobs.clear_rows(job_id)
        noted = 0

        def note_faults(session: Session, done: Sequence[Upserted]) -> None:
            nonlocal noted
            found = [_finding(job_id, one, fault) for one in done for fault in one.faults][: MAX_FINDINGS - noted]
            noted += len(found)
            session.add_all(found)

        for rows in _chunks(_in_our_words(table, mapping)):
            check()
            began_s = time.monotonic()
            for one, result in zip(rows, self._upserter.upsert(rows, staff_id, note_faults, dry_run=True), strict=True):
                tally.count(one.number, one.row, result.faults)
                outcomes[result.outcome] += 1
            give_way(began_s)
        quality = tally.report(mapping.max_refused_share, outcomes)
        self._jobs.keep_findings(job_id, quality.model_dump_json())
        if tally.refused > mapping.max_refused_share * tally.rows:
            raise PoorQuality(
                f"{tally.refused:,} of {tally.rows:,} rows are refused, more than `max_refused_share` "
                f"({mapping.max_refused_share:.1%}): nothing was written; see the report"
            )
        if dry_run:
            with self._database.write() as session:
                self._jobs.note(session, job_id, tally.rows, [])
            return quality
        return self._write(job_id, staff_id, table, mapping, tally, check)

    def _write(
        self, job_id: str, staff_id: str, table: Table, mapping: ColumnMapping, tally: Tally, check: Check
    ) -> Quality:
        outcomes = Counter[str]()

        def note_progress(session: Session, done: Sequence[Upserted]) -> None:
            self._jobs.note(session, job_id, done[-1].number, [])

        later = islice(_in_our_words(table, mapping), self._jobs.settled(job_id), None)
        for rows in _chunks(later):
            check()
            began_s = time.monotonic()
            outcomes.update(one.outcome for one in self._upserter.upsert(rows, staff_id, note_progress, dry_run=False))
            give_way(began_s)
        return tally.report(mapping.max_refused_share, outcomes)

    def _look_through(self, table: Table, mapping: ColumnMapping) -> tuple[str, int]:
        """Return what recognises a table that comes again, and its number of rows."""
        keyed = hmac.new(self._digest_key, repr(mapping).encode(), hashlib.sha256)
        total = 0
        for row in table.rows():
            keyed.update(json.dumps(list(row.values()), ensure_ascii=False).encode())
            total += 1
        return keyed.hexdigest(), total


def _in_our_words(table: Table, mapping: ColumnMapping) -> Iterator[Numbered]:
    """Yield the rows in our columns; a customer id that comes again is a fault. 70 bytes a row are remembered."""
    seen: set[int] = set()
    for number, theirs in enumerate(table.rows(), 1):
        row = mapping.row(theirs)
        known = int.from_bytes(hashlib.blake2b(row.get("customer_id", "").encode(), digest_size=8).digest(), "big")
        yield Numbered(number, row, [Fault("customer_id", "duplicate")] if known in seen else [])
        seen.add(known)


def _chunks(rows: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    while chunk := list(islice(rows, AT_ONCE)):
        yield chunk


def _finding(job_id: str, one: Upserted, fault: Fault) -> BatchRow:
    return BatchRow(
        job_id=job_id, row=one.number, field=fault.field, customer_id=one.customer_id, digest="",
        outcome=one.outcome, code=fault.code,
    )  # fmt: skip
