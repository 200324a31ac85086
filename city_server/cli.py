"""`yingbin city`: run the server of one city."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The city server.", no_args_is_help=True)


@app.callback()
def _city() -> None:
    pass


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option(help="TOML file; YINGBIN_CITY_* overrides it")] = None,
) -> None:
    """Match what the boxes send, keep visits, alert the tablets."""
    from city_server.app import build
    from city_server.settings import CitySettings
    from yingbin import log
    from yingbin.http.serve import bind, require_tls_or_loopback, serve
    from yingbin.wire import MAX_BOX_MESSAGE_BYTES

    log.configure("city")
    settings = CitySettings.load(config)
    require_tls_or_loopback(settings.host, settings.tls_certificate_file)
    listener = bind(settings.host, settings.port)
    serve(
        build(settings),
        listener,
        certificate_file=settings.tls_certificate_file,
        key_file=settings.tls_key_file,
        max_message_bytes=MAX_BOX_MESSAGE_BYTES,
    )
