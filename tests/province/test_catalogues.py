"""The catalogue as versions: one person writes, another releases, and every city has the cards of the one in force."""

from typing import Any

import httpx
import pytest
from province_harness import World
from sqlalchemy import select

from province_server.catalogues.in_force import InForce
from province_server.catalogues.releases import CatalogueReleases, SecondPersonNeeded
from province_server.catalogues.republish import Republishing
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.offers.catalogue import read_catalogue
from yingbin.storage.catalogues import CatalogueReleaseRow, CatalogueRow
from yingbin.storage.province import AUDIT, OutcomeRow
from yingbin.trust.staff import Role

PM, GA = Role.PRODUCT_MANAGER, Role.GALLERY_ADMIN
PACKAGED, _ = read_catalogue()
SMS = {"talking_point_zh": "账户变动随时知道,心里有数。"}


def pm(world: World, method: str, path: str, **options: Any) -> httpx.Response:
    return world.call(method, path, PM, **options)


def ok(reply: httpx.Response) -> Any:
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


def refused(reply: httpx.Response, status: int, code: str) -> str:
    assert (reply.status_code, reply.json()["type"]) == (status, f"urn:yingbin:{code}"), reply.text
    return str(reply.json()["detail"])


def draft(world: World, **body: Any) -> Any:
    return ok(pm(world, "POST", "catalogues", json=body))


def entry_of(version: Any, code: str, **changes: Any) -> dict[str, Any]:
    return {**next(one for one in version["content"]["product"] if one["code"] == code), **changes}


def put_product(world: World, version: Any, code: str, **changes: Any) -> httpx.Response:
    body = {"revision": version["revision"], "entry": entry_of(version, code, **changes)}
    return pm(world, "PUT", f"catalogues/{version['catalogue_id']}/entries/product/{code}", json=body)


def released(world: World, version: Any, role: Role = GA, **body: Any) -> httpx.Response:
    content = {"reason": "夏季方案", **body}
    return world.call("POST", f"catalogues/{version['catalogue_id']}/releases", role, json=content)


def check(world: World, version: Any) -> Any:
    return ok(pm(world, "POST", f"catalogues/{version['catalogue_id']}/check"))


def releases(world: World) -> list[Any]:
    items: list[Any] = ok(pm(world, "GET", "catalogue-releases"))["items"]
    return items


def settle(world: World) -> None:
    """Do what the chore does, without waiting for it."""
    identity = world.province.stores.identity
    made = CatalogueReleases(identity, InForce())
    Republishing(identity, made, world.province.notifier).job()


def points(world: World, product: str = "sms") -> set[str]:
    views = world.a.kinds(FeedKind.CARD_VIEW)
    return {one.talking_point_zh for view in views for one in view.candidates if one.product == product}


def test_a_change_goes_from_draft_to_every_card_and_back(world: World) -> None:
    world.enrolled("li", world.branch_a)
    (first,) = ok(pm(world, "GET", "catalogues"))["items"]
    assert (first["number"], first["state"], first["authors"]) == (1, "released", ["system"])
    made = draft(world)
    assert (made["number"], made["state"], made["based_on"], made["text"]) == (2, "draft", 1, PACKAGED)
    refused(released(world, made), 409, "conflict")
    made = ok(put_product(world, made, "sms", **SMS))
    assert made["revision"] == 2
    assert check(world, made) == {"faults": [], "notices": [
        {"kind": "same_version", "product": "", "before": "", "after": "2026.1"}
    ]}  # fmt: skip
    diff = ok(pm(world, "GET", f"catalogues/{made['catalogue_id']}/diff"))
    assert [(one["name"], one["field"], one["after"]) for one in diff["changes"]] == [
        ("sms", "talking_point_zh", SMS["talking_point_zh"])
    ]
    refused(released(world, made, PM), 403, "second_person_needed")
    before = points(world)
    head = world.a.page(0).head
    release = ok(released(world, made))
    assert (release["state"], release["total"], release["catalogue_number"]) == ("in_force", 1, 2)
    settle(world)
    changed = world.a.page(head)
    assert [(entry.kind, entry.key) for entry in changed.entries] == [(FeedKind.CARD_VIEW, "li")]
    assert points(world) == {SMS["talking_point_zh"]} != before
    assert [(one["state"], one["done"]) for one in releases(world)] == [("ended", 0), ("in_force", 1)]
    refused(released(world, made), 409, "conflict")
    refused(put_product(world, made, "sms", margin_fen=1), 409, "conflict")
    ok(released(world, first, PM, reason="先恢复"))
    settle(world)
    assert points(world) == before
    history = [(one["catalogue_number"], one["state"], one["reason"]) for one in releases(world)]
    assert history == [
        (1, "ended", "no catalogue was in force"), (2, "ended", "夏季方案"), (1, "in_force", "先恢复")
    ]  # fmt: skip
    with world.province.stores.identity.read() as session:
        actions = set(session.scalars(select(AUDIT.records.c.action)))
    assert {"add_catalogue_draft", "put_catalogue_entry", "check_catalogue", "release_catalogue"} <= actions
    assert {"catalogue_in_force", "catalogue_republished"} <= actions


def test_nobodys_change_is_lost(world: World) -> None:
    made = draft(world)
    mine = ok(put_product(world, made, "sms", margin_fen=7))
    said = refused(put_product(world, made, "e_bank", margin_fen=8), 409, "edited_meanwhile")
    assert "revision 2, yours is 1" in said
    path = f"catalogues/{made['catalogue_id']}/text"
    text = {"revision": 2, "text": mine["text"] + "\n# 备注\n"}
    assert ok(pm(world, "PUT", path, json=text)) == ok(pm(world, "PUT", path, json=text))
    refused(pm(world, "PUT", path, json={**text, "text": "x = 1"}), 409, "edited_meanwhile")
    now = ok(pm(world, "GET", f"catalogues/{made['catalogue_id']}"))
    assert (now["revision"], entry_of(now, "sms")["margin_fen"]) == (3, 7)
    gone = pm(world, "DELETE", f"catalogues/{made['catalogue_id']}/entries/rule/no_sms", params={"revision": 2})
    refused(gone, 409, "edited_meanwhile")
    ok(pm(world, "DELETE", f"catalogues/{made['catalogue_id']}/entries/rule/no_sms", params={"revision": 3}))
    assert pm(world, "DELETE", f"catalogues/{made['catalogue_id']}").status_code == 204
    refused(pm(world, "PUT", path, json={"revision": 4, "text": "x = 1"}), 409, "conflict")


def test_C11_C15_a_wrong_catalogue_says_where_and_is_not_released(world: World) -> None:
    made = draft(world)
    path = f"catalogues/{made['catalogue_id']}"
    tried = {"entry": entry_of(made, "sms", talking_point_zh="教师专享")}
    (fault,) = ok(pm(world, "POST", f"{path}/entries/product/sms/try", json=tried))
    assert (fault["kind"], fault["field"], fault["name"]) == ("wording", "talking_point_zh", "sms")
    said = refused(put_product(world, made, "sms", talking_point_zh="教师专享"), 422, "invalid_input")
    assert "talking_point_zh: " in said
    (fault,) = ok(pm(world, "POST", f"{path}/entries/product/sms/try", json={
        "entry": entry_of(made, "sms", eligible="risk_valid and demand_sare > 0.5")
    }))  # fmt: skip
    assert (fault["kind"], fault["position"]) == ("expression", 15)
    refused(put_product(world, made, "wealth_r2", risk_level=None), 422, "invalid_input")
    twice = {"revision": 1, "entry": entry_of(made, "sms", margin_fen=1)}
    assert "duplicate code" in refused(pm(world, "PUT", f"{path}/entries/product/+", json=twice), 422, "invalid_input")
    wrong = {
        "version = ": "syntax",
        PACKAGED.replace("risk_level = 2", "risk_level = 0", 1): "suitability",
        PACKAGED.replace('when = "not holds_sms', 'when = "not holds_smss'): "expression",
        PACKAGED.replace("margin_fen = 30000", 'margin_fen = "viel"', 1): "type",
        PACKAGED.replace("margin_fen = 30000", "margin_fen = true", 1): "type",
        PACKAGED.replace("到期可自动转存", "上午10:30到期可自动转存"): "wording",
        "[" * 20_000: "syntax",
    }
    for number, (text, kind) in enumerate(wrong.items(), start=1):
        kept = ok(pm(world, "PUT", f"{path}/text", json={"revision": number, "text": text}))
        faults = check(world, made)["faults"]
        assert {one["kind"] for one in faults} == {kind}, kind
        assert kept["faults"] == faults
        assert all(one["line"] >= 1 for one in faults)
        refused(released(world, made), 409, "conflict")
    assert faults[0]["line"] == 1
    refused(pm(world, "GET", f"{path}/diff"), 422, "invalid_input")
    refused(pm(world, "POST", f"{path}/entries/product/sms/try", json=tried), 422, "invalid_input")
    refused(pm(world, "PUT", f"{path}/text", json={"revision": 9, "text": "a\x00"}), 422, "invalid_input")


def test_a_release_for_later_waits_and_a_later_decision_counts(world: World) -> None:
    first, second = draft(world), draft(world)
    for number, version in enumerate((first, second), start=1):
        ok(put_product(world, version, "sms", margin_fen=number))
        assert check(world, version)["faults"] == []
    refused(released(world, first, from_ms=now_ms() + 400 * 86_400_000), 422, "invalid_input")
    later = now_ms() + 3_600_000
    waiting = ok(released(world, first, from_ms=later))
    assert (waiting["state"], waiting["from_ms"]) == ("scheduled", later)
    settle(world)
    assert [one["state"] for one in releases(world)] == ["in_force", "scheduled"]
    with world.province.stores.identity.write() as session:  # its moment comes
        session.get_one(CatalogueReleaseRow, waiting["release_id"]).from_ms = 1
    settle(world)
    assert [one["state"] for one in releases(world)] == ["ended", "in_force"]
    ok(released(world, second, from_ms=later))
    over = ok(released(world, first))  # in force already, but what waits would have taken its place
    assert [one["state"] for one in releases(world)] == ["ended", "ended", "cancelled", "in_force"]
    again = ok(released(world, second, from_ms=later))
    assert world.call("DELETE", f"catalogue-releases/{again['release_id']}", GA).status_code == 204
    refused(world.call("DELETE", f"catalogue-releases/{over['release_id']}", GA), 409, "conflict")
    assert releases(world)[-1]["state"] == "cancelled"


def test_a_version_is_tried_on_enrolled_customers_without_a_trace_of_them(world: World) -> None:
    made = draft(world)
    trial = f"catalogues/{made['catalogue_id']}/trial"
    assert "nobody is enrolled" in refused(pm(world, "GET", trial), 422, "invalid_input")
    assert "no visit" in refused(pm(world, "GET", f"{trial}?of=visits"), 422, "invalid_input")
    for who in ("li", "wang", "zhao"):
        world.enrolled(who, world.branch_a)
    same = ok(pm(world, "GET", trial))
    assert (same["customers"], same["changed"], same["unsuitable"]) == (3, 0, 0)
    offered = [one for one in same["products"] if one["before"] == 3]
    code = offered[0]["product"]
    ok(put_product(world, made, code, valid_until="2026-01-02"))
    found = ok(pm(world, "GET", trial))
    (shift,) = [one for one in found["products"] if one["product"] == code]
    assert (found["changed"], shift["before"], shift["after"], shift["lost"]) == (3, 3, 0, 3)
    with world.province.stores.identity.write() as session:  # two visits, one of somebody who withdraws
        for number, who in enumerate(("li", "zhao")):
            session.add(OutcomeRow(
                outcome_id=str(number), card_id=f"card-{number}", customer_id=who, branch_id=world.branch_a,
                staff_id="rm", kind="greeted", product="", at_ms=now_ms() - 60_000, policy="rules",
            ))  # fmt: skip
    world.withdraw("zhao", "vip_service")
    visits = ok(pm(world, "GET", f"{trial}?of=visits"))
    assert (visits["tried_on"], visits["customers"], visits["changed"], visits["unsuitable"]) == ("visits", 1, 1, 0)


def test_a_new_file_waits_for_release_and_a_refused_one_is_replaced(world: World) -> None:
    identity = world.province.stores.identity
    made = CatalogueReleases(identity, InForce())
    newer = PACKAGED.replace("margin_fen = 30000", "margin_fen = 31000", 1)
    for _ in range(2):
        made.begin(newer, "catalogue.toml")
        assert [(one["number"], one["state"]) for one in ok(pm(world, "GET", "catalogues"))["items"]] == [
            (1, "released"), (2, "checked")
        ]  # fmt: skip
    with identity.write() as session:  # as if this version of the software knew a mistake that the last did not
        row = session.scalars(select(CatalogueRow).where(CatalogueRow.number == 1)).one()
        row.text = row.text.replace("margin_fen = 30000", "margin_fen = -1", 1)
    made = CatalogueReleases(identity, InForce())
    made.begin(newer, "catalogue.toml")
    assert [(one["catalogue_number"], one["state"]) for one in releases(world)] == [(1, "ended"), (2, "in_force")]
    with identity.read() as session:
        author = session.scalars(select(CatalogueRow.authors).where(CatalogueRow.number == 2)).one()
    assert author == ["system"]
    with pytest.raises(SecondPersonNeeded):
        made.release(ok(pm(world, "GET", "catalogues"))["items"][1]["catalogue_id"], "system", "x", None)
