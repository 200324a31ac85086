"""Sales of the core system, put down to visits; and whom offers pass by."""

from pathlib import Path

import duckdb
import pytest
from measuring_log import DAY_MS, HELD_OUT, outcome, people, send, visit
from province_harness import World

from province_server.measuring.sales_cli import BadSales, read_sales
from yingbin.ids import now_ms
from yingbin.offers.profile import china_day
from yingbin.storage.learning import SaleRow
from yingbin.trust.staff import Role


def sale(sale_id: str, who: str, product: str, at_ms: int, **more: object) -> dict[str, object]:
    return {"sale_id": sale_id, "customer_id": who, "product": product, "amount_fen": 100, "at_ms": at_ms, **more}


def put(world: World, *sales: dict[str, object]) -> dict[str, int]:
    reply = world.call("POST", "sales", json={"sales": list(sales)})
    assert reply.status_code == 200, reply.text
    told: dict[str, int] = reply.json()
    return told


def kept(world: World) -> dict[str, tuple[str, bool, int]]:
    with world.province.stores.identity.read() as session:
        return {row.sale_id: (row.card_id, row.was_shown, row.margin_fen) for row in session.query(SaleRow)}


def test_a_sale_is_put_down_to_the_visit_that_showed_it_within_the_window(world: World) -> None:
    (who,), at_ms = people(world, 1), now_ms() - 60 * DAY_MS
    send(world, visit(world, who, at_ms, ["time_deposit"]))
    send(world, visit(world, who, at_ms + DAY_MS, ["sms"]))
    told = put(
        world,
        sale("shown", who, "time_deposit", at_ms + 2 * DAY_MS, margin_fen=7),
        sale("not-shown", who, "fund_mixed", at_ms + 2 * DAY_MS),
        sale("before", who, "sms", at_ms - 1),
        sale("too-late", who, "sms", at_ms + 40 * DAY_MS),
        sale("stranger", "nobody", "sms", at_ms),
    )
    assert told == {"stored": 4, "known": 0, "no_customer": 1, "matched": 2, "shown": 1}
    found = kept(world)
    assert found["shown"] == (f"{who}/{at_ms}", True, 7)
    assert found["not-shown"][:2] == (f"{who}/{at_ms + DAY_MS}", False)  # the newest visit
    assert found["before"][0] == found["too-late"][0] == ""
    assert put(world, sale("shown", who, "time_deposit", at_ms))["known"] == 1
    # a city that was cut off tells later of a visit, and then that it was somebody else's
    send(world, visit(world, who, at_ms - DAY_MS, ["sms"]))
    assert kept(world)["before"][:2] == (f"{who}/{at_ms - DAY_MS}", True)
    send(world, [outcome(world, who, f"{who}/{at_ms - DAY_MS}", "wrong_person", at_ms)])
    assert kept(world)["before"][:2] == ("", False)
    refused = world.call("POST", "sales", json={"sales": [sale("x", who, "sms", at_ms, amount_fen=-1)]})
    assert refused.status_code == 422


def test_C5_C18_sales_are_exported_erased_and_kept_for_a_time(world: World) -> None:
    world.enrolled("li", world.branch_a)
    at_ms = now_ms()
    send(world, visit(world, "li", at_ms, ["sms"], HELD_OUT))
    send(world, [outcome(world, "li", "c", "not_interested", at_ms, "sms", reason="price")])
    put(world, sale("s", "li", "sms", at_ms + 1))
    held = world.call("GET", "customers/li/export", Role.ENROLLER).json()
    assert held["sales"] == [{"at_ms": at_ms + 1, "product": "sms", "amount_fen": 100, "after_a_visit": True}]
    assert {(one["reason"], one["policy"], one["holdout"]) for one in held["outcomes"]} == {
        ("", "general", True), ("price", "arbitrate", False),
    }  # fmt: skip
    assert world.province.retention.due(at_ms + 731 * DAY_MS).gone["sales"] == 1
    assert world.province.retention.due(at_ms + 9_999 * DAY_MS).gone["policies"] == 0  # what is in force stays
    assert world.call("DELETE", "customers/li").status_code == 204
    assert kept(world) == {}


def test_the_command_reads_purchases_as_csv_or_parquet_and_names_what_is_wrong(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "p.csv", tmp_path / "p.parquet"
    csv.write_text("customer_id,at_ms,product_code,category,amount_fen,margin_fen\nc-1,17,sms,x,5,\nc-2,18,sms,x,6,9\n")
    duckdb.read_csv(str(csv)).write_parquet(str(parquet))
    of_csv, of_parquet = (list(read_sales(path)[1]) for path in (csv, parquet))
    assert of_csv == of_parquet
    assert of_csv[1] == {**of_csv[1], "customer_id": "c-2", "product": "sms", "amount_fen": 6, "margin_fen": 9}
    assert "margin_fen" not in of_csv[0]
    assert of_csv[0]["sale_id"] != of_csv[1]["sale_id"]
    csv.write_text("customer_id,at_ms,product_code,amount_fen\nc-1,yesterday,sms,5\n")
    with pytest.raises(BadSales, match=r"row 1: at_ms and the amounts"):
        list(read_sales(csv)[1])
    csv.write_text("customer_id,at_ms\nc-1,17\n")
    with pytest.raises(BadSales, match="lacks: product_code, amount_fen"):
        read_sales(csv)
    parquet.write_bytes(b"no table")
    with pytest.raises(BadSales, match="no CSV or Parquet"):
        read_sales(parquet)


def test_C17_groups_of_the_record_are_compared_and_regulars_without_an_offer_are_found(world: World) -> None:
    crowd, regulars = people(world, 60), people(world, 12, "r")
    at_ms = now_ms() - 5 * DAY_MS
    log = []
    for number, who in enumerate(crowd):  # men are shown a deposit at every visit, women at every other
        for day in range(2):
            log += visit(world, who, at_ms + day, ["time_deposit"] if number % 2 or day else [])
    log += [one for who in regulars for day in range(3) for one in visit(world, who, at_ms + day)]
    log += [one for day in range(3) for one in visit(world, crowd[0], at_ms + 9 + day, basis=HELD_OUT)]
    send(world, log)
    span = {"first": "2026-01-01", "last": china_day(now_ms()).isoformat()}
    found = world.call("GET", "effect/groups", Role.ANALYST, params=span).json()["figures"]
    offered = {one["group"]: one for one in found if (one["attribute"], one["measure"]) == ("gender", "offered")}
    assert offered["female"]["verdict"] == "below"
    assert offered["female"]["ratio"]["high"] < 0.8
    assert offered["male"]["verdict"] == "met"
    assert {one["group"] for one in found if one["attribute"] == "age_band"} == {"45-59"}
    counted = world.call("GET", "effect/underserved", Role.AUDITOR, params=span).json()
    assert (counted["customers"], counted["elsewhere"]) == (12, 0)
    assert counted["branches"] == [{"branch_id": world.branch_a, "customers": 12}]
    listed = world.call("GET", "effect/underserved/customers", Role.PRODUCT_MANAGER, params=span).json()
    assert {one["customer_id"] for one in listed} == set(regulars)
    assert {one["visits"] for one in listed} == {3}
