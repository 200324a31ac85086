"""The admin pages in a real browser against a real province: sign-in, roles, lists, errors, accessibility."""

import json
import re
from pathlib import Path

import pytest
from admin_house import ADMIN, PASSWORD, SIZES, AdminHouse, open_admin, public_key, settled, show
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.services
pytest_plugins = ("admin_fixtures",)


def test_sign_in_says_what_is_wrong_and_ends_with_the_session(house: AdminHouse, chromium: Browser) -> None:
    page = chromium.new_context(locale="zh-CN").new_page()
    page.goto(f"{house.url}/admin/")
    page.get_by_test_id("staff-id").fill(ADMIN)
    page.get_by_test_id("password").fill("not the password")
    page.get_by_test_id("password").press("Enter")
    expect(page.get_by_test_id("problem")).to_contain_text("工号或密码不对")
    expect(page.get_by_test_id("problem")).to_contain_text("请求编号")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("password").press("Enter")
    expect(page.get_by_test_id("nav-customers")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage)") == []
    page.reload()
    expect(page.get_by_test_id("nav-customers")).to_be_visible()
    kept = json.loads(page.evaluate("sessionStorage.getItem('yingbin.admin.session')"))
    kept["token"] += "x"
    page.evaluate("kept => sessionStorage.setItem('yingbin.admin.session', JSON.stringify(kept))", kept)
    page.reload()
    expect(page.get_by_test_id("sign-in-note")).to_contain_text("登录已失效")
    page.context.close()


def test_C13_navigation_shows_what_the_role_may_do_and_nothing_else(house: AdminHouse, chromium: Browser) -> None:
    seen = {}
    for role in ("enroller", "auditor", "security_officer"):
        page = open_admin(house, chromium, staff_id=f"{role}-1")
        expect(page.locator("[data-testid^=nav-]").first).to_be_visible()
        links = page.locator("[data-testid^=nav-]").all()
        seen[role] = {str(link.get_attribute("data-testid")).removeprefix("nav-") for link in links}
        page.context.close()
    assert {"customers", "enrol"} <= seen["enroller"]
    assert seen["enroller"].isdisjoint({"police", "overdue", "audit", "staff"})
    assert "audit" in seen["auditor"]
    assert seen["auditor"].isdisjoint({"customers", "enrol"})
    assert {"police", "assessments"} <= seen["security_officer"]
    assert seen["security_officer"].isdisjoint({"customers", "enrol", "overdue"})


def test_a_box_hands_out_its_bundle_once(house: AdminHouse, page: Page, tmp_path: Path) -> None:
    show(page, house, "boxes")
    page.get_by_test_id("add").click()
    page.get_by_test_id("field-branch_id").select_option(house.branches[0])
    page.get_by_test_id("field-public_key_base64").fill(public_key())
    page.get_by_test_id("dialog").get_by_test_id("submit").click()
    with page.expect_download() as caught:
        page.get_by_test_id("download").click()
    caught.value.save_as(tmp_path / "bundle.json")
    bundle = json.loads((tmp_path / "bundle.json").read_text())
    assert bundle["branch_id"] == house.branches[0]
    assert bundle["transform_base64"]
    page.get_by_test_id("close").click()
    row = page.get_by_role("row").filter(has_text=bundle["box_id"][-12:])
    row.get_by_test_id("revoke").click()
    page.get_by_test_id("confirm").click()
    expect(row).to_contain_text("已吊销")


def test_C13_a_police_entry_takes_two_officers(house: AdminHouse, chromium: Browser, faces: dict[str, Path]) -> None:
    officer = {"staff_id": "officer-2", "display_name": "周安", "role": "security_officer", "password": PASSWORD}
    house.call("POST", "staff", json=officer)
    first = open_admin(house, chromium, staff_id="security_officer-1")
    show(first, house, "police")
    first.get_by_test_id("add").click()
    for name, value in (("document_number", "公协字〔2026〕17号"), ("issuer", "市公安局"), ("subject", "协查对象甲")):
        first.get_by_test_id(f"field-{name}").fill(value)
    first.get_by_test_id("field-until").fill("2027-05-31")
    first.get_by_test_id("field-photo").set_input_files(faces["man"])
    first.get_by_test_id("dialog").get_by_test_id("submit").click()
    row = first.get_by_role("row").filter(has_text="协查对象甲")
    expect(row).to_contain_text("待确认")
    expect(row.get_by_test_id("confirm-entry")).to_have_count(0)
    first.context.close()
    second = open_admin(house, chromium, staff_id="officer-2")
    show(second, house, "police")
    row = second.get_by_role("row").filter(has_text="协查对象甲")
    row.get_by_test_id("confirm-entry").click()
    expect(second.get_by_test_id("dialog")).to_contain_text("公协字〔2026〕17号")
    second.get_by_test_id("confirm").click()
    expect(row).to_contain_text("生效中")
    second.context.close()


def test_C12_the_auditor_finds_what_was_done_and_verifies_the_chain(house: AdminHouse, chromium: Browser) -> None:
    page = open_admin(house, chromium, staff_id="auditor-1")
    show(page, house, "audit")
    page.get_by_test_id("field-action").fill("add_branch")
    page.get_by_test_id("submit").click()
    expect(page.get_by_role("row").filter(has_text="add_branch")).to_have_count(2)
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("chain")).to_contain_text("全部校验通过")
    page.context.close()


def test_what_failed_is_said_with_its_request_and_can_be_tried_again(house: AdminHouse, page: Page) -> None:
    down = {"type": "urn:yingbin:unavailable", "title": "unavailable", "detail": "down", "request_id": "r-17"}
    page.route("**/v1/staff**", lambda route: route.fulfill(status=503, json=down))
    page.goto(f"{house.url}/admin/#/staff")
    expect(page.get_by_test_id("problem")).to_contain_text("请求编号 r-17")
    page.unroute("**/v1/staff**")
    page.get_by_role("button", name="重试").click()
    duty = page.get_by_role("row").filter(has_text="王经理").get_by_test_id("duty")
    expect(duty).to_be_visible()
    page.route("**/duty", lambda route: route.fulfill(status=503, json=down))
    duty.click()
    expect(page.get_by_test_id("complaint")).to_contain_text("请求编号 r-17")


def test_keyboard_alone(house: AdminHouse, page: Page) -> None:
    page.keyboard.press("Alt+2")
    expect(page.locator("[data-page=enrol]")).to_be_visible()
    page.keyboard.press("Alt+KeyS")
    expect(page.get_by_test_id("search")).to_be_focused()
    page.keyboard.press("Alt+KeyK")
    expect(page.get_by_test_id("dialog")).to_contain_text("Alt+1")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("dialog")).to_have_count(0)
    page.reload()
    settled(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def heavy(page: Page) -> list[str]:
    """Return what axe calls serious or critical here."""
    if page.evaluate("typeof axe") == "undefined":  # once a page: its parts come and go in one document
        page.evaluate(Axe().axe_script)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in {"serious", "critical"}]


WIDE = """() => [document.scrollingElement, ...document.querySelectorAll('.table-frame')]
    .some((part) => part.scrollWidth > part.clientWidth)"""
"""Whether the page, or a table in it, scrolls sideways."""
ONLY_THEIRS = ("police", "audit", "analytics", "effect")
"""Pages that the administrator does not have."""


@pytest.mark.parametrize("staff_id", [ADMIN, "security_officer-1", "auditor-1", "analyst-1"])
def test_every_page_is_accessible_and_fits_desk_and_tablet(house: AdminHouse, chromium: Browser, staff_id: str) -> None:
    page = open_admin(house, chromium, staff_id=staff_id)
    names = [str(link.get_attribute("href")).removeprefix("#/") for link in page.locator("[data-testid^=nav-]").all()]
    if staff_id == ADMIN:
        names += ["customers/C-1001", "enrol/C-1001", "galleries/vip"]
    else:
        names = [name for name in names if name in ONLY_THEIRS]
    found: dict[tuple[str, str], object] = {}
    for name in names:
        show(page, house, name)
        found[name, "axe"] = heavy(page)
        text = page.locator("main").inner_text()
        found[name, "words"] = re.findall(r"\b(?:null|undefined|NaN|false)\b|\[object", text)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            found[name, size] = page.evaluate(WIDE)
        page.set_viewport_size({"width": 1280, "height": 800})
    page.context.close()
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


def test_sign_in_and_dialogs_are_accessible(house: AdminHouse, chromium: Browser) -> None:
    page = chromium.new_context(locale="zh-CN", color_scheme="dark").new_page()
    page.goto(f"{house.url}/admin/")
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    assert heavy(page) == []
    page.context.close()
    page = open_admin(house, chromium)
    show(page, house, "cameras")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("dialog")).to_be_visible()
    assert heavy(page) == []
    page.context.close()
