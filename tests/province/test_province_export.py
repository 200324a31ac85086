"""The export of everything held on a person (PIPL art. 45): what it tells, to whom, what it leaves out (C5, C13)."""

from typing import Any

from province_harness import YEAR_MS, World

from yingbin.ids import now_ms
from yingbin.storage.province import Base, BranchRow, StaffRow
from yingbin.trust.staff import Role

TOLD = {
    "batch_rows", "campaign_members", "candidates", "consents", "customers", "distinctions", "insight_facts",
    "outcomes", "portraits", "sales", "template_links", "watch_entries",
}  # fmt: skip
"""Tables that name customers; what they hold is in the export, or `lifecycle.traces` says why not."""
FACE = b"one face"


def export(world: World, role: Role = Role.GALLERY_ADMIN, customer_id: str = "li") -> dict[str, Any]:
    reply = world.call("GET", f"customers/{customer_id}/export", role)
    assert reply.status_code == 200, reply.text
    held: dict[str, Any] = reply.json()["traces"]
    return held


def printed(world: World, role: Role = Role.GALLERY_ADMIN, language: str = "zh") -> str:
    return world.call("GET", f"customers/li/export/text?language={language}", role).text


def watched(world: World, watch_list: str, **about: Any) -> None:
    """Have somebody proposed for a watch list."""
    role = Role.SECURITY_OFFICER if watch_list == "police" else Role.GALLERY_ADMIN
    order = {"document_number": f"{watch_list} 17", "issuer": "分行法务部", "valid_until_ms": now_ms() + YEAR_MS // 4}
    files = {"photo": ("p.jpg", b"li")}
    reply = world.call("POST", f"watch/{watch_list}/entries", role, files=files, data={**order, **about})
    assert reply.status_code == 201, reply.text


def test_C5_the_export_tells_of_visits_of_lists_and_of_who_is_told_apart(world: World) -> None:
    for who in ("li", "lei"):
        world.customer(who, world.branch_a)
    assert world.photo("li", FACE).status_code == 201
    body = {"other_id": "li", "reason": "twin of 欧阳李, identity cards seen"}
    assert world.call("POST", "customers/lei/distinctions", json=body).status_code == 204
    with world.province.stores.identity.write() as session:
        session.get_one(BranchRow, world.branch_b).name_zh = "湖畔支行"
        row = StaffRow(staff_id="am-1", display_name="am", role=Role.ACCOUNT_MANAGER, secret_hash="x", on_duty=False)
        row.branch_id = world.branch_a
        session.add(row)
    assert world.found(FACE.decode()) == "li"
    world.b.ask("GET", "customers/li/portrait")
    world.withdraw("li", "marketing")
    watched(world, "police", subject="欧阳测试")
    watched(world, "overdue", customer_id="li", told_staff_id="am-1")

    told = export(world)
    assert [(one["place"], one["what"]) for one in told["visits"]] == [
        ("湖畔支行", "recognised"), ("b", "portrait_shown"),
    ]  # fmt: skip
    assert len(told["told_apart_at_ms"]) == len(export(world, customer_id="lei")["told_apart_at_ms"]) == 1
    assert [one["purposes"] for one in told["receipts"]] == [["marketing"]]
    (overdue,) = told["overdue"]
    assert (overdue["document_number"], overdue["state"], overdue["face_kept"]) == ("overdue 17", "proposed", True)
    text = printed(world)
    for word in ("湖畔支行: 被识别", "画像被查看", "逾期名单", "overdue 17", "留存人脸特征模板", "以往撤回的回执"):
        assert word in text
    assert "told apart" in printed(world, language="en").lower()
    # Neither of the look-alike nor of the police list is there a word, whoever asks.
    for role in (Role.GALLERY_ADMIN, Role.ENROLLER):
        answer = world.call("GET", "customers/li/export", role).text + printed(world, role)
        assert not any(secret in answer for secret in ("lei", "twin", "identity cards", "police 17", "police"))


def test_C13_only_who_manages_the_overdue_list_hands_out_what_it_says(world: World) -> None:
    """The others' export reads the same for who is on it and for who is not."""
    for who in ("li", "lei"):
        world.customer(who, world.branch_a)
    with world.province.stores.identity.write() as session:
        row = StaffRow(staff_id="am-1", display_name="am", role=Role.ACCOUNT_MANAGER, secret_hash="x", on_duty=False)
        row.branch_id = world.branch_a
        session.add(row)
    watched(world, "overdue", customer_id="li", told_staff_id="am-1")
    for who in ("li", "lei"):
        assert export(world, Role.ENROLLER, who)["overdue"] is None
    assert export(world, customer_id="lei")["overdue"] == []
    assert "请由名单管理员出具" in printed(world, Role.ENROLLER)
    assert "overdue 17" not in printed(world, Role.ENROLLER)


def test_C5_every_table_that_names_customers_is_told_of() -> None:
    naming = {table.name for table in Base.metadata.sorted_tables if "customer_id" in table.columns}
    assert naming == TOLD, "a new table about customers: put it into the export and into the erasure, then here"
