"""`yingbin models list | pull | add | verify`. Heavy imports wait until a command needs them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from yingbin.faces.pack import ModelPack

app = typer.Typer(help="Model packs: what finds and recognises faces.", no_args_is_help=True)

_JSON = typer.Option("--json", help="One JSON object as the last line of stdout.")
_out = Console()


@app.command("list")
def list_command(as_json: Annotated[bool, _JSON] = False) -> None:
    """Show the packs on this machine, their licences and the gallery size each is fit for."""
    from yingbin.faces.pack import ModelPack, list_packs, models_root

    root = models_root()
    packs = [ModelPack.load(name, root) for name in list_packs(root)]
    if as_json:
        _print_json({"root": str(root), "packs": [_summary(pack) for pack in packs]})
        return
    table = Table("pack", "numbers in a template", "fit for templates", "licence", title=f"Model packs in {root}")
    for pack in packs:
        table.add_row(pack.pack_id, str(pack.dimension), f"{pack.scores.fit_for_templates:,}", pack.licence_name)
    _out.print(table if packs else f"No model pack in {root}: run `yingbin models pull`")


@app.command()
def pull(as_json: Annotated[bool, _JSON] = False) -> None:
    """Make the default pack ready; does nothing when it is there and intact."""
    from yingbin.faces.build import pull_default_pack
    from yingbin.faces.pack import models_root

    progress = Console(stderr=True)
    with progress.status("default model pack") as status:
        pack = pull_default_pack(models_root(), lambda step: status.update(f"default model pack: {step}"))
    _out.print(f"{pack.pack_id} is ready in {pack.folder}\nlicences: {pack.licence_name}", soft_wrap=True)
    if as_json:
        _print_json(_summary(pack))


@app.command()
def add(
    folder: Annotated[
        Path, typer.Argument(help="The licensed pack: SCRFD and ArcFace models as insightface ships them.")
    ],
    licence: Annotated[Path, typer.Option(help="Text of the licence you hold.")],
    name: Annotated[str, typer.Option(help="Name of the pack; the folder's if not given.")] = "",
    *,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Accept it without being asked.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show a licensed pack's licence, and once it is accepted take the pack over. Nothing is downloaded."""
    from yingbin.faces.licensed import add_licensed_pack, read_licence
    from yingbin.faces.pack import models_root

    _out.print(read_licence(licence), markup=False, highlight=False, soft_wrap=True)
    if not accept_licence:
        typer.confirm("Do you accept this licence?", abort=True)
    pack = add_licensed_pack(folder, licence, name or folder.resolve().name, models_root())
    _out.print(
        f"{pack.pack_id} is ready in {pack.folder}\nits scores are assumed: run `yingbin eval faces --pack {pack.name} "
        "--statistics yingbin.json` on photos of your own, and put the file into that folder",
        soft_wrap=True,
    )
    if as_json:
        _print_json(_summary(pack))


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="Folder name of the pack.")] = "opencv-zoo",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Check every file's sha256, load the models and prove the template's dimension."""
    from yingbin.faces.engine import FaceEngine
    from yingbin.faces.pack import ModelPack, models_root

    pack = FaceEngine.load(ModelPack.load(name, models_root())).pack
    _out.print(f"{pack.pack_id}: files intact, models run, {pack.dimension} numbers a template", soft_wrap=True)
    if as_json:
        _print_json(_summary(pack))


def _summary(pack: "ModelPack") -> dict[str, object]:
    return {
        "pack_id": pack.pack_id,
        "name": pack.name,
        "folder": str(pack.folder),
        "dimension": pack.dimension,
        "fit_for_templates": pack.scores.fit_for_templates,
        "licence": pack.licence_name,
    }


def _print_json(content: dict[str, object]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False))
