"""`yingbin offers data`: check a bank's tables before anything is computed from them; build the customers' profiles."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(help="The bank's tables: docs/bank-data.md.", no_args_is_help=True)

_MemoryMb = Annotated[int, typer.Option(min=128, help="Memory DuckDB may take; above it, it spills.")]
_Threads = Annotated[int, typer.Option(min=1, help="Threads of one query.")]
_TempDir = Annotated[Path | None, typer.Option(help="Where it spills to; the data folder when absent.")]


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with the tables as Parquet or CSV.")],
    memory_mb: _MemoryMb = 3_000,
    threads: _Threads = 2,
    temp_dir: _TempDir = None,
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


@app.command()
def profiles(
    folder: Annotated[Path, typer.Argument(help="Folder with the tables as Parquet or CSV.")],
    *,
    out: Annotated[Path, typer.Option(help="Parquet file for `yingbin province import --table`.")],
    memory_mb: _MemoryMb = 3_000,
    threads: _Threads = 2,
    temp_dir: _TempDir = None,
) -> None:
    """Build every customer's profile by the formulas of docs/bank-data.md, as the province imports it."""
    from yingbin.offers.bank.profiles import build_profiles
    from yingbin.offers.bank.reader import BankSettings

    console = Console(stderr=True)
    with console.status("building"):
        written = build_profiles(folder, out, BankSettings(memory_mb=memory_mb, threads=threads, temp_dir=temp_dir))
    console.print(f"{written:,} profiles in {out}", highlight=False, soft_wrap=True)
