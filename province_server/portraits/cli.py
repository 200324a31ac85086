"""`yingbin province load-portraits`: send what `yingbin portrait build` wrote to a running province."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from province_server.batch.cli import StaffId
from province_server.client import DEFAULT_URL, Url, call, signed_in


def load_portraits(
    data: Annotated[Path, typer.Option("--data", help="what `yingbin portrait build` wrote")],
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
) -> None:
    """Bring customers' portraits up to date; sending a folder again does no harm.

    Of each customer of the registry is stored what he consents to now; of anybody else nothing is kept.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from province_server.portraits.api import PATH
    from province_server.portraits.files import open_portraits
    from province_server.portraits.load import AT_ONCE

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    counts: Counter[str] = Counter()
    with open_portraits(data) as files, signed_in(url, staff_id) as http, Progress(*columns) as bar:
        task = bar.add_task("portraits", total=files.customers)
        customers = files.each()
        while some := list(islice(customers, AT_ONCE)):
            body = {"as_of": files.as_of.isoformat(), "items": some}
            counts.update(call(http, "POST", PATH, json=body))
            bar.update(task, advance=len(some))
    said = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items() if count)
    Console().print(f"portraits: {said or 'nothing'}")
