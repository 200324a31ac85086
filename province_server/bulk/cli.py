"""`yingbin province enrol`: send a list and its photos to a running province."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from province_server.batch.cli import DryRun, Part, Report, Resume, StaffId, file_blocks, work_off
from province_server.client import DEFAULT_URL, Url, signed_in


def enrol(
    list_file: Annotated[Path, typer.Option("--list", help="CSV (UTF-8 or GB 18030) or Parquet: whom to enrol")],
    photos: Annotated[Path, typer.Option("--photos", help="folder or zip file of the photos that the list names")],
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
    *,
    dry_run: DryRun = False,
    resume: Resume = False,
    report: Report = None,
) -> None:
    """Enrol many customers: a list with their consents, and a photo of each.

    Rows that were enrolled before are recognised, so sending a list again does no harm. Exits with 1 when a row was
    refused or the job did not finish.
    """
    from rich.console import Console

    from province_server.bulk.api import PATH

    zipped = _zip_of(list_file, photos) if photos.is_dir() else file_blocks(photos)
    parts = [Part("list", file_blocks(list_file)), Part("photos", zipped)]
    with signed_in(url, staff_id) as http:
        job = work_off(http, PATH, parts, {"dry_run": dry_run, "resume": resume}, report)
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(job["counts"].items()))
    Console().print(f"{job['state']}: {counts or 'nothing'}{' (dry run)' if dry_run else ''} {job['problem']}".strip())
    if job["state"] != "done" or job["counts"].get("refused"):
        raise typer.Exit(1)


class _Pipe:
    """What `zipfile` writes into when it cannot go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def _zip_of(list_file: Path, folder: Path) -> Iterator[bytes]:
    """Yield a zip of the photos that a list names, one photo in memory at a time; missing ones the province reports."""
    from province_server.batch.spool import SealedSpool
    from province_server.batch.tables import Table
    from province_server.bulk.rows import RowRefused, photo_name

    pipe = _Pipe()
    with SealedSpool() as spool:
        for block in file_blocks(list_file):
            spool.append(block)
        spool.complete()
        with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]  # it needs no more than `write`
            for cells in Table.of(spool).rows():
                try:
                    name = photo_name(cells.get("photo", ""))
                except RowRefused:
                    continue
                if (folder / name).is_file() and name not in archive.NameToInfo:
                    archive.write(folder / name, name)
                    yield pipe.take()
    yield pipe.take()
