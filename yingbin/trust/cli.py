"""`yingbin keys`: make the key of a box or a city."""

import base64
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Device keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    pass


@app.command()
def device(path: Annotated[Path, typer.Argument(help="where to write the private key (0600)")]) -> None:
    """Make an Ed25519 key, or show the public half of an existing one: register that at the province."""
    from yingbin.trust.devices import DeviceKey

    key = DeviceKey.load(path) if path.exists() else DeviceKey.generate()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key.save(path)
    typer.echo(base64.b64encode(key.public_bytes).decode())
