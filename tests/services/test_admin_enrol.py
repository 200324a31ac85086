"""Enrolment in a real browser against a real province: photo or camera, duplicates, withdrawal, lists."""

import zipfile
from pathlib import Path

import pytest
from admin_house import AdminHouse, show
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.services
pytest_plugins = ("admin_fixtures",)


def states(page: Page) -> dict[str, str]:
    """Return pass or fail of every criterion shown."""
    lines = page.locator("[data-criterion]").all()
    return {str(line.get_attribute("data-criterion")): str(line.get_attribute("data-state")) for line in lines}


def drawn_pixels(page: Page) -> int:
    """Count what is drawn over the picture."""
    return int(
        page.evaluate(
            """() => { const canvas = document.querySelector('.stage-marks');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let drawn = 0; for (let at = 3; at < data.length; at += 4) drawn += data[at] > 0; return drawn; }"""
        )
    )


def give_consents(page: Page) -> None:
    for purpose in ("vip_service", "central_storage"):
        page.locator(f"input[value={purpose}]").check()
    page.get_by_test_id("field-notice_version").fill("2026-1")
    page.get_by_test_id("field-evidence").fill("签字单 0500")
    page.get_by_test_id("step-2").get_by_test_id("submit").click()


def test_C1_enrol_from_upload_consent_first(house: AdminHouse, page: Page, faces: dict[str, Path]) -> None:
    show(page, house, "enrol")
    page.get_by_test_id("new-customer").click()
    for name, value in (("customer_id", "C-2001"), ("full_name", "司马光"), ("birth_date", "1975-06-01")):
        page.get_by_test_id(f"field-{name}").fill(value)
    page.get_by_test_id("field-tier").select_option("vip_platinum")
    page.get_by_test_id("field-home_branch_id").select_option(house.branches[1])
    page.get_by_test_id("dialog").get_by_test_id("submit").click()
    expect(page.get_by_test_id("step-2")).to_have_attribute("aria-current", "step")
    expect(page.get_by_test_id("file")).to_have_count(0)
    give_consents(page)
    page.get_by_test_id("file").set_input_files(faces["blurred"])
    expect(page.locator("[data-criterion=sharpness][data-state=bad]")).to_contain_text("画面模糊")
    expect(page.get_by_test_id("enrol-photo")).to_be_disabled()
    page.get_by_test_id("again").click()
    page.get_by_test_id("file").set_input_files(faces["group"])
    expect(page.locator("[data-criterion=one_face][data-state=bad]")).to_contain_text("多人")
    page.get_by_test_id("again").click()
    page.get_by_test_id("file").set_input_files(faces["man"])
    expect(page.locator("[data-criterion=size]")).to_have_attribute("data-state", "good")
    assert set(states(page).values()) == {"good"}
    assert drawn_pixels(page) > 200
    page.get_by_test_id("enrol-photo").click()
    expect(page.get_by_test_id("enrolled")).to_contain_text("司马光")
    assert house.call("GET", "customers/C-2001")["templates"] == 1
    house.call("DELETE", "customers/C-2001")


def test_enrol_from_the_camera_with_live_feedback(house: AdminHouse, page: Page) -> None:
    house.customer("C-2002", "端木赐")
    show(page, house, "enrol/C-2002")
    give_consents(page)
    page.get_by_test_id("camera").click()
    expect(page.get_by_test_id("shoot")).to_be_enabled()
    assert states(page)["one_face"] == "good"
    page.get_by_test_id("shoot").click()
    expect(page.locator("video")).to_be_hidden()
    page.get_by_test_id("enrol-photo").click()
    expect(page.get_by_test_id("enrolled")).to_be_visible()
    house.call("DELETE", "customers/C-2002")


def begin_duplicate(house: AdminHouse, page: Page, faces: dict[str, Path], customer_id: str) -> None:
    house.customer(customer_id, "欧阳慧")
    show(page, house, f"enrol/{customer_id}")
    give_consents(page)
    page.get_by_test_id("file").set_input_files(faces["woman_again"])
    expect(page.get_by_test_id("enrol-photo")).to_be_enabled()
    page.get_by_test_id("enrol-photo").click()
    expect(page.get_by_test_id("duplicate-mine")).to_contain_text(customer_id)
    expect(page.get_by_test_id("duplicate-other")).to_contain_text("C-1001")


def test_C8_a_duplicate_is_shown_side_by_side_and_two_people_need_a_reason(
    house: AdminHouse, page: Page, faces: dict[str, Path]
) -> None:
    begin_duplicate(house, page, faces, "C-2003")
    assert "%" not in page.get_by_test_id("duplicate").inner_text()
    page.get_by_test_id("different").click()
    page.get_by_test_id("field-reason").fill("双胞胎，已核对两人身份证")
    page.get_by_test_id("dialog").get_by_test_id("submit").click()
    expect(page.get_by_test_id("enrolled")).to_contain_text("欧阳慧")
    assert house.call("GET", "customers/C-2003")["templates"] == 1
    house.call("DELETE", "customers/C-2003")


def test_a_duplicate_that_is_the_same_person_keeps_one_record(
    house: AdminHouse, page: Page, faces: dict[str, Path]
) -> None:
    begin_duplicate(house, page, faces, "C-2004")
    page.get_by_test_id("same").click()
    expect(page.get_by_test_id("confirm")).to_be_disabled()
    page.get_by_test_id("typed").fill("C-2004")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("enrolled")).to_contain_text("C-1001")
    assert house.call("GET", "customers/C-1001")["templates"] == 2
    show(page, house, "customers/C-2004")
    expect(page.get_by_test_id("empty")).to_contain_text("没有编号为 C-2004")


def test_C5_withdrawal_and_erasure_with_a_receipt(house: AdminHouse, page: Page, faces: dict[str, Path]) -> None:
    house.customer("C-2005", "陈明", photo=faces["man"])
    show(page, house, "customers")
    page.get_by_test_id("search").fill("C-2005")
    page.get_by_test_id("search").press("Enter")
    expect(page.get_by_test_id("templates")).to_contain_text("已有 1 个模板")
    page.get_by_test_id("withdraw-central_storage").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("templates")).to_contain_text("没有模板")
    expect(page.get_by_test_id("receipt")).to_be_visible()
    expect(page.get_by_test_id("grant-central_storage")).to_be_visible()
    page.get_by_test_id("grant-central_storage").click()
    page.get_by_test_id("field-notice_version").fill("2026-2")
    page.get_by_test_id("field-evidence").fill("签字单 0501")
    page.get_by_test_id("dialog").get_by_test_id("submit").click()
    expect(page.get_by_role("row").filter(has_text="省行集中存储")).to_contain_text("2026-2")
    page.get_by_test_id("erase").click()
    page.get_by_test_id("typed").fill("C-2005")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("回执")
    expect(page.locator("main")).to_contain_text("客户资料")


def test_bulk_enrolment_is_tried_first(house: AdminHouse, page: Page, faces: dict[str, Path], tmp_path: Path) -> None:
    house.customer("C-2006", "陈亮")
    (tmp_path / "list.csv").write_text(
        "customer_id,gallery,photo,notice_version,evidence_vip_service,evidence_central_storage\n"
        "C-2006,vip,man.jpg,2026-1,签字单 1,签字单 1\nC-2007,vip,none.jpg,2026-1,签字单 2,签字单 2\n",
        "utf-8",
    )
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as photo_zip:
        photo_zip.write(faces["man"], "man.jpg")
    show(page, house, "bulk")
    page.get_by_test_id("field-list").set_input_files(tmp_path / "list.csv")
    page.get_by_test_id("field-photos").set_input_files(tmp_path / "photos.zip")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("job")).to_contain_text("已完成 · 试运行", timeout=20_000)
    expect(page.get_by_role("row").filter(has_text="C-2007")).to_contain_text("照片包中没有这张照片")
    assert house.call("GET", "customers/C-2006")["templates"] == 0
    house.call("DELETE", "customers/C-2006")
