"""`yingbin bank`: a synthetic bank to try the brain on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

app = typer.Typer(no_args_is_help=True, help="A synthetic bank whose hidden truth is known.")


@app.callback()
def _bank() -> None:
    """Keep `make` a sub-command."""


@app.command()
def make(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to; new or empty.")],
    customers: Annotated[int, typer.Option(min=2_000, max=5_000_000, help="How many customers.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bank, byte by byte.")] = 1,
) -> None:
    """Write the tables of docs/bank-data.md as Parquet, and the truth behind them to `truth/`."""
    from bench.synthetic_bank.bank import make_bank

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("customers", total=customers)
        make_bank(out, customers, seed, lambda size: progress.advance(task, size))
    console.print(f"{customers:,} synthetic customers in {out}")
