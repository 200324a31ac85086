"""`yingbin doctor`: run the checks that apply and say what to do."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from yingbin.doctor.checks import Finding, Level

app = typer.Typer(help="Is this machine fit to run what its settings say?", invoke_without_command=True)

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_SECRET_FILES = ("key_file", "bundle_file", "tls_key_file")
_TREES = {
    ("province", "database_url"): "province",
    ("province", "templates_database_url"): "templates",
    ("city", "database_url"): "city",
}


@app.callback()
def doctor(
    province: Annotated[Path | None, typer.Option(help="settings file of a province server here")] = None,
    city: Annotated[Path | None, typer.Option(help="settings file of a city server here")] = None,
    edge: Annotated[Path | None, typer.Option(help="settings file of a camera box here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Check this machine, and what the given settings files need. Exit code 1 when something is wrong.

    Environment variables win over a file, as they do for the servers; with /dev/null they are all there is.
    """
    files = {"province": province, "city": city, "edge": edge}
    findings = [*_machine()]
    for tier, file in files.items():
        if file is not None:
            findings += _tier(tier, file)
    if as_json:
        typer.echo(msgspec.json.encode({"findings": findings}).decode())
    else:
        _print(findings)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


def _machine() -> Iterator[Finding]:
    from yingbin.doctor import checks

    yield checks.libraries()
    yield checks.swap()
    yield checks.core_dumps()
    yield checks.clock()


def _tier(tier: str, file: Path) -> Iterator[Finding]:
    """Check what a tier's settings name. Its settings class is an entry point: yingbin imports no tier."""
    from yingbin.doctor import checks
    from yingbin.errors import BadConfiguration
    from yingbin.storage.migrate import Tree

    (point,) = entry_points(group="yingbin.settings", name=tier)
    try:
        values: dict[str, Any] = point.load().load(file).model_dump()
    except BadConfiguration as error:
        yield Finding(f"settings of {tier}", Level.ERROR, "cannot be used", error.message)
        return
    yield Finding(f"settings of {tier}", Level.OK, f"{file} is understood")
    yield checks.model_pack(values["models_pack"])
    for setting in _SECRET_FILES:
        if values.get(setting) is not None:
            yield checks.private_file(setting, values[setting])
    if "keystore_file" in values:
        if values["keystore_file"].exists():
            yield checks.private_file("keystore_file", values["keystore_file"])
        yield checks.key_store(values["keystore_file"], values["keystore_passphrase"].get_secret_value())
        yield checks.free_space(values["keystore_file"].parent)
    if values.get("gallery_folder") is not None:
        yield checks.free_space(values["gallery_folder"])
    for (owner, setting), tree in _TREES.items():
        if owner == tier:
            yield checks.database(values[setting], Tree(tree))
    if "port" in values:
        yield checks.port(values["host"], values["port"])
    if values.get("templates_index") == "milvus":
        yield checks.plain_vectors(values["milvus_folder"], accepted=values["milvus_plain_volume"])


def _print(findings: list[Finding]) -> None:
    table = Table("check", "", "found", "what to do")
    for one in findings:
        colour = _COLOURS[one.level]
        table.add_row(escape(one.check), f"[{colour}]{one.level}[/]", escape(one.found), escape(one.advice))
    Console().print(table)
