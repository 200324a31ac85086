"""`yingbin province`: serve, create the first administrator, renew keys."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from province_server import renew_cli
from province_server.bulk.cli import enrol
from province_server.campaigns.cli import send_candidates
from province_server.decision_cli import decision
from province_server.imports.cli import import_customers
from province_server.insights.cli import load_insights
from province_server.measuring.sales_cli import send_sales
from province_server.portraits.cli import load_portraits

app = typer.Typer(help="The province server.", no_args_is_help=True)
app.add_typer(renew_cli.app, name="renew")
app.command()(enrol)
app.command(name="import")(import_customers)
app.command()(decision)
app.command(name="load-insights")(load_insights)
app.command(name="sales")(send_sales)
app.command(name="load-portraits")(load_portraits)
app.command(name="candidates")(send_candidates)

_Config = Annotated[Path | None, typer.Option("--config", help="TOML file; environment variables win over it")]
_PASSWORD_VARIABLE = "YINGBIN_BOOTSTRAP_PASSWORD"  # noqa: S105  # the name of a variable, not a password


@app.command()
def serve(config: _Config = None) -> None:
    """Run the province server until SIGINT or SIGTERM."""
    from province_server.app import Stores, build
    from province_server.enrolment import EngineReader
    from province_server.settings import ProvinceSettings
    from yingbin import log
    from yingbin.faces.engine import FaceEngine
    from yingbin.faces.pack import ModelPack
    from yingbin.http import serve as http
    from yingbin.trust.process import keep_in_memory

    log.configure("province")
    keep_in_memory()
    settings = ProvinceSettings.load(config)
    http.require_tls_or_loopback(settings.host, settings.tls_certificate_file)
    listener = http.bind(settings.host, settings.port)
    reader = EngineReader(FaceEngine.load(ModelPack.load(settings.models_pack)))
    province = build(settings, Stores.open(settings), reader)
    http.serve(
        province.app,
        listener,
        certificate_file=settings.tls_certificate_file,
        key_file=settings.tls_key_file,
        on_stop=province.notifier.close,
    )


@app.command()
def rehearse(
    customers: Annotated[int, typer.Option("--customers", min=0, help="synthetic people to enrol")] = 0,
    config: _Config = None,
    dimension: Annotated[int, typer.Option("--dimension", min=2, help="numbers a vector has; even")] = 128,
    *,
    photos: Annotated[
        bool, typer.Option("--photos", help="enrol nobody: wait for lists, look at their photos, invent the vectors")
    ] = False,
) -> None:
    """Fill an EMPTY province with synthetic people while it serves, to see what a machine can do."""
    import threading

    from province_server.app import Stores, build
    from province_server.enrolment import EngineReader
    from province_server.rehearsal import InventedFaces, Rehearsal, SyntheticReader, require_empty
    from province_server.settings import ProvinceSettings
    from yingbin import log
    from yingbin.faces.engine import FaceEngine
    from yingbin.faces.pack import ModelPack
    from yingbin.http import serve as http
    from yingbin.trust.process import keep_in_memory

    if photos == bool(customers):
        raise typer.BadParameter("say how many to enrol with --customers, or --photos to send lists yourself")
    log.configure("province")
    keep_in_memory()
    settings = ProvinceSettings.load(config)
    listener = http.bind("127.0.0.1", settings.port)
    stores = Stores.open(settings)
    if photos:
        require_empty(stores)
        reader = InventedFaces(EngineReader(FaceEngine.load(ModelPack.load(settings.models_pack))))
        province = build(settings, stores, reader)
    else:
        province = build(settings, stores, SyntheticReader(dimension))
        threading.Thread(target=Rehearsal(province, customers).run, name="rehearsal", daemon=True).start()
    http.serve(province.app, listener, on_stop=province.notifier.close)


@app.command()
def bootstrap(
    staff_id: Annotated[str, typer.Option("--staff-id", help="how the first administrator signs in")],
    config: _Config = None,
) -> None:
    """Create the first gallery administrator of an empty province.

    The password comes from the environment variable YINGBIN_BOOTSTRAP_PASSWORD, or is asked for on stdin.
    """
    from province_server.app import Stores
    from province_server.audit.trail import command
    from province_server.settings import ProvinceSettings
    from province_server.staff import first_admin

    given = os.environ.get(_PASSWORD_VARIABLE)
    if given is None:
        given = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    stores = Stores.open(ProvinceSettings.load(config))
    with command("bootstrap"):
        first_admin(stores.identity, staff_id, given)
    stores.close()
    Console().print(f"[green]{staff_id}[/] may now sign in as gallery_admin")
