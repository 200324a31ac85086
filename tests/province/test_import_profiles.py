"""The whole way of the hard information: a bank's tables, the profiles built from them, the import, the record."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from bulk_lists import csv_file, finished
from province_harness import World, record

from bench.synthetic_bank.bank import LEAST, make_bank
from yingbin.offers.bank.profiles import build_profiles, profiles_of
from yingbin.offers.bank.reader import open_bank
from yingbin.offers.profile import Profile

PATH = "imports/customers"


def imported(world: World, table: bytes, **params: Any) -> dict[str, Any]:
    reply = world.call("POST", PATH, files={"table": table}, params=params)
    assert reply.status_code == 202, reply.text
    job = finished(world, reply.json()["job_id"], PATH)
    return {**job, **world.call("GET", f"{PATH}/{job['job_id']}/quality").json()}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "bank"
    make_bank(folder, LEAST, 5)
    return folder


def test_profiles_of_the_synthetic_bank_become_the_records_of_the_province(
    world: World, bank: Path, tmp_path: Path
) -> None:
    out = tmp_path / "profiles.parquet"
    assert build_profiles(bank, out) == LEAST
    fullest = duckdb.execute(
        "SELECT customer_id FROM read_parquet(?) WHERE risk_level IS NOT NULL AND holdings LIKE '%fx_account%' "
        "AND time_deposit_matures_on IS NOT NULL ORDER BY 1 LIMIT 3", [str(out)]
    ).fetchall()  # fmt: skip
    here = [row[0] for row in fullest]
    assert len(here) == 3
    for customer_id in here:
        known = record(customer_id, world.branch_a)
        world.made("customers", {**known, "profile": {"as_of": "2026-01-01", "property_fen": 77}})
    done = imported(world, out.read_bytes())
    assert (done["state"], done["refused"]) == ("done", 0)
    assert done["outcomes"] == {"updated": 3, "unknown": LEAST - 3}
    with open_bank(bank) as tables:
        expected = profiles_of(tables, here)
    for customer_id in here:
        kept = world.call("GET", f"customers/{customer_id}").json()["record"]
        assert kept["full_name"] == record(customer_id, world.branch_a)["full_name"]
        profile = Profile.model_validate(kept["profile"])
        assert profile == expected[customer_id].model_copy(update={"property_fen": 77}), (
            "what the bank does not say stays"
        )
        assert profile.purchasing_power_fen + profile.demand_deposit_fen > 0
    assert imported(world, out.read_bytes())["outcomes"] == {"unchanged": 3, "unknown": LEAST - 3}


def test_a_table_without_names_enters_nobody_and_an_impossible_balance_is_refused(world: World) -> None:
    world.made("customers", record("known", world.branch_a))
    rows = [{"customer_id": name, "as_of": "2026-11-01", "fund_fen": fen}
            for name, fen in (("known", -5), ("stranger", 5))]  # fmt: skip
    poor = imported(world, csv_file(rows))
    assert (poor["state"], poor["problem"].split(":")[0], poor["refused"]) == ("failed", "poor_quality", 1)
    (fault,) = [one for one in poor["fields"] if one["faults"]]
    assert (fault["field"], fault["faults"]) == ("fund_fen", {"out_of_range": 1})
    assert world.call("GET", "customers/stranger").status_code == 404
    reply = world.call("POST", PATH, files={"table": csv_file([{"customer_id": "known", "fund_fen": 5}])})
    assert (reply.status_code, "as_of" in reply.json()["detail"]) == (422, True)
