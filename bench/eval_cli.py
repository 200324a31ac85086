"""`yingbin eval`: judges the product against known truth."""

import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from bench.eval_score import Score

app = typer.Typer(no_args_is_help=True, help="Judge the product against known truth.")


@app.callback()
def _eval() -> None:
    """Keep `scenes` a sub-command although it is the only one."""


@app.command()
def scenes(
    truth: Annotated[Path, typer.Option(help="CSV: file, frame_from, frame_to, person_id, present.")],
    scenes: Annotated[Path, typer.Option(help="The folder of the files that the truth names.")],
    enrol: Annotated[list[Path], typer.Option(help="A folder of people to enrol; may be given several times.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep databases and logs in this new folder.")] = None,
) -> None:
    """Play videos and photos to the whole product, each in a branch of its own, and score whom it says it saw."""
    from bench.eval_scenes import Stage, prepare
    from bench.eval_truth import read_truth

    trial = prepare(read_truth(truth), scenes, enrol)
    signal.signal(signal.SIGTERM, _on_terminate)
    console = Console(stderr=True)
    folder = _run_folder(keep)
    try:
        result = Stage(trial, folder, console).run()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    _show(result, console)
    if as_json:
        sys.stdout.write(json.dumps(as_object(result), ensure_ascii=False) + "\n")


def as_object(result: "Score") -> dict[str, Any]:
    """Return the JSON object: the FIXED keys, and who was missed or named wrongly where."""
    return {
        "appearances": len(result.appearances),
        "found": result.found,
        "missed": len(result.appearances) - result.found,
        "wrong": len(result.wrong),
        "recall": round(result.recall, 4),
        "precision": round(result.precision, 4),
        "time_to_find_p50_s": round(result.time_to_find_p50_s, 3),
        "time_to_card_p50_s": round(result.time_to_card_p50_s, 3),
        "appearance_list": [
            {
                "file": one.row.file,
                "person": one.row.person_id,
                "frame_from": one.row.first,
                "found": one.found,
                "after_s": round(one.after_s, 3),
            }
            for one in result.appearances
        ],
        "wrong_list": [{"file": one.file, "person": one.person_id, "frame": one.frame} for one in result.wrong],
    }


def _show(result: "Score", console: Console) -> None:
    table = Table("scene", "person", "found", "after s")
    for one in result.appearances:
        after = f"{one.after_s:.2f}" if one.after_s >= 0 else ""
        table.add_row(one.row.file, one.row.person_id, "yes" if one.found else "[red]no", after)
    for wrong in result.wrong:
        table.add_row(wrong.file, wrong.person_id, f"[red]wrong, frame {wrong.frame}", "")
    console.print(table)
    console.print(f"{result.found} of {len(result.appearances)} found, {len(result.wrong)} wrong", highlight=False)


def _run_folder(keep: Path | None) -> Path:
    from yingbin.errors import BadConfiguration

    if keep is None:
        return Path(tempfile.mkdtemp(prefix="yingbin-eval-"))
    keep = keep.expanduser().absolute()
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise BadConfiguration(f"--keep {keep}: the folder is not empty; name a new one")
    return keep


def _on_terminate(_number: int, _frame: object) -> None:
    """End like an error, so that every process is stopped and the run folder removed."""
    raise SystemExit(128 + signal.SIGTERM)
