"""`yingbin offers insights`: run the nightly inference; show what is concluded from what, and what is not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from yingbin.offers.insights.nightly import Night

app = typer.Typer(help="Soft information: conclusions from the bank's tables.", no_args_is_help=True)


@app.command()
def run(
    data: Annotated[Path, typer.Argument(help="Folder of the bank's tables.")],
    *,
    out: Annotated[Path, typer.Option(help="Parquet file to write; replaced when the night succeeded.")],
    memory_mb: Annotated[int, typer.Option(min=128, help="Memory limit; above it DuckDB spills.")] = 3_000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one query.")] = 2,
    temp_dir: Annotated[Path | None, typer.Option(help="Folder to spill to; in the data folder when absent.")] = None,
    accept_warnings: Annotated[
        bool, typer.Option("--accept-warnings", help="Go on where the check only warns.")
    ] = False,
) -> None:
    """Infer once over all customers; for the nightly timer."""
    from rich.progress import Progress

    from yingbin.offers.bank.reader import BankSettings
    from yingbin.offers.insights.declaration import load_library
    from yingbin.offers.insights.nightly import infer

    console = Console(stderr=True)
    settings = BankSettings(memory_mb=memory_mb, threads=threads, temp_dir=temp_dir)
    with Progress(console=console) as progress:
        task = progress.add_task("insights", total=len(load_library()))

        def advance(night: "Night") -> None:
            progress.update(task, advance=1, description=f"after {night.insight}")

        nights = infer(data, out, settings, report=advance, accept_warnings=accept_warnings)
    table = Table("insight", "corroborated", "hypotheses", "silenced", "s")
    for night in nights:
        counts = (night.corroborated, night.hypotheses, night.silenced)
        table.add_row(night.insight, *(f"{count:,}" for count in counts), f"{night.seconds:.1f}")
    console.print(table)


@app.command("list")
def list_() -> None:
    """Show every insight with its evidence and effect, and what is not concluded, with the reasons."""
    from yingbin.offers.insights.declaration import load_library, load_refused

    table = Table("insight", "claims", "evidence of", "silenced by", "consents of", "days", "effect")
    for one in load_library().values():
        consents = ", ".join(one.consents) + (" (both)" if one.relation else "")
        evidence = "\n".join(f"{signal.name} ({signal.family}, >= {signal.min_support})" for signal in one.signal)
        silenced = "\n".join(contradiction.name for contradiction in one.contradiction)
        effect = " ".join((one.effect, *one.raises, *one.avoids))
        table.add_row(one.name, one.claims, evidence, silenced, consents, str(one.expires_days), effect)
    console = Console()
    console.print(table)
    for refused in load_refused():
        console.print(f"[bold]not concluded: {refused.name}[/]. {refused.reason}", highlight=False)
