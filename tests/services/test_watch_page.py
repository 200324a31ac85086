"""The page of watch-list alerts (C13) in a real browser against a real city: who is told, how, what stays."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import browser, no_complaints
from playwright.sync_api import Browser, Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "city"))
from city_house import PIN, PIN_HASH, House
from city_watch import WANTED, entry, furnish, seen

from yingbin.feed_wire import FeedKind, Staff

pytestmark = pytest.mark.services
expect.set_options(timeout=30_000)  # for a busy machine; usually each takes milliseconds

SECRETS = ("某甲", "公缉", "entry-1", "entry-2")
PEOPLE = {
    "guard-1": Staff("guard-1", "周安", "security", "branch-1", PIN_HASH, on_duty=True),
    "am-1": Staff("am-1", "李敏", "account_manager", "branch-1", PIN_HASH, on_duty=True),
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run a city that looks out for two people of the police's and one debtor, who is a VIP."""
    with pytest.MonkeyPatch.context() as patch:
        city = House(tmp_path_factory.mktemp("city"), patch, in_process=True)
        furnish(city)
        for staff_id, staff in PEOPLE.items():
            city.province.put(FeedKind.STAFF, staff_id, staff)
        city.province.put(FeedKind.WATCH_ENTRY, "entry-3", entry(city, "entry-3", "police", WANTED + 1))
        city.start()
        city.token("rm-1")  # the city has caught up
        yield city
        city.stop()
        city.province.stop()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open a browser that counts tones; whatever the page does, no script error and nothing the policy forbids."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN").new_page()
    opened.add_init_script(
        """window.tones = 0; const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); };"""
    )
    with no_complaints(opened):
        yield opened


def sign_in(page: Page, house: House, staff_id: str, pin: str = PIN) -> None:
    page.goto(f"http://{house.address}/watch/")
    page.get_by_test_id("staff-id").fill(staff_id)
    page.get_by_test_id("pin").fill(pin)
    page.get_by_test_id("pin").press("Enter")


def ringing(page: Page) -> Locator:
    return page.locator("[data-testid=alert][data-rings=true]")


def rings_on(page: Page) -> None:
    """Let two more alarms of 18 tones each come due: it is repeated."""
    for _ in range(2):
        heard = page.evaluate("window.tones")
        page.clock.fast_forward(3000)
        page.wait_for_function("heard => window.tones >= heard + 18", arg=heard)


def tap_slowly(page: Page, button: Locator) -> None:
    """Press, let the page draw itself anew, release."""
    button.hover()
    page.mouse.down()
    page.evaluate(
        "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn, 100))))"
    )
    page.mouse.up()


def heavy(page: Page) -> list[str]:
    """Return what axe calls serious or critical here."""
    page.evaluate(Axe().axe_script)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in {"serious", "critical"}]


def test_C13_police_rings_until_acknowledged_through_reload_and_line_loss(house: House, page: Page) -> None:
    page.clock.install()
    sign_in(page, house, "guard-1")
    expect(page.get_by_test_id("waiting")).to_contain_text("目前没有提示")
    expect(page.locator(".bar-staff")).to_have_text("周安")
    seen(house, WANTED)
    expect(ringing(page)).to_contain_text("安保提示")
    expect(ringing(page)).to_contain_text("入口")
    expect(page).to_have_title("● 请查看")
    assert not any(word in page.content() for word in SECRETS)
    rings_on(page)

    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    expect(ringing(page)).to_be_visible()
    page.get_by_test_id("sound-hint").click()
    rings_on(page)

    page.context.set_offline(offline=True)
    expect(page.get_by_test_id("line-banner")).to_be_visible()
    expect(page.get_by_test_id("line-banner")).to_contain_text("线路中断")
    ringing(page).get_by_test_id("take").click()
    expect(page.get_by_test_id("error")).to_contain_text("没有送达")
    rings_on(page)
    page.reload()
    expect(page.get_by_test_id("waiting")).to_contain_text("尚不知道有没有提示")
    expect(page.get_by_test_id("line-banner")).to_be_visible()
    page.context.set_offline(offline=False)
    expect(page.get_by_test_id("line-banner")).to_be_hidden()

    expect(page.get_by_test_id("sound-hint")).to_be_visible()  # it goes with this very tap, and all moves up
    tap_slowly(page, ringing(page).get_by_test_id("open"))
    expect(page.get_by_test_id("subject")).to_have_text("某甲 entry-1")
    expect(page.get_by_test_id("document")).to_have_text("公缉 17")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("detail")).to_be_hidden()
    assert not any(word in page.content() for word in SECRETS)
    expect(ringing(page)).to_be_visible()  # looking is not acknowledging
    ringing(page).get_by_test_id("take").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("taken-by")).to_contain_text("周安")
    expect(ringing(page)).to_have_count(0)
    expect(page).to_have_title("迎宾 · 值守")

    assert page.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)]") == [[], ["yingbin.watch.token"]]
    kept = page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
        (await (await caches.open(name)).keys()).map((one) => one.url)))).flat()"""
    )
    assert kept
    assert not any("/v1/" in url for url in kept)


def test_C13_a_relationship_manager_does_not_get_in(house: House, page: Page) -> None:
    sign_in(page, house, "rm-1")
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("您的岗位不使用此页面")
    assert page.evaluate("Object.keys(sessionStorage)") == []
    sign_in(page, house, "am-1", "000000")
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("工号或密码不对")
    page.evaluate("token => sessionStorage.setItem('yingbin.watch.token', token)", house.token("rm-1"))
    page.reload()
    expect(page.get_by_test_id("sign-in-note")).to_be_visible()
    expect(page.get_by_test_id("sign-in-note")).to_contain_text("登录已失效")
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_C13_overdue_is_discreet_and_names_nobody_before_it_is_opened(house: House, page: Page) -> None:
    sign_in(page, house, "am-1")
    expect(page.get_by_test_id("waiting")).to_contain_text("不响铃")
    expect(page.get_by_test_id("sound-hint")).to_be_hidden()
    seen(house, 1)
    alert = page.get_by_test_id("alert")
    expect(alert).to_contain_text("您有一条客户提示")
    assert not any(word in page.content() for word in SECRETS)
    assert heavy(page) == []
    expect(page).to_have_title("迎宾 · 值守")
    alert.get_by_test_id("take").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("subject")).to_have_text("某甲 entry-2")
    page.clock.install()
    page.reload()
    alert.get_by_test_id("open").click()
    expect(page.get_by_test_id("subject")).to_be_visible()
    page.clock.run_for(61_000)
    expect(page.get_by_test_id("detail")).to_be_hidden()  # nobody touched it for a minute
    assert not any(word in page.content() for word in SECRETS)
    assert page.evaluate("window.tones") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_desk_and_tablet(house: House, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(f"http://{house.address}/watch/")
    expect(page.get_by_test_id("staff-id")).to_be_focused()
    assert heavy(page) == []
    sign_in(page, house, "guard-1")
    seen(house, WANTED + 1)
    expect(ringing(page)).to_be_visible()
    for language in ("en", "zh"):
        page.get_by_test_id(f"language-{language}").click()
        for width, height in ((1280, 800), (820, 1180)):
            page.set_viewport_size({"width": width, "height": height})
            assert heavy(page) == []
            for name in ("take", "open"):
                box = ringing(page).get_by_test_id(name).bounding_box()
                assert box is not None
                assert box["height"] >= 56
                assert box["x"] + box["width"] <= width
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    ringing(page).get_by_test_id("open").click()
    expect(page.get_by_test_id("subject")).to_be_visible()
    assert heavy(page) == []
