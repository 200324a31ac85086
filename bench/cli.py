"""`yingbin bench`: the README's figures, measured from outside."""

import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.enrolment_cli import bulk, enrol

app = typer.Typer(no_args_is_help=True, help="Measure the product: figures beside a baseline in the same run.")
app.command()(enrol)
app.command()(bulk)


@app.callback()
def _bench() -> None:
    """Keep every bench a sub-command, even when there is only one."""


@app.command()
def edge(
    *,
    video: Annotated[Path | None, typer.Option(help="A clip of your own instead of the demo's film.")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV: who is to be seen in it; see `eval scenes`.")] = None,
    enrol: Annotated[Path | None, typer.Option(help="Folder of the people to enrol.")] = None,
    quick: Annotated[bool, typer.Option(help="50 s instead of 5 min.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Cost of a camera at 1080p25 beside `FaceAnalysis.get()` on every frame, and how many fit on two cores."""
    from bench.edge_bench import FULL, QUICK, run_edge_bench

    console = Console(stderr=True)
    with console.status("starting") as status:
        figures = asyncio.run(run_edge_bench(QUICK if quick else FULL, video, truth, enrol, status.update))
    _show_edge(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def bandwidth(
    *,
    quick: Annotated[bool, typer.Option(help="Less than half of the film.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Play one clip in all three modes of a camera and count what each costs the line at one visitor every 10 s."""
    from bench.bandwidth import run_bandwidth

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the folder of keys is removed
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, console.status("starting") as status:
        figures = run_bandwidth(Path(folder), quick=quick, say=status.update)
    _show_bandwidth(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def search(
    *,
    n: Annotated[int | None, typer.Option(help="Templates, instead of 200,000 and 2,000,000.")] = None,
    dim: Annotated[int, typer.Option(help="Numbers a template, with --n.")] = 512,
    quick: Annotated[bool, typer.Option(help="Without the gallery of 2,000,000.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Search galleries of synthetic faces beside FlatIP: half of the probes are of nobody there, one thread."""
    from bench.search_bench import FULL, QUICK, run_search_bench

    galleries = ((n, dim),) if n is not None else QUICK if quick else FULL
    console = Console(stderr=True)
    with console.status("starting") as status:
        figures = run_search_bench(galleries, status.update)
    _show_search(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def restart(
    *,
    n: Annotated[int, typer.Option(help="People in the gallery.")] = 200_000,
    dim: Annotated[int, typer.Option(help="Numbers a template.")] = 512,
    writes: Annotated[int | None, typer.Option(help="Changes made by writers that are killed; 10,000.")] = None,
    quick: Annotated[bool, typer.Option(help="2,000 changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Time a killed gallery from the start of its process to the first answer; kill writers and count what is lost."""
    from bench.restart_bench import run_restart_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the gallery is removed
    changes = writes if writes is not None else 2_000 if quick else 10_000
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, console.status("starting") as status:
        figures = run_restart_bench(Path(folder), n, dim, changes, status.update)
    _show_restart(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def withdraw(
    *,
    n: Annotated[int | None, typer.Option(help="Withdrawals, instead of 60.")] = None,
    cities: Annotated[int, typer.Option(help="City servers that are online.")] = 2,
    quick: Annotated[bool, typer.Option(help="10 withdrawals.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Time a withdrawal at the province until no online city matches the customer any more."""
    from bench.withdraw_bench import FULL, QUICK, run_withdraw_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all tiers are stopped
    count = n if n is not None else QUICK if quick else FULL
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, console.status("starting") as status:
        figures = run_withdraw_bench(Path(folder), count, cities, status.update)
    _show_withdraw(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def offers(
    *,
    customers: Annotated[int | None, typer.Option(help="Of the synthetic bank, instead of 100,000.")] = None,
    bank: Annotated[Path | None, typer.Option(help="A folder of `yingbin bank make`, instead of a new bank.")] = None,
    quick: Annotated[bool, typer.Option(help="5,000 customers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Time the decision at the visit with 200 products and 300 rules, and the nightly inference; try suitability."""
    from bench.offers_bench import DECIDED, run_offers_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the bank is removed
    size, decided = (5_000, 2_000) if quick else (100_000, DECIDED)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, console.status("starting") as status:
        figures = run_offers_bench(Path(folder), customers or size, status.update, decided, bank)
    _show_offers(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


@app.command()
def protect(
    *,
    quick: Annotated[bool, typer.Option(help="Without the templates of 512 numbers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Attack the protection of templates: what a thief without keys can link, by the pairs he knows."""
    from bench.protect_attack import run_protect_attack

    console = Console(stderr=True)
    with console.status("starting") as status:
        figures = run_protect_attack((128,) if quick else (128, 512), status.update)
    _show_protect(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


def _show_offers(figures: dict[str, Any], console: Console) -> None:
    table = Table("", f"{figures['products']} products, {figures['rules']} rules", title=figures["data"])
    for label, key in (
        ("customers", "customers"),
        ("decision at the visit, median ms", "p50_ms"),
        ("... 99th percentile ms", "p99_ms"),
        ("making a card view, 99th percentile ms", "card_view_p99_ms"),
        ("suitability, checks", "suitability_checks"),
        ("... violations", "suitability_violations"),
        ("decisions with the clock 12 h later", "time_shift_decisions"),
        ("... that came out otherwise", "time_shift_changed"),
        ("nightly inference, s", "nightly_s"),
        ("... peak of memory, MB", "nightly_rss_mb"),
        ("portraits, s", "portrait_s"),
        ("... peak of memory, MB", "portrait_rss_mb"),
    ):
        table.add_row(label, f"{figures[key]:,}")
    console.print(table)


def _show_protect(figures: dict[str, Any], console: Console) -> None:
    table = Table("numbers", "attack", "pairs known", "with photo", "cosine", "linking AUC", title=figures["data"])
    for run in figures["runs"]:
        row = (run["dim"], run["attack"], run["pairs"], run["photo"], run["recovered_cosine"], run["linking_auc"])
        table.add_row(*("-" if cell == -1 else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    console.print(table)


def _show_search(figures: dict[str, Any], console: Console) -> None:
    table = Table(
        "", *(f"{run['n']:,} x {run['dim']} {run['index']}" for run in figures["runs"]), title=figures["data"]
    )
    for label, key in (
        ("search, median ms", "p50_ms"),
        ("search, 99th percentile ms", "p99_ms"),
        ("... while it is changed", "p99_while_changing_ms"),
        ("... while it is sealed", "p99_while_sealing_ms"),
        ("times faster than FlatIP", "speedup_p50"),
        ("same person as the exact scan", "agreement"),
        ("... but for two within 0.001", "agreement_but_for_ties_1e3"),
        ("memory, MB", "ram_mb"),
        ("searches a second in batches of 16", "batch16_qps"),
        ("adding, ms", "add_ms"),
        ("removing, ms", "remove_ms"),
    ):
        cells = (run.get(key, -1) for run in figures["runs"])
        table.add_row(label, *("-" if cell == -1 else f"{cell:,}" for cell in cells))
    console.print(table)


def _show_withdraw(figures: dict[str, Any], console: Console) -> None:
    heading = f"{figures['withdrawals']} withdrawals, {figures['cities']} cities"
    table = Table("", heading, title=figures["data"])
    table.add_row("until no city matches him, median s", str(figures["p50_s"]))
    table.add_row("... 99th percentile s", str(figures["p99_s"]))
    table.add_row("... longest s", str(figures["max_s"]))
    console.print(table)


def _show_restart(figures: dict[str, Any], console: Console) -> None:
    table = Table("", f"{figures['n']:,} x {figures['dim']}", title=figures["data"])
    table.add_row("start of the process to the first answer, s", str(figures["restart_s"]))
    table.add_row("... of it opening and searching, s", str(figures["open_and_search_s"]))
    table.add_row("folder, MB", f"{figures['folder_mb']:,}")
    table.add_row("changes acknowledged", f"{figures['acknowledged']:,}")
    table.add_row(f"... lost in {figures['kills']} kills", str(figures["lost"]))
    console.print(table)


def _show_bandwidth(figures: dict[str, Any], console: Console) -> None:
    modes = figures["modes"]
    table = Table("at one visitor every 10 s", *modes, title=figures["clip"])
    for label, key in (
        ("bytes a second", "bytes_per_s"),
        ("bytes a face, answers included", "bytes_per_face"),
        ("a 7 Mbit/s stream is so many times more", "times_below_7mbit"),
        ("... with TLS and TCP/IP around every look", "times_below_7mbit_with_tls_tcp_ip"),
        ("bytes an event", "bytes_per_event"),
        ("bytes a scene photo, apart", "bytes_per_photo"),
        ("faces seen / recognised", ""),
    ):
        cells = (
            f"{mode.get(key, -1):,}" if key else f"{mode['faces']} / {mode['recognised']}" for mode in modes.values()
        )
        table.add_row(label, *("-" if cell == "-1" else cell for cell in cells))
    console.print(table)


def _show_edge(figures: dict[str, Any], console: Console) -> None:
    table = Table("1080p25", "ours", "every frame", title=figures["clip"])
    table.add_row("CPU s per minute of video", str(figures["cpu_s_per_min"]), f"{figures['baseline_cpu_s_per_min']}")
    found = (f"{figures[key]} of {figures['people_truth']}" for key in ("people_found", "baseline_people_found"))
    table.add_row("people found", *(found if figures["people_truth"] >= 0 else ("-", "-")))
    table.add_row("ratio", f"{figures['cpu_ratio']} x", "1 x")
    table.add_row("cameras in real time on 2 cores", str(figures["cameras_realtime_1080p25"]), "")
    table.add_row("MB, one camera / each further", f"{figures['rss_mb']} / {figures['rss_per_further_camera_mb']}", "")
    table.add_row("bytes per event", str(figures["bytes_per_event"]), "")
    console.print(table)
