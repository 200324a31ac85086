"""`yingbin gallery calibrate`. Heavy imports wait until the command needs them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from yingbin.faces.scores import ScoreModel
    from yingbin.galleries.calibration import Outlook

app = typer.Typer(help="Galleries: what size means for certainty.", no_args_is_help=True)

_out = Console()


@app.callback()
def _gallery() -> None:
    """Keep `calibrate` a sub-command although it is the only one."""


@app.command()
def calibrate(
    *,
    pack: Annotated[str, typer.Option(help="Folder name of the model pack.")] = "opencv-zoo",
    n: Annotated[list[int] | None, typer.Option("--n", min=1, help="A gallery size; repeatable.")] = None,
    at_home: Annotated[
        int, typer.Option(min=1, help="Customers whose home the branch is, for the limits of its prior.")
    ] = 500,
    scores: Annotated[
        list[Path] | None,
        typer.Option(help="CSV: score, templates[, pack_id] of wrong scores with a known outcome; repeatable."),
    ] = None,
    databases: Annotated[
        list[str] | None,
        typer.Option(
            "--city-database",
            "--province-database",
            envvar="YINGBIN_CALIBRATE_DATABASE_URL",
            help="URL of a database that holds such scores, a city's or the province's identity store; repeatable.",
        ),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Only write these scores into this new CSV, to join them.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put the refitted tail in force on this machine.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw it into this .png or .svg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Print a pack's impostor distribution, and threshold, modelled FPIR and FNIR at each gallery size.

    With scores of this site's own searches the tail is refitted, and shown; only --apply changes any threshold.
    """
    from yingbin import plots
    from yingbin.errors import InvalidInput
    from yingbin.faces.pack import ModelPack
    from yingbin.galleries.calibration import GALLERY_SIZES, outlook, put_in_force, recalibrated
    from yingbin.galleries.known_outcomes import joined, of_database, read_scores, write_scores

    if plot:
        plots.check(plot)
    loaded = ModelPack.load(pack)
    model = loaded.scores
    pack_id = loaded.pack_id
    known = [
        *(read_scores(path, pack_id) for path in scores or ()),
        *(of_database(url, pack_id) for url in databases or ()),
    ]
    if not known and (apply or export):
        raise InvalidInput("nothing new to --apply or --export: give --scores, --city-database or --province-database")
    if export:
        _out.print(f"{write_scores(joined(known), export, pack_id):,} scores in {export}", soft_wrap=True)
        return
    if known:
        model, _ = recalibrated(loaded.shipped_scores, joined(known))
    outlooks = [outlook(model, size, at_home) for size in n or GALLERY_SIZES]
    _show(pack_id, model, outlooks)
    if plot:
        from yingbin.galleries.calibration_plot import draw

        draw(model, outlooks, plot)
    if apply:
        path = put_in_force(model, pack_id)
        _out.print(
            f"In force from the next start on: {path}\nCopy it to every server; remove it to undo", soft_wrap=True
        )
    if as_json:
        typer.echo(json.dumps(_as_object(pack_id, model, outlooks, applied=apply), ensure_ascii=False))


def _show(pack_id: str, model: "ScoreModel", outlooks: list["Outlook"]) -> None:
    _out.print(
        f"{pack_id}: cosines of different people, mean {model.impostor_mean:.3f}, standard deviation "
        f"{model.impostor_sd:.3f}\nbasis: {model.basis}\nfit for {model.fit_for_templates:,} templates",
        highlight=False,
        soft_wrap=True,
    )
    if model.tail:
        tail = Table("FMR", "cosine, fitted", "upper 95 % bound", title="Impostor tail; thresholds rest on the bound")
        fitted = dict(model.tail_estimate)
        for fmr, bound in model.tail:
            tail.add_row(f"{fmr:.0e}", f"{fitted[fmr]:.3f}" if fmr in fitted else "", f"{bound:.3f}")
        _out.print(tail)
    table = Table("N", "threshold", "FPIR a look", "FPIR a track", "FNIR a look")
    for one in outlooks:
        misses = f"{one.fnir:.1%}\n<= {one.fnir_upper:.1%}" if one.fnir >= 0 else "unknown"
        table.add_row(
            f"{one.templates:,}",
            f"{one.threshold:.3f}",
            f"{_rare(one.fpir)}\n<= {one.fpir_upper:.0e}",
            f"{_rare(one.fpir_track)}\n<= {one.fpir_track_upper:.0e}",
            misses,
        )
    _out.print("Modelled for one photo a person, upper 95 % bound below; not demonstrated:")
    _out.print(table)
    prior = Table("N", "of this branch", "others", title=f"Thresholds with {outlooks[0].at_home:,} customers at home")
    for one in outlooks:
        prior.add_row(f"{one.templates:,}", f"{one.threshold_home:.3f}", f"{one.threshold_others:.3f}")
    _out.print(prior)
    _out.print("`yingbin eval faces` measures; an FPIR of 0.001 takes 3,000 independent non-mated probes to show")


def _rare(rate: float) -> str:
    return f"{rate:.0e}" if rate >= 1e-9 else "<1e-9"


def _as_object(pack_id: str, model: "ScoreModel", outlooks: list["Outlook"], *, applied: bool) -> dict[str, Any]:
    import msgspec

    return {
        "pack_id": pack_id,
        "applied": applied,
        **msgspec.to_builtins(model),
        "sizes": [msgspec.to_builtins(one) for one in outlooks],
    }
