"""`yingbin province load-insights`: send a night's conclusions to a running province."""

from pathlib import Path
from typing import Annotated

import typer

from province_server.batch.cli import Part, Resume, StaffId, file_blocks, work_off
from province_server.client import DEFAULT_URL, Url, call, signed_in


def load_insights(
    staff_id: StaffId,
    data: Annotated[Path, typer.Option("--data", help="Parquet that `yingbin offers insights run` wrote")],
    url: Url = DEFAULT_URL,
    *,
    resume: Resume = False,
) -> None:
    """Load a night's conclusions. Exits with 1 when the job did not finish."""
    from rich.console import Console

    from province_server.insights.api import PATH

    with signed_in(url, staff_id) as http:
        job = work_off(http, PATH, [Part("table", file_blocks(data))], {"resume": resume}, None)
        night = call(http, "GET", f"{PATH}/{job['job_id']}/summary")
    counts = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in night.items() if name != "as_of")
    Console().print(f"{job['state']}: night of {night['as_of']}; {counts} {job['problem']}".strip(), soft_wrap=True)
    if job["state"] != "done":
        raise typer.Exit(1)
