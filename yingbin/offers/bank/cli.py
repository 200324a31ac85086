"""`yingbin offers data`: check a bank's tables before anything is computed from them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(help="The bank's tables: docs/bank-data.md.", no_args_is_help=True)


@app.callback()
def _data() -> None:
    """Keep `check` a sub-command."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with the tables as Parquet or CSV.")],
    memory_mb: Annotated[int, typer.Option(min=128, help="Memory DuckDB may take; above it, it spills.")] = 3_000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one query.")] = 2,
    temp_dir: Annotated[Path | None, typer.Option(help="Where it spills to; the data folder when absent.")] = None,
) -> None:
    """Check columns, types and values; name all that is wrong, with its first row. Exit code 1 if anything is."""
    from yingbin.offers.bank.checks import check_values
    from yingbin.offers.bank.reader import BankSettings, open_bank

    console = Console(stderr=True)
    settings = BankSettings(memory_mb=memory_mb, threads=threads, temp_dir=temp_dir)
    with console.status("checking"), open_bank(folder, settings) as bank:
        findings = check_values(bank)
    for finding in findings:
        console.print(f"[bold red]bank_data_invalid[/]: {escape(str(finding))}", highlight=False, soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    console.print(f"{folder}: every table is sound", highlight=False, soft_wrap=True)
