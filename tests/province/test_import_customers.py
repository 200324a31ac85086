"""Import of customers' records: mapped, checked as a whole, upserted; what the source does not have stays."""

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from bulk_lists import csv_file, finished, flat, report
from province_harness import World
from typer.testing import CliRunner

from province_server.batch.fields import COLUMNS, customer_of, row_of
from province_server.cli import app
from province_server.imports.mapping import ColumnMapping
from province_server.imports.quality import contradictions
from province_server.imports.upsert import Numbered, Upserted, Upserter
from yingbin.errors import InvalidInput
from yingbin.feed_wire import FeedKind
from yingbin.offers.profile import Profile

PATH = "imports/customers"


def send(world: World, rows: list[dict[str, Any]], mapping: str = "", **params: Any) -> httpx.Response:
    files = {"table": csv_file(rows)} | ({"mapping": mapping.encode()} if mapping else {})
    return world.call("POST", PATH, files=files, params=params)


def imported(world: World, rows: list[dict[str, Any]], mapping: str = "", **params: Any) -> dict[str, Any]:
    """Send a table and wait; return the job and its outcomes."""
    reply = send(world, rows, mapping, **params)
    assert reply.status_code == 202, reply.text
    job = finished(world, reply.json()["job_id"], PATH)
    quality = world.call("GET", f"{PATH}/{job['job_id']}/quality").json()
    return {**job, **quality}


def test_rows_are_upserted_and_only_the_enrolled_reach_their_city(world: World) -> None:
    world.enrolled("enrolled", world.branch_a)
    rows = [flat("enrolled", world.branch_a), *(flat(f"c-{n}", world.branch_a) for n in range(300))]
    first = imported(world, rows)
    assert (first["state"], first["outcomes"]) == ("done", {"unchanged": 1, "created": 300})
    assert imported(world, rows)["outcomes"] == {"unchanged": 301}
    cards = {card.customer_id: card for card in world.a.kinds(FeedKind.CARD_VIEW)}
    assert cards.keys() == {"enrolled"}
    rows[0] = {**rows[0], "tier": "vip_diamond", "full_name": "王新"}
    rows[1] = {**rows[1], "full_name": "李新"}
    assert imported(world, rows)["outcomes"] == {"updated": 2, "unchanged": 299}
    cards = {card.customer_id: card for card in world.a.kinds(FeedKind.CARD_VIEW)}
    assert {name: card.surname for name, card in cards.items()} == {"enrolled": "王"}
    assert world.call("GET", "customers/c-0").json()["record"]["full_name"] == "李新"


def test_C6_C10_what_the_source_has_no_column_for_stays(world: World) -> None:
    guardian = {"full_name": "母亲", "relation": "mother", "evidence": "paper 3"}
    child = {**flat("child", world.branch_a, birth_date="2020-05-05"), "guardian_full_name": "母亲"}
    child |= {"guardian_relation": "mother", "guardian_evidence": "paper 3", "opted_out_of_automated_decisions": "yes"}
    assert imported(world, [child])["outcomes"] == {"created": 1}
    plain = flat("child", world.branch_a, birth_date="2020-05-05", demand_deposit_fen="5")
    assert imported(world, [plain])["outcomes"] == {"updated": 1}
    record = world.call("GET", "customers/child").json()["record"]
    assert record["guardian"] == guardian
    assert record["opted_out_of_automated_decisions"] is True
    assert record["profile"]["demand_deposit_fen"] == 5


def test_faults_are_counted_by_field_and_listed_by_row(world: World) -> None:
    world.enrolled("moves", world.branch_a)
    fine = [flat(f"c-{n}", world.branch_a) for n in range(20)]
    bad = {
        ("birth_date", "wrong_type"): flat("b-1", world.branch_a, birth_date="30.02.1980"),
        ("tier", "unknown_value"): flat("b-2", world.branch_a, tier="gold"),
        ("mortgage_fen", "out_of_range"): flat("b-3", world.branch_a, mortgage_fen="-1"),
        ("full_name", "missing"): flat("b-4", world.branch_a, full_name=""),
        ("customer_id", "duplicate"): flat("c-3", world.branch_a),
        ("birth_date", "id_birth_date"): flat("b-5", world.branch_a, id_number="11010519491231002X"),
        ("account_closed", "closed_with_balance"): flat("b-6", world.branch_a, account_closed="是"),
        ("home_branch_id", "unknown_branch"): flat("b-7", "nowhere"),
        ("rm_staff_id", "unknown_manager"): flat("b-8", world.branch_a, rm_staff_id="nobody"),
        ("home_branch_id", "moves_city"): flat("moves", world.branch_b, full_name="王"),
        ("birth_date", "guardian_missing"): flat("b-9", world.branch_a, birth_date="2020-01-01"),
        ("time_deposit_maturing_fen", "contradictory"): flat("b-10", world.branch_a, time_deposit_maturing_fen="9"),
        ("as_of", "stale"): flat("moves", world.branch_a, as_of="2020-01-01"),
    }
    bad_rows = [one for key, one in bad.items() if key[1] != "stale"]
    poor = imported(world, [*fine, *bad_rows])
    assert (poor["state"], poor["problem"].split(":")[0], poor["refused"]) == ("failed", "poor_quality", 12)
    assert world.call("GET", "customers/c-0").status_code == 404  # too poor a source writes nothing
    lines = report(world, poor["job_id"], PATH)
    found = [(line["field"], line["code"]) for line in lines if int(line["row"]) > len(fine)]
    assert [key for key in bad if key[1] != "stale"] == [one for one in found if one != ("gender", "id_gender")]
    assert all(line["text_zh"] and line["text_en"] for line in lines)
    by_field = {one["field"]: one for one in poor["fields"]}
    assert by_field["birth_date"]["faults"] == {"wrong_type": 1, "id_birth_date": 1, "guardian_missing": 1}
    assert by_field["full_name"]["missing"] == 1
    assert by_field["rm_staff_id"]["first_rows"] == [29]
    lenient = imported(world, [*fine, *bad_rows], "max_refused_share = 0.5")
    assert (lenient["state"], lenient["outcomes"]) == ("done", {"created": 20, "refused": 12})
    stale = imported(world, [bad["as_of", "stale"]], "max_refused_share = 1.0")
    assert [line["code"] for line in report(world, stale["job_id"], PATH)] == ["stale"]


def test_a_dry_run_writes_nothing(world: World) -> None:
    job = imported(world, [flat("c-1", world.branch_a)], dry_run=True)
    assert (job["state"], job["outcomes"]) == ("done", {"created": 1})
    assert world.call("GET", "customers").json()["items"] == []


def test_the_command_takes_sql_with_a_mapping(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.made(
        "staff", {"staff_id": "gu", "display_name": "顾", "role": "gallery_admin", "password": "a long password"}
    )
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", "a long password")
    with sqlite3.connect(world.folder / "core.db") as core:
        core.execute(
            "CREATE TABLE t (no TEXT, name TEXT, born TEXT, level TEXT, branch TEXT, balance REAL, phone TEXT)"
        )
        core.execute("INSERT INTO t VALUES ('k-1', '赵一', '1980-01-01', 'V3', ?, 1234.5, '139')", [world.branch_a])
    mapping = world.folder / "mapping.toml"
    mapping.write_text(
        'money = "yuan"\nignore = ["phone"]\n[columns]\nno = "customer_id"\nname = "full_name"\nborn = "birth_date"\n'
        'level = "tier"\nbranch = "home_branch_id"\nbalance = "demand_deposit_fen"\n'
        '[values.tier]\nV3 = "vip_diamond"\n[constants]\nas_of = "2026-11-20"\n',
        "utf-8",
    )
    source = ["--sql", f"sqlite:///{world.folder / 'core.db'}", "--query", "SELECT * FROM t", "--mapping", str(mapping)]
    result = CliRunner().invoke(app, ["import", *source, "--staff-id", "gu", "--url", world.url])
    assert (result.exit_code, "done: 1 created" in result.output) == (0, True), (result.output, result.exception)
    record = world.call("GET", "customers/k-1").json()["record"]
    assert (record["tier"], record["profile"]["demand_deposit_fen"]) == ("vip_diamond", 123_450)
    wrong = CliRunner().invoke(app, ["import", *source[:4], "--staff-id", "gu", "--url", world.url])
    assert "unknown: no, name" in str(wrong.exception)


def test_a_record_survives_as_a_row() -> None:
    row = {
        **flat("c", "b"), "holdings": "sms|e_bank", "risk_level": "risk_c3", "risk_valid_until": "2027-01-01",
        "opted_out_of_automated_decisions": "是",
    }  # fmt: skip
    customer, faults = customer_of(row)
    assert customer is not None
    assert faults == []
    assert customer_of(row_of(customer)) == (customer, [])
    assert row_of(customer).keys() == set(COLUMNS)
    assert set(Profile.model_fields) - {"holdings", "risk_assessment"} <= set(COLUMNS)


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("11010519491231002X", []),
        ("110105194912310021", ["id_checksum"]),
        ("1101051949123100", ["wrong_type"]),
        ("", []),
    ],
)
def test_a_resident_id_number_is_checked_and_forgotten(number: str, codes: list[str]) -> None:
    row = {"id_number": number, "birth_date": "1949-12-31", "gender": "female"}
    assert [fault.code for fault in contradictions(row)] == codes
    assert "id_number" not in COLUMNS


@pytest.mark.parametrize(
    "text",
    ["[columns]\nA = 'no_such_column'", "colour = 1", "max_refused_share = 2", "x =", "[columns]\nA='tier'\nB='tier'"],
)
def test_a_mapping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="mapping file"):
        ColumnMapping.read(text.encode())
    assert ColumnMapping(money="yuan").row({"fund_fen": "1,234.56"}) == {"fund_fen": "123456"}
    assert ColumnMapping(money="yuan").row({"fund_fen": "1.234"}) == {"fund_fen": "1.234"}


def test_an_import_that_was_cancelled_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [flat(f"c-{n}", world.branch_a) for n in range(350)]
    reached, go_on, upsert = threading.Event(), threading.Event(), Upserter.upsert

    def held_up(self: Upserter, some: Sequence[Numbered], *arguments: Any, dry_run: bool) -> list[Upserted]:
        if not dry_run and some[0].number > 100:
            reached.set()
            go_on.wait(30)
        return upsert(self, some, *arguments, dry_run=dry_run)

    monkeypatch.setattr(Upserter, "upsert", held_up)
    job_id = send(world, rows).json()["job_id"]
    assert reached.wait(30)
    running = world.call("GET", f"{PATH}/{job_id}").json()
    assert (running["state"], running["done"]) == ("running", 100)
    assert send(world, rows).json()["type"] == "urn:yingbin:job_running"
    assert world.call("POST", f"{PATH}/{job_id}/cancel").status_code == 204
    go_on.set()
    stopped = finished(world, job_id, PATH)
    assert (stopped["state"], stopped["done"]) == ("cancelled", 200)
    assert send(world, rows).json()["type"] == "urn:yingbin:job_unfinished"
    resumed = imported(world, rows, resume=True)
    assert (resumed["job_id"], resumed["state"], resumed["done"]) == (job_id, "done", 350)
    assert resumed["outcomes"] == {"created": 150}
    assert imported(world, rows)["outcomes"] == {"unchanged": 350}
