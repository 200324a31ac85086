"""`yingbin province renew`: renew a key of a running province and watch it. Ctrl-C only stops watching."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from province_server.client import DEFAULT_URL, Url, call, signed_in
from yingbin.errors import BadConfiguration

if TYPE_CHECKING:
    import httpx

app = typer.Typer(help="Renew a key: of the province, a city or a box.", no_args_is_help=True)

_StaffId = Annotated[str, typer.Option("--staff-id", help="a gallery administrator")]
_POLL_S = 0.5


@app.command()
def province(staff_id: _StaffId, url: Url = DEFAULT_URL) -> None:
    """Give every template a new id, key and domain, and every record a new seal. Older backups no longer open.

    Matching goes on. After a crash of the server it goes on by itself. Back up the key store afterwards, and destroy
    older copies of it.
    """
    with signed_in(url, staff_id) as http:
        call(http, "POST", "/v1/renewals/province")
        _watch(http, "/v1/renewals/province", "templates")


@app.command()
def city(
    city_id: Annotated[str, typer.Argument()],
    staff_id: _StaffId,
    url: Url = DEFAULT_URL,
    now: Annotated[bool, typer.Option("--now", help="do not wait for a city that is lost or stolen")] = False,
) -> None:
    """Give a city a new domain. It changes over by itself, without a pause; then its old key is destroyed."""
    path = f"/v1/renewals/cities/{city_id}"
    with signed_in(url, staff_id) as http:
        call(http, "POST", path)
        if now:
            call(http, "POST", f"{path}/finish")
        _watch(http, path, "feed")


@app.command()
def box(
    box_id: Annotated[str, typer.Argument()],
    staff_id: _StaffId,
    url: Url = DEFAULT_URL,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="where to write the new bundle (0600)")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="the box has it: destroy the old key")] = False,
    force: Annotated[bool, typer.Option("--force", help="though the box was last seen with the old bundle")] = False,
) -> None:
    """Write a new bundle for a box; put it there, restart the box, then call again with --finish."""
    from rich.console import Console

    if (bundle is None) == (not finish):
        raise BadConfiguration("say either --bundle FILE, to begin, or --finish, once the box has the new bundle")
    with signed_in(url, staff_id) as http:
        if bundle is None:
            call(http, "POST", f"/v1/renewals/boxes/{box_id}/finish", params={"force": force})
            Console().print(f"[green]{box_id}[/]: the old key is destroyed; with the old bundle it is refused")
            return
        content = call(http, "POST", f"/v1/renewals/boxes/{box_id}")
    handle = os.open(bundle, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    Console().print(
        f"[green]{bundle}[/]: put it on the box, restart the box, then: yingbin province renew box --finish"
    )


def _watch(http: "httpx.Client", path: str, what: str) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(what, total=None)
        while (state := call(http, "GET", path))["running"]:
            bar.update(task, completed=state["done"], total=state["total"] or None)
            time.sleep(_POLL_S)
        bar.update(task, description=f"{what}: renewed, the old key is destroyed", completed=1, total=1)
