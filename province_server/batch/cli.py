"""What the commands have in common that send a list to a running province: upload, progress, report."""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from province_server.client import call
from yingbin.errors import BadConfiguration

if TYPE_CHECKING:
    import httpx

StaffId = Annotated[
    str, typer.Option("--staff-id", help="who signs in; the password: YINGBIN_STAFF_PASSWORD, or stdin")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check everything, write nothing")]
Resume = Annotated[bool, typer.Option("--resume", help="go on with the run of this list that was interrupted")]
Report = Annotated[Path | None, typer.Option("--report", help="where to write the report, a CSV file")]
_POLL_S: Final = 0.3
_BLOCK_BYTES: Final = 1 << 20
_WORST_ANSWER_S: Final = 900


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the request, as it is read."""

    name: str
    content: Iterable[bytes]


def file_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's content. Raises `BadConfiguration`."""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from error


def work_off(
    http: "httpx.Client", path: str, parts: Sequence[Part], params: dict[str, Any], report: Path | None
) -> dict[str, Any]:
    """Send a list, show how far its job is, write the report; return the job. Raises `BadConfiguration`, `Unavailable`.

    Ctrl-C while it is worked off only stops watching.
    """
    import httpx
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    boundary = secrets.token_hex(16)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("sending", total=None)
        job: dict[str, Any] = call(
            http, "POST", path, params=params, content=_multipart(parts, boundary),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            timeout=httpx.Timeout(30, read=_WORST_ANSWER_S),
        )  # fmt: skip
        while job["state"] == "running":
            bar.update(task, description="working", completed=job["done"], total=job["total"])
            time.sleep(_POLL_S)
            job = call(http, "GET", f"{path}/{job['job_id']}")
        bar.update(task, description=job["state"], completed=job["done"], total=job["total"])
    if report is not None:
        with http.stream("GET", f"{path}/{job['job_id']}/report") as reply, report.open("wb") as file:
            reply.raise_for_status()
            for block in reply.iter_bytes():
                file.write(block)
    return job


def _multipart(parts: Sequence[Part], boundary: str) -> Iterator[bytes]:
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"; filename="{part.name}"\r\n\r\n'
        yield head.encode()
        yield from part.content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
