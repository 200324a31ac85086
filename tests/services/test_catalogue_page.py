"""The catalogue in the browser: one person changes a talking point, another releases it, and a city's card says it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from admin_house import PASSWORD, SIZES, AdminHouse, open_admin, settled, show
from playwright.sync_api import Browser, Page, expect
from test_admin_pages import WIDE, heavy

from yingbin import wire
from yingbin.feed_wire import CardView, FeedKind, FeedPage, feed_payload
from yingbin.trust.devices import DeviceKey
from yingbin.trust.staff import issue_city_token, now_s

pytestmark = pytest.mark.services
pytest_plugins = ("admin_fixtures",)

POINT = "账户每一笔变动,随时知道。"
PM = "product_manager-1"


class Ear:
    """A city that hears what the province tells it."""

    def __init__(self, house: AdminHouse) -> None:
        self._house, self._key = house, DeviceKey.generate()
        made = house.call("POST", "cities", json={"name": "绵阳", "public_key_base64": public(self._key)})
        self._city_id = made["city_id"]
        names = {"city_id": self._city_id, "name_zh": "涪城支行", "name_en": "Fucheng branch"}
        self.branch_id = house.call("POST", "branches", json=names)["branch_id"]

    def talking_point(self, customer_id: str, product: str) -> str:
        token = issue_city_token(self._key, self._city_id, "yingbin-province", now_s=now_s())
        headers = {"Authorization": f"Bearer {token}"}
        reply = httpx.get(f"{self._house.url}/v1/city/feed", params={"after": 0, "key_id": "x"}, headers=headers)
        assert reply.status_code == 200, reply.text
        told = (
            feed_payload(entry) for entry in wire.decode(reply.content, FeedPage).entries if said(entry, customer_id)
        )
        (view,) = (one for one in told if isinstance(one, CardView))
        return next(one.talking_point_zh for one in view.candidates if one.product == product)


def said(entry: Any, customer_id: str) -> bool:
    return (entry.kind, entry.key) == (FeedKind.CARD_VIEW, customer_id) and entry.payload is not None


def public(key: DeviceKey) -> str:
    import base64

    return base64.b64encode(key.public_bytes).decode()


@pytest.fixture
def author(house: AdminHouse, chromium: Browser) -> Iterator[Page]:
    """Open the pages as a product manager; no script fails meanwhile."""
    staff = {"staff_id": PM, "display_name": "钱产品", "role": "product_manager", "password": PASSWORD}
    house.call("POST", "staff", json=staff)
    page = open_admin(house, chromium, staff_id=PM)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.context.close()
    assert complaints == []


def fits(page: Page, name: str) -> dict[str, object]:
    """Return what is wrong with the page as it is shown: for axe, and at the widths of a desk and a tablet."""
    found: dict[str, object] = {f"{name} axe": heavy(page)}
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        found[f"{name} {size}"] = page.evaluate(WIDE)
    page.set_viewport_size({"width": 1280, "height": 800})
    return {where: wrong for where, wrong in found.items() if wrong}


def tab(page: Page, name: str) -> None:
    page.get_by_test_id(f"tab-{name}").click()
    settled(page)
    expect(page.get_by_test_id(f"tab-{name}")).to_have_attribute("aria-current", "page")


def test_a_talking_point_goes_from_a_draft_to_the_card(
    house: AdminHouse, chromium: Browser, author: Page, faces: dict[str, Path]
) -> None:
    ear = Ear(house)
    house.customer("C-2001", "林晓", photo=faces["man"], gender="male", home_branch_id=ear.branch_id)
    assert ear.talking_point("C-2001", "sms") != POINT
    wrong: dict[str, object] = {}
    show(author, house, "catalogue")
    wrong |= fits(author, "versions")
    author.get_by_test_id("begin").click()
    expect(author.get_by_test_id("tab-products")).to_be_visible()
    settled(author)
    author.get_by_test_id("filter-category").select_option("wealth")
    author.get_by_test_id("filter-risk").select_option("3")
    expect(author.locator("tbody tr")).to_have_count(1)
    author.get_by_test_id("filter-category").select_option("")
    author.get_by_test_id("filter-risk").select_option("")
    author.get_by_test_id("filter-text").fill("sms")
    wrong |= fits(author, "products")
    author.get_by_test_id("edit-sms").click()
    dialog = author.get_by_test_id("dialog")
    dialog.get_by_test_id("field-talking_point_zh").fill("教师专属提醒")
    expect(dialog.get_by_test_id("fault-talking_point_zh")).to_contain_text("不得在平板上显示")
    dialog.get_by_test_id("field-eligible").fill("risk_valid and demand_shar > 0.5")
    expect(dialog.get_by_test_id("fault-eligible").locator("mark")).to_have_text("d")
    expect(dialog.get_by_test_id("fault-eligible")).to_contain_text("did you mean 'demand_share'?")
    wrong |= {"form axe": found} if (found := heavy(author)) else {}
    dialog.get_by_test_id("submit").click()
    expect(dialog.get_by_test_id("field-talking_point_zh")).to_be_focused()
    dialog.get_by_test_id("field-eligible").fill("")
    dialog.get_by_test_id("field-talking_point_zh").fill(POINT)
    dialog.get_by_test_id("submit").click()
    expect(dialog).to_have_count(0)

    tab(author, "rules")
    wrong |= fits(author, "rules")
    tab(author, "text")
    wrong |= fits(author, "text")
    text = author.get_by_test_id("text")
    good = text.input_value()
    assert f'talking_point_zh = "{POINT}"' in good
    assert good.startswith("# Products and rules of the branch.")
    text.fill(good.replace("margin_fen = 30000", "margin_fen = true", 1))
    author.get_by_test_id("keep").click()
    expect(author.get_by_test_id("text-faults")).to_contain_text("类型不对")
    author.get_by_test_id("check").click()
    expect(author.get_by_test_id("faults")).to_contain_text("time_deposit · margin_fen")
    wrong |= fits(author, "faults")
    text.fill(good)
    author.get_by_test_id("keep").click()
    expect(author.get_by_test_id("text-faults")).to_have_count(0)
    author.get_by_test_id("check").click()
    expect(author.get_by_test_id("checked")).to_contain_text("名称 2026.1 与生效版本相同")
    expect(author.get_by_test_id("release")).to_have_count(0)

    tab(author, "diff")
    expect(author.get_by_test_id("diff-sms").locator("ins")).to_have_count(1)
    wrong |= fits(author, "diff")
    tab(author, "trial")
    author.get_by_test_id("run-trial").click()
    expect(author.get_by_test_id("trial")).to_contain_text("符合")
    wrong |= fits(author, "trial")
    assert wrong == {}

    second = open_admin(house, chromium)
    show(second, house, "catalogue")
    second.get_by_role("row").filter(has_text="待您发布").get_by_role("link").click()
    second.get_by_test_id("release").click()
    second.get_by_test_id("field-reason").fill("话术更新")
    second.get_by_test_id("dialog").get_by_test_id("submit").click()
    expect(second.get_by_test_id("republishing")).to_contain_text("版本 2 生效")
    assert ear.talking_point("C-2001", "sms") == POINT
    show(second, house, "catalogue")
    row = second.get_by_role("row").filter(has_text="版本 1").first
    row.get_by_role("link").click()
    second.get_by_test_id("again").click()
    expect(second.get_by_test_id("dialog")).to_contain_text("回退")
    second.context.close()
