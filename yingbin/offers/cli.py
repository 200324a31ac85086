"""`yingbin offers`: check and compare catalogues, compute decisions again, try a catalogue on past visits."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yingbin.offers.bank.cli import app as data_app
from yingbin.offers.insights.cli import app as insights_app
from yingbin.offers.learning.cli import add_to

app = typer.Typer(help="What to offer: catalogues, decisions, insights.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(insights_app, name="insights")
add_to(app)

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A catalogue.")]


@app.callback()
def _offers() -> None:
    pass


@app.command()
def check(catalogue: Annotated[Path | None, typer.Argument(help="A file instead of the packaged one.")] = None) -> None:
    """Check a catalogue; name every mistake with its line."""
    from yingbin.offers.catalogue import load_catalogue

    checked = load_catalogue(catalogue)
    sys.stdout.write(f"{checked.name}: {len(checked.products)} products, {len(checked.rules)} rules\n")


@app.command()
def diff(old: _File, new: _File) -> None:
    """Print what changes from one catalogue to another, a line each; both are checked first."""
    from yingbin.offers.catalogue import parse_catalogue, read_catalogue
    from yingbin.offers.catalogue_diff import catalogue_diff

    texts = [read_catalogue(path) for path in (old, new)]
    for text, name in texts:
        parse_catalogue(text, name)
    for line in catalogue_diff(texts[0][0], texts[1][0]):
        sys.stdout.write(line + "\n")


@app.command()
def replay(
    record: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A decision record, JSON.")],
    catalogue: Annotated[Path | None, typer.Option(help="The catalogue it was made by; the packaged one.")] = None,
) -> None:
    """Compute a decision again from its inputs as they were; exit code 1 when it comes out otherwise."""
    from yingbin.offers.catalogue import load_catalogue
    from yingbin.offers.decision.record import decoded, replay

    found = decoded(record.read_bytes())
    different = replay(found, load_catalogue(catalogue) if found.inputs.made_from or catalogue else None)
    if different:
        Console(stderr=True).print(f"[bold red]not the same[/]: {', '.join(different)}")
        raise typer.Exit(1)
    offers = ", ".join(offer.product for offer in found.output.offers) or "none"
    sys.stdout.write(f"identical: offers {offers}; {len(found.output.withheld)} products withheld with reasons\n")


@app.command()
def simulate(
    records: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of whole decision records.")],
    catalogue: Annotated[Path | None, typer.Option(help="The catalogue to try; the packaged one.")] = None,
    old: Annotated[Path | None, typer.Option(help="Compare with this one, not with what was offered then.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
) -> None:
    """Decide past visits anew with another catalogue: what would have been offered otherwise, before it is released."""
    from yingbin.offers.catalogue import load_catalogue
    from yingbin.offers.decision.record import decoded
    from yingbin.offers.learning.simulation import simulate

    whole = (decoded(path.read_bytes()) for path in sorted(records.glob("*.json")))
    found = simulate(load_catalogue(old) if old else None, load_catalogue(catalogue), whole)
    console = Console(stderr=True)
    for title, changes in (("product", found.by_product), ("branch", found.by_branch), ("tier", found.by_segment)):
        table = Table(title, "before", "after", "gained", "lost")
        for one in changes:
            table.add_row(one.name, *map(str, (one.before, one.after, one.gained, one.lost)))
        console.print(table)
    console.print(
        f"{found.catalogue}: {found.changed} of {found.visits} visits would have had other offers, {found.reordered} "
        f"the same in another order; without any offer {found.without_offer_before} -> {found.without_offer_after}; "
        f"{found.skipped} records cannot be decided anew",
        highlight=False,
    )
    if as_json:
        sys.stdout.write(json.dumps(found.as_object, ensure_ascii=False) + "\n")
