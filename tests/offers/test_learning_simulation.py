"""A changed catalogue is tried on past visits before it is released."""

import json
from pathlib import Path
from typing import Any

import pytest
from offers_builders import YUAN, assessed, idle_rich, record
from typer.testing import CliRunner

from yingbin.offers.arbitrate import Context
from yingbin.offers.catalogue import Catalogue, parse_catalogue, read_catalogue
from yingbin.offers.cli import app
from yingbin.offers.decision.record import DecisionRecord, encoded, record_visit, record_whole
from yingbin.offers.learning.simulation import NothingToSimulate, simulate
from yingbin.offers.learning.underserved import underserved, visits_of_records

AT_MS = 1_772_416_800_000


def visits(catalogue: Catalogue) -> list[DecisionRecord]:
    customers = [
        record(customer_id=f"c-{level}", profile=idle_rich(risk_assessment=assessed(level)).model_dump())
        for level in (1, 3, 5)
    ] + [record(customer_id="poor", tier="potential", profile={"as_of": "2026-03-01", "demand_deposit_fen": 9 * YUAN})]
    return [
        record_whole(one, "vip", {"marketing"}, catalogue, Context(branch_id=f"b-{number % 2}"), AT_MS)
        for number, one in enumerate(customers)
    ]


def without(code: str) -> Catalogue:
    """Return the packaged catalogue in which a product is no longer on sale."""
    text, name = read_catalogue()
    return parse_catalogue(text.replace(f'code = "{code}"', f'code = "{code}"\nvalid_until = 2026-02-01'), name)


def named(changes: tuple[Any, ...]) -> dict[str, Any]:
    return {one.name: one for one in changes}


def test_the_same_catalogue_changes_nothing(catalogue: Catalogue) -> None:
    found = simulate(None, catalogue, visits(catalogue))
    assert (found.visits, found.changed, found.reordered, found.skipped) == (4, 0, 0, 0)
    assert all(one.before == one.after and not one.gained and not one.lost for one in found.by_product)
    assert named(found.by_segment)["vip_gold"].before == sum(len(one.output.offers) for one in visits(catalogue)[:3])


def test_a_product_taken_off_is_lost_where_it_was_and_others_take_its_place(catalogue: Catalogue) -> None:
    past = visits(catalogue)
    code = past[1].output.offers[0].product
    having = [one for one in past if code in {offer.product for offer in one.output.offers}]
    found = simulate(None, without(code), past)
    gone = named(found.by_product)[code]
    assert (gone.before, gone.after, gone.gained, gone.lost) == (len(having), 0, 0, len(having))
    assert found.changed == len(having)
    assert sum(one.lost for one in found.by_branch) == sum(one.lost for one in found.by_product)
    assert sum(one.after for one in found.by_branch) == sum(one.after for one in found.by_segment)


def test_two_catalogues_are_compared_on_the_same_visits_whatever_was_offered_then(catalogue: Catalogue) -> None:
    code = visits(catalogue)[1].output.offers[0].product
    made_by_the_new_one = visits(without(code))
    found = simulate(catalogue, without(code), made_by_the_new_one)
    assert named(found.by_product)[code].lost > 0
    assert simulate(None, without(code), made_by_the_new_one).changed == 0


def test_what_a_city_recorded_alone_is_counted_and_not_guessed(catalogue: Catalogue) -> None:
    whole = visits(catalogue)
    city = record_visit(whole[0].inputs.view, Context(), AT_MS)
    assert simulate(None, catalogue, [*whole, city]).skipped == 1
    with pytest.raises(NothingToSimulate, match="none of the 1 records"):
        simulate(None, catalogue, [city])


def test_the_command_prints_the_difference(catalogue: Catalogue, tmp_path: Path) -> None:
    for number, one in enumerate(visits(catalogue)):
        (tmp_path / f"{number}.json").write_bytes(encoded(one))
    run = CliRunner().invoke(app, ["simulate", str(tmp_path), "--json"])
    assert run.exit_code == 0, run.output
    said = json.loads(run.stdout.splitlines()[-1])
    assert (said["visits"], said["changed"]) == (4, 0)
    assert {"name", "before", "after", "gained", "lost"} == set(said["by_branch"][0])


def test_visits_of_records_tell_who_never_gets_an_offer(catalogue: Catalogue) -> None:
    assert underserved([one for _ in range(3) for one in visits_of_records(visits(catalogue))]) == []
