"""The tablet page in a real browser against a scripted city (strict CSP, real sockets)."""

import re
from collections.abc import Iterator

import pytest
from browsing import browser, no_complaints
from playwright.sync_api import Browser, Page, expect
from showcase import PHOTOS, STAFF, TOKEN, ScriptedCity, card, open_page

from yingbin.ids import now_ms
from yingbin.pad_wire import Acknowledge, Beat, ConfirmIdentity, Hello, PadRefused, Received

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def city() -> Iterator[ScriptedCity]:
    started = ScriptedCity()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def page(city: ScriptedCity, chromium: Browser) -> Iterator[Page]:
    """Open the page, signed in; whatever it does, no script error and nothing the policy forbids."""
    opened = open_page(city, chromium, 1280, 800)
    with no_complaints(opened):
        yield opened


def count_rings(page: Page) -> None:
    """Count chimes by the oscillators that start (six a chime), since a test cannot listen."""
    page.evaluate(
        """() => { window.tones = 0; const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); }; }"""
    )
    page.get_by_test_id("sound-hint").click()
    expect(page.get_by_test_id("sound-hint")).to_be_hidden()


def test_a_card_appears_rings_once_and_takes_its_photo(city: ScriptedCity, page: Page) -> None:
    count_rings(page)
    expect(page.get_by_test_id("waiting")).to_be_visible()
    before = now_ms()
    city.tell(card("c-1", photo=""))
    shown = page.get_by_test_id("card")
    expect(shown).to_have_attribute("data-card-id", "c-1")
    expect(shown).to_have_attribute("data-seq", "1")
    shown_at = int(shown.get_attribute("data-shown-at") or 0)
    assert before <= shown_at <= now_ms()
    expect(page.get_by_test_id("surname")).to_have_text("陈")
    expect(shown.get_by_test_id("tier")).to_have_text("钻石")
    expect(page.get_by_test_id("offer-main")).to_contain_text("三年期大额存单")
    expect(page.get_by_test_id("offer-alt")).to_have_count(2)
    expect(page.get_by_test_id("avoid")).to_contain_text("收入资料不足")
    expect(page.get_by_test_id("money")).to_have_count(0)
    assert page.evaluate("window.tones") == 6

    city.tell(card("c-1", photo=PHOTOS[0]), ring=True)  # repeated ring of the same visit
    expect(page.get_by_test_id("photo").locator("img")).to_be_visible()
    expect(shown).to_have_attribute("data-seq", "2")
    expect(shown).to_have_attribute("data-shown-at", str(shown_at))
    assert page.evaluate("window.tones") == 6
    assert [message.seq for message in city.heard if isinstance(message, Received)] == [1, 2]


def test_a_guest_from_another_city_is_shown_with_his_home_branch(city: ScriptedCity, page: Page) -> None:
    abroad = {"recognised_by": "province", "from_other_city": True}
    city.tell(card("c-1", **abroad, home_branch_zh="宁波分行", home_branch_en="Ningbo Branch"))
    expect(page.get_by_test_id("from")).to_have_text("外市客户 · 宁波分行")
    page.get_by_test_id("language-en").click()
    expect(page.get_by_test_id("from")).to_have_text("From another city · Ningbo Branch")
    city.tell(card("c-1", **abroad))
    expect(page.get_by_test_id("from")).to_have_text("From another city")
    city.tell(card("c-1"))
    expect(page.get_by_test_id("from")).to_have_count(0)


def test_C5_the_card_of_a_customer_who_withdrew_is_gone_with_all_that_was_to_be_said_of_him(
    city: ScriptedCity, page: Page
) -> None:
    city.tell(card("c-1"))
    page.get_by_test_id("confirm-identity").click()
    expect(page.get_by_test_id("money")).to_contain_text("¥486,200.55")
    page.get_by_test_id("greeted").click()  # waits for its undo time
    city.tell(card("c-1", state="withdrawn", surname="", honorific_zh="", honorific_en="", customer_id=""))
    expect(page.get_by_test_id("waiting")).to_be_visible()
    expect(page.get_by_test_id("card")).to_be_hidden()
    assert "¥" not in page.content()
    assert "陈" not in page.content()
    assert page.evaluate("localStorage.getItem('yingbin.outbox')") in (None, "[]")


def test_speaks_english_and_remembers_it(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    expect(page.get_by_test_id("greeted")).to_have_text("已接待")
    page.get_by_test_id("language-en").click()
    expect(page.get_by_test_id("greeted")).to_have_text("Greeted")
    expect(page.get_by_test_id("offer-main")).to_contain_text("3-year certificate")
    page.reload()
    expect(page.get_by_test_id("greeted")).to_have_text("Greeted")
    assert TOKEN not in page.url


def test_money_comes_only_after_identity_and_can_be_unavailable(city: ScriptedCity, page: Page) -> None:
    city.province_up = False
    city.tell(card("c-1"))
    assert "¥" not in page.content()
    page.get_by_test_id("confirm-identity").click()
    expect(page.get_by_test_id("money")).to_contain_text("暂时连不上省行")
    city.province_up = True
    page.get_by_test_id("confirm-identity").click()
    expect(page.get_by_test_id("money")).to_contain_text("¥486,200.55")
    expect(page.get_by_test_id("money")).to_contain_text("−¥87,300.12")
    page.get_by_test_id("money-toggle").click()
    expect(page.get_by_test_id("money")).to_have_count(0)
    assert sum(isinstance(message, ConfirmIdentity) for message in city.heard) == 2


def test_taps_made_while_the_line_is_down_arrive_after_it_returns(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    expect(page.get_by_test_id("card")).to_be_visible()
    city.stop()
    banner = page.get_by_test_id("line-banner")
    expect(banner).to_contain_text(re.compile(r"线路中断.*最后更新 \d\d:\d\d:\d\d"))
    page.get_by_test_id("acknowledge").click()
    page.get_by_test_id("greeted").click()
    expect(page.get_by_test_id("queued")).to_contain_text("1", timeout=10_000)
    kept = page.evaluate("localStorage.getItem('yingbin.outbox')")
    assert "c-1" in kept
    assert "陈" not in kept
    city.start()
    expect(banner).to_be_hidden(timeout=25_000)
    expect(page.get_by_test_id("queued")).to_be_hidden()
    (outcome,) = city.outcomes.values()
    assert (outcome.card_id, outcome.kind) == ("c-1", "greeted")
    assert Acknowledge("c-1") in city.heard
    hellos = [message.last_seq for message in city.heard if isinstance(message, Hello)]
    assert (hellos[0], hellos[-1]) == (0, 1)
    city.tell(card("c-2", "林"))
    expect(page.get_by_test_id("surname")).to_have_text("林")


def test_silence_is_noticed_on_an_open_socket(city: ScriptedCity, page: Page) -> None:
    expect(page.get_by_test_id("line-banner")).to_be_hidden()
    page.clock.install()
    page.reload()
    expect(page.locator(".bar-dot[data-line=up]")).to_be_visible()
    page.route_web_socket("**/v1/pad", lambda _: None)  # the next connection opens and says nothing
    page.clock.run_for(13_000)
    page.clock.run_for(3_000)
    expect(page.get_by_test_id("line-banner")).to_be_visible()


def test_a_mistaken_tap_can_be_undone(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    page.get_by_test_id("wrong-person").click()
    expect(page.get_by_test_id("offer-main")).to_be_hidden()
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("offer-main")).to_be_visible()
    page.get_by_test_id("not-interested").click()
    page.locator("[data-testid=ask-product][data-product=td_3y]").click()
    expect(page.get_by_test_id("offer-main")).to_contain_text("ETC")
    expect(page.get_by_test_id("offer-refused")).to_contain_text("三年期大额存单")
    expect(page.get_by_test_id("undo")).to_be_hidden(timeout=10_000)
    page.wait_for_function("localStorage.getItem('yingbin.outbox') === '[]'")
    assert [(outcome.kind, outcome.product) for outcome in city.outcomes.values()] == [("not_interested", "td_3y")]


def test_interest_and_why_not_are_one_tap_each(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    page.get_by_test_id("interested").click()
    expect(page.get_by_test_id("ask-all")).to_have_count(0)
    page.locator("[data-testid=ask-product][data-product=etc_card]").click()
    expect(page.get_by_test_id("reasons")).to_be_hidden()
    expect(page.get_by_test_id("undo")).to_be_hidden(timeout=10_000)
    page.get_by_test_id("not-interested").click()
    page.locator("[data-testid=ask-product][data-product=td_3y]").click()
    page.locator("[data-testid=reason][data-reason=price]").click()
    expect(page.locator("[data-reason=price]")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("undo")).to_be_hidden(timeout=10_000)
    for _ in range(200):
        if len(city.outcomes) == 2:
            break
        page.wait_for_timeout(50)
    told = [(outcome.kind, outcome.product, outcome.reason) for outcome in city.outcomes.values()]
    assert told == [("accepted", "etc_card", ""), ("not_interested", "td_3y", "price")]


def test_a_busy_manager_keeps_the_card_and_colleagues_are_smaller(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    page.get_by_test_id("confirm-identity").click()
    expect(page.get_by_test_id("money")).to_be_visible()
    city.tell(card("c-2", "林", 1))
    city.tell(card("c-3", "欧阳", 1, assigned_to="lobby-02"), ring=False)
    expect(page.locator(".rows-small [data-card-id=c-3]")).to_be_visible()
    expect(page.get_by_test_id("surname")).to_have_text("陈")
    page.locator("[data-testid=card-row][data-card-id=c-2]").click()
    expect(page.get_by_test_id("surname")).to_have_text("林")
    expect(page.get_by_test_id("money")).to_have_count(0)


def test_an_expired_token_leads_to_sign_in(city: ScriptedCity, page: Page) -> None:
    city.tell(card("c-1"))
    expect(page.get_by_test_id("card")).to_be_visible()
    city.tokens.clear()
    city.say(PadRefused("not_authenticated", "登录已过期。", "e-expired"))
    expect(page.get_by_test_id("sign-in-note")).to_contain_text("登录已过期")
    expect(page.get_by_test_id("card")).to_be_hidden()
    page.get_by_test_id("staff-id").fill(STAFF)
    page.get_by_test_id("pin").fill("0000")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("e-sign-in")
    page.get_by_test_id("pin").fill("2468")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("surname")).to_have_text("陈")


def test_refusals_and_a_missing_province_are_shown(city: ScriptedCity, page: Page) -> None:
    city.say(PadRefused("not_found", "没有这张卡片。", "e-404"))
    expect(page.get_by_test_id("error")).to_contain_text("e-404")
    city.say(Beat(now_ms(), True))
    expect(page.get_by_test_id("degraded")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 800), (800, 1280), (390, 844)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_and_is_large_enough(
    city: ScriptedCity, chromium: Browser, size: tuple[int, int], language: str
) -> None:
    page = open_page(city, chromium, *size)
    city.tell(card("c-1"))
    page.get_by_test_id(f"language-{language}").click()
    for name in ("greeted", "wrong-person", "not-interested", "confirm-identity", "acknowledge"):
        expect(page.get_by_test_id(name)).to_be_visible()
        box = page.get_by_test_id(name).bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.context.close()
