"""What an analyst sees of customers, and above all what not."""

import base64
from typing import Any

from bulk_lists import csv_file, finished, flat
from province_harness import World

from province_server.analytics.view import BUCKETS, bucket
from yingbin.trust.staff import Role

CANARIES = ("客户金丝雀", "canary-id-77", "98765432", "9876543", "1980-02-29")


def fill(world: World, rows: list[dict[str, Any]]) -> None:
    reply = world.call("POST", "imports/customers", files={"table": csv_file(rows)})
    assert finished(world, reply.json()["job_id"], "imports/customers")["state"] == "done", reply.text


def seen(world: World, limit: int = 200) -> list[dict[str, Any]]:
    items, after = [], ""
    while after is not None:
        page = world.call("GET", "analytics/customers", Role.ANALYST, params={"after": after, "limit": limit})
        assert page.status_code == 200, page.text
        assert not [canary for canary in CANARIES if canary in page.text]
        items += page.json()["items"]
        after = page.json()["next"]
    return items


def test_C8_analysts_see_no_person_no_amount_and_no_small_group(world: World) -> None:
    odd = flat("canary-id-77", world.branch_a, full_name="客户金丝雀", tier="vip_diamond")
    crowd = [flat(f"c-{n}", world.branch_a, full_name=f"客户金丝雀{n}") for n in range(12)]
    nine = [flat(f"d-{n}", world.branch_b) for n in range(9)]
    child = {**flat("child", world.branch_a, birth_date="2020-01-01"), "guardian_full_name": "客户金丝雀"}
    child |= {"guardian_relation": "mother", "guardian_evidence": "paper"}
    fill(world, [odd, *crowd, *nine, child])
    rows = seen(world, limit=5)
    assert len(rows) == len({row["pseudonym"] for row in rows}) == 12
    assert {(row["age_band"], row["tier"], row["city"]) for row in rows} == {("45-54", "vip_gold", "a")}
    assert {row["deposits"] for row in rows} == {"over 5M"}
    assert rows == seen(world)  # the same pseudonyms in every answer
    text = world.call("GET", "analytics/customers", Role.ANALYST, params={"limit": 3}).json()["next"]
    assert b"c-" not in base64.urlsafe_b64decode(text)
    assert world.call("GET", "analytics/customers", Role.ANALYST, params={"after": "c-1"}).status_code == 422
    for n in range(3):  # an erasure makes the group too small at once
        assert world.call("DELETE", f"customers/c-{n}").status_code in {200, 204}
    assert seen(world) == []


def test_C8_only_analysts_see_it(world: World) -> None:
    for role in set(Role) - {Role.ANALYST}:
        assert world.call("GET", "analytics/customers", role).status_code == 403


def test_buckets_are_apart_and_cover_everything() -> None:
    amounts = (0, 1, 100, 999_999, 1_000_000, 5_000_000, 20_000_000, 100_000_000, 500_000_000, 10**14)
    assert [bucket(amount) for amount in amounts] == [
        BUCKETS[at] for at in (0, 0, 1, 1, 2, 3, 4, 5, 6, 6)
    ]  # fmt: skip
