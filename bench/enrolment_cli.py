"""`yingbin bench enrol` and `bulk`: how a province takes in many people, and what those who use it notice."""

import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table


def enrol(
    *,
    n: Annotated[int | None, typer.Option(help="People to enrol, instead of 200,000.")] = None,
    dim: Annotated[int, typer.Option(help="Numbers a template.")] = 128,
    quick: Annotated[bool, typer.Option(help="20,000 people.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Enrol synthetic people into a real province, from none on, and ask for its health meanwhile."""
    from bench.enrol_bench import FULL, QUICK, run_enrol_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the province is removed
    people = n if n is not None else QUICK if quick else FULL
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, Progress(console=console) as bar:
        tasks = {name: bar.add_task(name, total=people) for name in ("registering", "enrolling")}
        figures = run_enrol_bench(Path(folder), people, dim, lambda name, done: bar.update(tasks[name], completed=done))
    _show_enrol(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


def bulk(
    *,
    n: Annotated[int | None, typer.Option(help="Rows of the list, instead of 10,000.")] = None,
    quick: Annotated[bool, typer.Option(help="500 rows.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Enrol a list with photos into a real province, and look at its admin pages meanwhile."""
    from bench.bulk_bench import FULL, QUICK, run_bulk_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the province is removed
    rows = n if n is not None else QUICK if quick else FULL
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as folder, Progress(console=console) as bar:
        task = bar.add_task("enrolling", total=rows)
        figures = run_bulk_bench(Path(folder), rows, lambda done: bar.update(task, completed=done))
    _show_bulk(figures, console)
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")


def _show_enrol(figures: dict[str, Any], console: Console) -> None:
    table = Table("", f"{figures['n']:,} x {figures['dim']}", title=figures["data"])
    table.add_row("enrolled a second, first tenth", f"{figures['rate_first_per_s']:,}")
    table.add_row("... last tenth", f"{figures['rate_last_per_s']:,}")
    table.add_row("health meanwhile, 99th percentile ms", f"{figures['health_p99_ms']:,}")
    table.add_row("memory at the end, MB", f"{figures['rss_mb']:,}")
    console.print(table)


def _show_bulk(figures: dict[str, Any], console: Console) -> None:
    table = Table("", f"{figures['rows']:,} rows", title=figures["data"])
    table.add_row("enrolled, refused", f"{figures['enrolled']:,}, {figures['refused']:,}")
    table.add_row("took, s", str(figures["took_s"]))
    table.add_row("admin pages meanwhile, median ms", str(figures["page_p50_ms"]))
    table.add_row("... 95th percentile ms", str(figures["page_p95_ms"]))
    table.add_row(
        "memory after a tenth, at the end, MB", f"{figures['rss_at_a_tenth_mb']}, {figures['rss_at_the_end_mb']}"
    )
    console.print(table)
