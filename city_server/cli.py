"""`yingbin city`: run the server of one city."""

import sys
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
    from yingbin.trust.process import keep_in_memory
    from yingbin.wire import MAX_BOX_MESSAGE_BYTES

    log.configure("city")
    keep_in_memory()
    settings = CitySettings.load(config)
    require_tls_or_loopback(settings.host, settings.tls_certificate_file)
    listener = bind(settings.host, settings.port)
    city = build(settings)
    serve(
        city,
        listener,
        certificate_file=settings.tls_certificate_file,
        key_file=settings.tls_key_file,
        max_message_bytes=MAX_BOX_MESSAGE_BYTES,
        on_stop=city.state.on_stop,
    )


@app.command()
def decision(
    card_id: Annotated[str, typer.Argument(help="Of a card this city still keeps.")],
    config: Annotated[Path | None, typer.Option(help="TOML file; YINGBIN_CITY_* overrides it")] = None,
) -> None:
    """Print why a card offers what it does: a record, naming nobody, that `yingbin offers replay` computes again."""
    from city_server.records import Records
    from city_server.settings import CitySettings
    from yingbin.errors import NotFound
    from yingbin.offers.decision.record import encoded, record_visit
    from yingbin.storage.database import Database
    from yingbin.trust.keystore import FileKeyStore
    from yingbin.trust.seal import Sealer

    settings = CitySettings.load(config)
    keystore = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
    records = Records(Sealer(keystore.get("city-records")))
    with Database(settings.database_url).read() as session:
        stored = records.card(session, card_id).stored
    if not stored.decided_at_ms or stored.card.state == "withdrawn":
        raise NotFound("this card keeps no decision any more")
    record = record_visit(stored.view, stored.context, stored.decided_at_ms)
    sys.stdout.write(encoded(record).decode() + "\n")
