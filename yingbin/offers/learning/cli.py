"""`yingbin offers effect|underserved|fairness|off-policy`: what the log of a folder of bank tables says."""

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from yingbin.errors import InvalidInput
from yingbin.offers.learning.estimate import Estimate

Bank = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with `decisions` and `outcomes`.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")]
_NEEDED = ("decision_id", "product_code", "probability")


class BadPolicyTable(InvalidInput):
    """The table of what a new policy wants cannot be used; the message says which row."""

    code = "bad_policy_table"


def effect(
    bank: Bank,
    *,
    cost_fen: Annotated[int, typer.Option("--cost-fen", min=1, help="What a contact costs.")] = 2_000,
    as_json: AsJson = False,
) -> None:
    """Tell what personal offers bring beyond the holdout, and what came of each product."""
    from yingbin.offers.bank.reader import open_bank
    from yingbin.offers.learning.effect import conversion, roi, uplift

    with open_bank(bank) as log:
        above, back, products = uplift(log), roi(log, cost_fen), conversion(log, "product_code")
    _show(
        ("figure", "value", "95 % interval", "n"),
        [
            ("taken up, personal", *_said(above.treated)), ("taken up, holdout", *_said(above.held_out)),
            ("difference", *_said(above.accepted)), ("margin a visit, fen", *_said(above.margin_fen)),
            ("return on a contact", *_said(back.roi)), ("return above the holdout", *_said(back.incremental)),
            *((one.name, *_said(one.rate)) for one in products),
        ],
    )  # fmt: skip
    _emit({**asdict(above), **asdict(back), "products": [asdict(one) for one in products]}, as_json=as_json)


def underserved(bank: Bank, *, as_json: AsJson = False) -> None:
    """List who may be addressed personally, comes often and was never shown anything."""
    from yingbin.offers.bank.reader import open_bank
    from yingbin.offers.learning.underserved import underserved as found_in
    from yingbin.offers.learning.underserved import visits_in_log

    with open_bank(bank) as log:
        found = found_in(visits_in_log(log))
    _show(("customer", "visits", "last branch"), [(one.customer_id, one.visits, one.branch_id) for one in found])
    _emit({"underserved": [asdict(one) for one in found]}, as_json=as_json)


def fairness(bank: Bank, *, as_json: AsJson = False) -> None:
    """Compare how often groups are offered products, and take them up, by gender, age, origin of document, branch."""
    from yingbin.offers.bank.reader import open_bank
    from yingbin.offers.learning.fairness import Attribute, bias_check

    attributes: tuple[Attribute, ...] = ("gender", "age_band", "registered_in", "branch")
    with open_bank(bank) as log:
        found = [one for attribute in attributes for one in bias_check(log, attribute)]
    _show(
        ("group", "product", "measure", "rate", "95 % interval", "n", "of the highest", "verdict"),
        [(one.group, one.product, one.measure, *_said(one.rate), _said(one.ratio)[0], one.verdict) for one in found],
    )
    _emit({"groups": [asdict(one) for one in found]}, as_json=as_json)


def off_policy(
    bank: Bank,
    wanted: Annotated[Path, typer.Option(exists=True, dir_okay=False, help=f"CSV with {', '.join(_NEEDED)}.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Estimate what another policy would have been worth from a log whose decisions were drawn.

    `--wanted` says with what probability the new policy would put a product first in a decision of the log; what it
    does not name has probability 0. Where the log cannot say, there is an error and no number.
    """
    from yingbin.offers.bank.reader import open_bank
    from yingbin.offers.learning.off_policy import evaluate, first_choices

    probability = read_wanted(wanted)
    with open_bank(bank) as log:
        value = evaluate(first_choices(log, lambda decision, _, product: probability.get((decision, product), 0.0)))
    rows = [(name, *_said(getattr(value, name))) for name in ("ips", "snips", "logged")]
    _show(("estimate, fen a decision", "value", "95 % interval", "customers"), rows)
    _emit(asdict(value), as_json=as_json)


def read_wanted(path: Path) -> dict[tuple[str, str], float]:
    """Return decision and product -> probability. Raises `BadPolicyTable`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := [name for name in _NEEDED if name not in (rows.fieldnames or ())]:
            raise BadPolicyTable(f"{path.name} lacks: {', '.join(missing)}")
        found = {}
        for number, row in enumerate(rows, 1):
            try:
                found[row["decision_id"], row["product_code"]] = probability = float(row["probability"])
            except (TypeError, ValueError):
                probability = -1.0
            if not 0 <= probability <= 1:
                raise BadPolicyTable(f"{path.name}, row {number}: `probability` lies between 0 and 1")
    return found


def _said(one: Estimate) -> tuple[str, str, str]:
    return (f"{one.value:.4g}", f"{one.low:.4g} to {one.high:.4g}", f"{one.n:,}") if one.n else ("not known", "", "0")


def _show(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = Table(*head)
    for row in rows:
        table.add_row(*map(str, row))
    Console(stderr=True).print(table)


def _emit(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")


def add_to(app: typer.Typer) -> None:
    """Make these commands of `yingbin offers`."""
    for name, command in (
        ("effect", effect), ("underserved", underserved), ("fairness", fairness), ("off-policy", off_policy),
    ):  # fmt: skip
        app.command(name=name)(command)
