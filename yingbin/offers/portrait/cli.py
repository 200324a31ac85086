"""`yingbin portrait`: compute the tags of the customer portrait, and say what they are."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from yingbin.trust.consent import Purpose

app = typer.Typer(help="The customer portrait: tags from the bank's tables.", no_args_is_help=True)


@app.command()
def build(
    data: Annotated[Path, typer.Option("--data", help="folder of the bank's tables, Parquet or CSV")],
    out: Annotated[Path, typer.Option("--out", help="folder to write to")],
    memory_mb: Annotated[int, typer.Option("--memory-mb", min=128, help="above it DuckDB spills to disk")] = 3_000,
    threads: Annotated[int, typer.Option("--threads", min=1)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object as the last line of stdout")] = False,
) -> None:
    """Compute tags, holdings and timeline of every customer who consents, as of the snapshot of the data."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from yingbin.offers.bank.reader import BankSettings
    from yingbin.offers.portrait.job import build_portrait

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("portrait", total=None)
        run = build_portrait(
            data,
            out,
            BankSettings(memory_mb=memory_mb, threads=threads),
            lambda what, number, of: bar.update(task, description=what, completed=number, total=of),
        )
    if as_json:
        figures = {"as_of": run.as_of.isoformat(), "customers": run.customers, "tags": run.tags}
        sys.stdout.write(json.dumps({**figures, "seconds": round(run.seconds, 3)}) + "\n")
    else:
        sys.stdout.write(f"{out}: {run.tags:,} tags of {run.customers:,} customers as of {run.as_of}\n")


@app.command()
def show(
    customer_id: Annotated[str, typer.Argument()],
    portraits: Annotated[Path, typer.Option("--portraits", help="what `build` wrote")],
    data: Annotated[Path, typer.Option("--data", help="folder of the bank's tables: which consents are in force")],
    before: Annotated[Path | None, typer.Option("--before", help="an earlier one: print what changed since")] = None,
    day: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="instead of today")] = None,
) -> None:
    """Print what may be shown of a customer after his identity is confirmed: tags by group, holdings, timeline."""
    from yingbin.offers.catalogue import load_catalogue
    from yingbin.offers.portrait.definitions import packaged_tags
    from yingbin.offers.portrait.page import changes, holdings, page, read_customer, timeline
    from yingbin.offers.profile import CHINA_TIME

    today = (day or datetime.now(CHINA_TIME)).date()
    defined, portrait, granted = packaged_tags(), read_customer(portraits, customer_id), _granted(data, customer_id)
    names = {code: (product.name_zh, product.name_en) for code, product in load_catalogue().products.items()}
    lines: list[tuple[str, ...]] = []
    for group, shown in page(portrait.tags, granted, today, defined).items():
        lines += [(group, one.tag.name_zh, one.zh, one.tag.name_en, one.en, one.as_of.isoformat()) for one in shown]
    for held in holdings(portrait, granted, today):
        matures_on = held.matures_on.isoformat() if held.matures_on else ""
        amount = f"¥{held.balance_fen / 100:,.0f}"
        lines.append(("holding", *names.get(held.product, (held.product, held.product)), amount, matures_on))
    for day_of, zh, en in timeline(portrait, granted, today, defined, names):
        lines.append(("timeline", day_of.isoformat(), zh, en))
    if before is not None:
        earlier = read_customer(before, customer_id).tags
        for change in changes(earlier, portrait.tags, granted, today, defined):
            tag = change.tag
            lines.append((change.kind, tag.name_zh, tag.name_en, change.before[1], change.now[1]))
    for line in lines:
        sys.stdout.write("\t".join(line) + "\n")


def _granted(data: Path, customer_id: str) -> "frozenset[Purpose]":
    """Return the consents of a customer that are not withdrawn in the bank's tables."""
    from yingbin.offers.bank.reader import open_bank
    from yingbin.trust.consent import Purpose

    in_force = "SELECT DISTINCT purpose FROM consents WHERE customer_id = ? AND withdrawn_at_ms IS NULL"
    with open_bank(data) as bank:
        return frozenset(Purpose(row[0]) for row in bank.execute(in_force, [customer_id]).fetchall())


@app.command()
def candidates(
    portraits: Annotated[Path, typer.Argument(help="what `build` wrote")],
    out: Annotated[Path, typer.Option("--out", help="CSV or Parquet file to write")],
    rules: Annotated[Path | None, typer.Option("--rules", help="instead of the packaged candidates.toml")] = None,
    day: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="instead of today")] = None,
) -> None:
    """Write who might become more, and why, for `yingbin province candidates`; only who consents to marketing."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from yingbin.offers.portrait.candidates import write_candidates
    from yingbin.offers.portrait.selection import load_selection
    from yingbin.offers.profile import CHINA_TIME

    selection, today = load_selection(rules), (day or datetime.now(CHINA_TIME)).date()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("candidates", total=None)
        chosen = write_candidates(
            portraits, out, selection, today, lambda number, of: bar.update(task, completed=number, total=of)
        )
    for rule in selection.rules:
        sys.stdout.write(f"{rule.text.name}\t{chosen.by_rule[rule.text.name]}\n")
    total = chosen.by_rule.total()
    sys.stdout.write(f"{out}: {total:,} of {chosen.looked_at:,} customers without a VIP tier, as of {chosen.as_of}\n")


@app.command(name="tags")
def list_tags() -> None:
    """Print every tag with its definition, sources, consent, refresh and expiry, tab-separated."""
    from yingbin.offers.portrait.definitions import packaged_tags

    for tag in packaged_tags().tag:
        sources, purposes = "+".join(tag.sources), "+".join(sorted(tag.purposes))
        fields = (tag.group, tag.id, tag.name_zh, tag.name_en, tag.definition_en, sources, purposes, tag.refresh)
        sys.stdout.write("\t".join((*fields, f"{tag.expires_days} d", tag.shown)) + "\n")
