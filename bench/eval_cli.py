"""`yingbin eval`: judges the product against known truth."""

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from demo.run_folder import on_terminate, run_folder

if TYPE_CHECKING:
    from bench.eval_faces import Judgement
    from bench.eval_score import Score

app = typer.Typer(no_args_is_help=True, help="Judge the product against known truth.")


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
    signal.signal(signal.SIGTERM, on_terminate)
    console = Console(stderr=True)
    folder = run_folder(keep, "eval")
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


@app.command()
def faces(
    manifest: Annotated[Path, typer.Option(help="CSV: path, person_id, set; paths from the folder above its own.")],
    pairs: Annotated[
        Path | None, typer.Option(help="CSV: a, b, same. Compare only these; else every two photos.")
    ] = None,
    *,
    pack: Annotated[str, typer.Option(help="Folder name of the model pack.")] = "opencv-zoo",
    distractors: Annotated[
        int, typer.Option(min=0, help="Let so many SYNTHETIC people join the open-set gallery.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Who is enrolled in the open set.")] = 20240,
    plot: Annotated[Path | None, typer.Option(help="Draw DET curves into this .png or .svg.")] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="Write the pack's score statistics into this new file: its yingbin.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Judge a model pack on photos of known people (ISO/IEC 19795-1): ROC, EER, open-set FPIR and FNIR."""
    from bench.eval_faces import judge_faces, load_photos
    from bench.face_set import read_manifest, read_pairs
    from bench.pack_statistics import write_statistics
    from yingbin import plots

    console = Console(stderr=True)
    photos = read_manifest(manifest)
    compared = read_pairs(pairs, photos) if pairs else None
    if plot:
        plots.check(plot)
    with console.status("loading the pack") as status:
        face_set, scores = load_photos(photos, manifest, pack, lambda done: status.update(f"photo {done}"))
        status.update("comparing")
        judgement = judge_faces(
            face_set,
            compared,
            scores,
            distractors=distractors,
            seed=seed,
            step=lambda joined: status.update(f"{joined:,} synthetic people"),
        )
        if statistics:
            status.update("fitting the tail")
            write_statistics(face_set, compared, statistics)
    if plot:
        from bench.det_plot import draw

        draw(judgement, plot)
    _show_faces(judgement, console)
    if as_json:
        sys.stdout.write(json.dumps(judgement.figures, ensure_ascii=False) + "\n")


@app.command()
def insights(
    *,
    bank: Annotated[
        Path | None, typer.Option(help="A folder made by `yingbin bank make`; else one is made and removed.")
    ] = None,
    customers: Annotated[int, typer.Option(min=2_000, max=5_000_000, help="Of the bank that is made.")] = 100_000,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the bank that is made; 707 and 708 served development.")
    ] = 20_260,
    memory_mb: Annotated[int, typer.Option(min=128, help="What the inference may take.")] = 3_000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the inference.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Run the nightly inference over a SYNTHETIC bank and compare what it concludes with the hidden truth."""
    from bench.eval_insights import evaluate
    from yingbin.offers.bank.reader import BankSettings

    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, on_terminate)
    settings = BankSettings(memory_mb=memory_mb, threads=threads)
    with console.status("starting") as status:
        figures = evaluate(bank, customers, seed, settings, status.update)
    _show_insights(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def policy(
    bank: Annotated[Path | None, typer.Option(help="A bank of `yingbin bank make`; made for this without one.")] = None,
    *,
    customers: Annotated[int, typer.Option(min=2_000, help="Customers of a bank that is made for this.")] = 10_000,
    visitors: Annotated[int, typer.Option(min=100, help="How many customers visit, at most.")] = 5_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bank, and of the policy that chooses at random.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Judge what the decision is worth against other policies, on a SYNTHETIC bank whose hidden truth is known."""
    from tempfile import TemporaryDirectory

    from bench.eval_policy import judge_policies
    from bench.synthetic_bank.bank import make_bank

    console = Console(stderr=True)
    with TemporaryDirectory(prefix="yingbin-bank-") as made, console.status("making a bank") as status:
        folder = bank or Path(made) / "bank"
        if bank is None:
            make_bank(folder, customers, seed)
        figures = judge_policies(folder, visitors, seed, lambda at, n: status.update(f"visit {at:,} of {n:,}"))
    table = Table("policy", "fen a visit (95 %)", "ours minus it (95 %)", "offers", "accepted")
    for name, row in figures["policies"].items():
        value, ahead = (
            f"{row[of]:,.0f}\n{row[f'{of}_ci'][0]:,.0f} to {row[f'{of}_ci'][1]:,.0f}" for of in ("value", "ours_minus")
        )
        table.add_row(name, value, ahead, f"{row['offers_per_visit']:.2f}", f"{row['accepted_per_visit']:.3f}")
    console.print(table)
    console.print(f"{figures['visits']:,} visits. {figures['note']}", highlight=False)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


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


def _show_faces(judgement: "Judgement", console: Console) -> None:
    figures = judgement.figures
    console.print(
        f"{figures['people']} people, {figures['photos']} photos\n"
        f"failure to acquire {figures['failure_to_acquire']:.2%}\n"
        f"AUC {figures['auc']:.5f}, EER {figures['eer']:.2%}, TAR {figures['tar_at_far_1e2']:.2%} at FAR 1e-2, "
        f"{figures['tar_at_far_1e3']:.2%} at FAR 1e-3",
        highlight=False,
    )
    table = Table("open-set N", "threshold", "FPIR (95 %)", "FNIR (95 %)", "at fixed .363", title="One look")
    for row in (figures["open_set"], *figures.get("synthetic", {}).get("open_set", ())):
        table.add_row(
            f"{row['gallery_n']:,}" + ("\nSYNTHETIC" if "synthetic" in row else ""),
            f"{row['threshold']:.3f}",
            _with_interval(row, "fpir"),
            _with_interval(row, "fnir"),
            f"FPIR {row['fixed']['fpir']:.1%}\nFNIR {row['fixed']['fnir']:.1%}",
        )
    console.print(table)
    one = figures["open_set"]
    shown = "demonstrated" if one["fpir_demonstrated"] else "not demonstrated"
    console.print(
        f"modelled FPIR {one['fpir_modelled']:.1e}, upper 95 % bound {one['fpir_modelled_upper']:.1e}: {shown} with "
        f"{one['people_non_mated']} independent non-mated people (3,000 needed)",
        highlight=False,
        soft_wrap=True,
    )
    if "synthetic" in figures:
        console.print(figures["synthetic"]["note"], highlight=False)


def _with_interval(row: dict[str, Any], rate: str) -> str:
    low, high = row[f"{rate}_ci"]
    return f"{row[rate]:.2%}\n{low:.2%} to {high:.2%}"


def _show_insights(figures: dict[str, Any], console: Console) -> None:
    table = Table("insight", "precision", "95 %", "recall", "n", "look-alikes it fell for", title="SYNTHETIC")
    for name, one in figures["insights"].items():
        low, high = one["precision_ci"]
        fell = ", ".join(f"{kind} {count}" for kind, count in one["fired_on_look_alikes"].items())
        table.add_row(
            name, _share(one["precision"]), f"{low:.1%} to {high:.1%}", _share(one["recall"]), f"{one['n']:,}", fell
        )
    console.print(table)
    console.print(f"{figures['note']}; inferred in {figures['infer_s']:.1f} s", highlight=False, soft_wrap=True)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
